"""Liveness of the operator, as an exec probe: `python -m kozutumi_operator.alive`. Standard library only.

The heartbeat file is touched when a *watch* delivers the operator's own Lease renewal, so an operator whose
watches have gone silent (kopf can live on as a zombie) stops being alive.
"""

from __future__ import annotations

import os
import sys
import time
from pathlib import Path
from typing import Final

LIMIT: Final = 90.0  # seconds; the Lease is renewed every 5
DEFAULT: Final = "/tmp/kozutumi-operator-heartbeat"  # noqa: S108 - a volume in memory of the pod's own
VARIABLE: Final = "KOZUTUMI_HEARTBEAT"


def beat(path: Path) -> None:
    path.touch()


def age(path: Path, now: float) -> float | None:
    """Seconds since the last beat, or None if there was none."""
    try:
        return now - path.stat().st_mtime
    except FileNotFoundError:
        return None


def main() -> int:
    since = age(Path(os.environ.get(VARIABLE, DEFAULT)), time.time())
    return 0 if since is not None and since < LIMIT else 1


if __name__ == "__main__":
    sys.exit(main())

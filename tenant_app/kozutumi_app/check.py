"""The kubelet's exec probe: `python -m kozutumi_app.check live|ready`. Standard library only, so that it starts quickly.

The app touches one file while its event loop turns and another while its database answers.
"""

from __future__ import annotations

import sys
import time
from pathlib import Path
from typing import Final

LIVE: Final = Path("/tmp/kozutumi-live")  # noqa: S108 - a volume in memory of the pod's own
READY: Final = Path("/tmp/kozutumi-ready")  # noqa: S108 - as above
MAXIMUM_AGE_SECONDS: Final = 30.0


def is_fresh(path: Path, now: float) -> bool:
    """`now` in seconds since 1970."""
    try:
        return now - path.stat().st_mtime < MAXIMUM_AGE_SECONDS
    except FileNotFoundError:
        return False


def main(arguments: list[str]) -> int:
    paths = {"live": LIVE, "ready": READY}
    if len(arguments) != 1 or arguments[0] not in paths:
        sys.stderr.write("usage: python -m kozutumi_app.check live|ready\n")
        return 2
    if is_fresh(paths[arguments[0]], time.time()):
        return 0
    sys.stderr.write(f"not {arguments[0]}: no sign for {MAXIMUM_AGE_SECONDS:.0f} seconds\n")
    return 1


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))

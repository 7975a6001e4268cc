"""`python -m kozutumi_scanner.check live|ready`: exit status 0 if the process beside it is. Standard library only."""

from __future__ import annotations

import os
import sys
import time
from pathlib import Path

from kozutumi_scanner import heartbeat


def main(arguments: list[str], folder: Path, now: float) -> int:
    if len(arguments) != 1 or arguments[0] not in heartbeat.NAMES:
        print("usage: python -m kozutumi_scanner.check live|ready", file=sys.stderr)  # noqa: T201 - a command
        return 2
    age = heartbeat.age(folder, arguments[0], now)
    return 0 if age is not None and age <= heartbeat.MAXIMUM_AGE else 1


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:], Path(os.environ.get("KOZUTUMI_RUN_DIRECTORY", "/run/clamav")), time.time()))

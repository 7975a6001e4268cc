"""`python -m kozutumi_scanner clamd|freshclam|agent|mirror`: one process of the scanner pod, or the mirror."""

from __future__ import annotations

import os
import sys
from typing import Final

from kozutumi_contract.settings import SettingsError
from kozutumi_contract.tls import TlsError
from kozutumi_scanner import logs, starting

_PROCESSES: Final = {
    "clamd": starting.clamd,
    "freshclam": starting.freshclam,
    "agent": starting.agent,
    "mirror": starting.mirror,
}


def main(arguments: list[str]) -> int:
    if len(arguments) != 1 or arguments[0] not in _PROCESSES:
        print(__doc__, file=sys.stderr)  # noqa: T201 - a command
        return 2
    logs.configure()
    try:
        _PROCESSES[arguments[0]](dict(os.environ))
    except (SettingsError, TlsError, starting.StartError) as error:
        print(f"{arguments[0]} does not start: {error}", file=sys.stderr)  # noqa: T201 - a command
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))

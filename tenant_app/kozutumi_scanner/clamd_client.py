"""Small commands to clamd by the `clamd` package. Scans go through `instream`, which sends a stream of any length."""

from __future__ import annotations

from typing import Final

import clamd

PING_SECONDS: Final = 5
RELOAD_SECONDS: Final = 300


class ClamdUnavailableError(Exception):
    """clamd does not answer on its socket."""


def is_up(path: str) -> bool:
    try:
        return _command(path, "ping", PING_SECONDS) == "PONG"
    except ClamdUnavailableError:
        return False


def reload(path: str) -> None:
    """Load the databases again and return when clamd works with them.

    clamd answers at once and then loads in the thread that hands out commands
    (ConcurrentDatabaseReload no), so a PING sent after that is answered by the new engine's process.
    """
    if _command(path, "reload", RELOAD_SECONDS) != "RELOADING" or _command(path, "ping", RELOAD_SECONDS) != "PONG":
        raise ClamdUnavailableError("clamd gave an unknown answer to RELOAD")


def _command(path: str, name: str, seconds: int) -> str:
    try:
        return str(getattr(clamd.ClamdUnixSocket(path, seconds), name)())
    except (clamd.ClamdError, OSError) as error:
        raise ClamdUnavailableError(f"clamd does not answer {name}: {error}") from None

"""Where to, and with which token: from the environment or a file of one's own, never from an argument that `ps` shows."""

from __future__ import annotations

import json
import os
import stat
from collections.abc import Mapping
from pathlib import Path
from typing import Any, Final
from urllib.parse import urlsplit

from kozutumi_cli.errors import CliError
from kozutumi_cli.transfers.http import Connection
from kozutumi_cli.transfers.words import say

URL: Final = "KOZUTUMI_URL"
TOKEN: Final = "KOZUTUMI_TOKEN"  # noqa: S105 - a variable's name
TOKEN_FILE: Final = "KOZUTUMI_TOKEN_FILE"  # noqa: S105 - a variable's name
CA: Final = "KOZUTUMI_CA"
_OTHERS: Final = stat.S_IRWXG | stat.S_IRWXO


def connection(environment: Mapping[str, str] = os.environ) -> Connection:
    """To the organization of KOZUTUMI_URL, with its token. CliError says what is missing."""
    url = environment.get(URL, "")
    if urlsplit(url).scheme != "https" or not urlsplit(url).hostname:
        raise CliError(say("Set KOZUTUMI_URL to the address of your organization, such as https://acme.example.com."))
    return Connection(url.rstrip("/"), token(environment), environment.get(CA))


def token(environment: Mapping[str, str]) -> str:
    if environment.get(TOKEN):
        return environment[TOKEN].strip()
    path = Path(environment.get(TOKEN_FILE) or _folder(environment, "XDG_CONFIG_HOME", ".config") / "token")
    try:
        mode, text = path.stat().st_mode, path.read_text("ascii").strip()
    except (OSError, ValueError):
        text, mode = "", 0
    if mode & _OTHERS:
        raise CliError(say("{path} can be read by others; run: chmod 600 {path}", path=path))
    if not text:
        raise CliError(say("Set KOZUTUMI_TOKEN, or write a token into {path} (mode 0600).", path=path))
    return text


class Kept:
    """A small document of one command, so that the same command goes on where it was cut off. Readable by its owner alone."""

    def __init__(self, name: str, environment: Mapping[str, str] = os.environ) -> None:
        self._path = _folder(environment, "XDG_STATE_HOME", ".local/state") / f"{name}.json"

    def load(self) -> dict[str, Any]:
        try:
            found = json.loads(self._path.read_text("utf-8"))
        except (OSError, ValueError):
            return {}
        return found if isinstance(found, dict) else {}

    def save(self, document: Mapping[str, Any]) -> None:
        self._path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
        fresh = self._path.with_suffix(".new")
        with os.fdopen(os.open(fresh, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600), "w", encoding="utf-8") as file:
            json.dump(document, file)
            file.flush()
            os.fsync(file.fileno())
        fresh.replace(self._path)

    def forget(self) -> None:
        self._path.unlink(missing_ok=True)


def _folder(environment: Mapping[str, str], variable: str, usual: str) -> Path:
    base = environment.get(variable)
    return (Path(base) if base else Path(environment.get("HOME", "~")).expanduser() / usual) / "kozutumi"

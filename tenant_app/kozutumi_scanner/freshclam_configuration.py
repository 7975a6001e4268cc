"""freshclam's configuration, for the scanner (from the mirror) and for the mirror (from the vendor)."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Final

from kozutumi_contract.settings import ScannerSettings
from kozutumi_scanner import databases

VENDOR_DATABASES: Final = ("main", "daily", "bytecode")
_COMMON: Final = """\
LogTime yes
MaxAttempts 2
ConnectTimeout 10
ReceiveTimeout 120
TestDatabases yes
ScriptedUpdates no
CompressLocalDatabase no
"""


def for_scanner(settings: ScannerSettings, *, owner: str) -> str:
    """From the mirror alone; trust is set outside by CURL_CA_BUNDLE. `owner` is the user it runs as."""
    mirror = settings.mirror_url.rstrip("/")
    # PrivateMirror only satisfies freshclam, which wants to know one: every vendor database is excluded.
    lines = [f"DatabaseDirectory {settings.database_directory}", f"DatabaseOwner {owner}", f"PrivateMirror {mirror}"]
    lines += [f"DatabaseCustomURL {mirror}/{name}" for name in databases.expected(settings.mirror_databases)]
    return _COMMON + _lines([*lines, *_excluded(VENDOR_DATABASES)])


def for_mirror(directory: str, upstream: str, *, owner: str) -> str:
    return _COMMON + _lines([f"DatabaseDirectory {directory}", f"DatabaseOwner {owner}", f"DatabaseMirror {upstream}"])


def _excluded(names: Iterable[str]) -> list[str]:
    return [f"ExcludeDatabase {name}" for name in names]


def _lines(lines: Iterable[str]) -> str:
    return "".join(f"{line}\n" for line in lines)

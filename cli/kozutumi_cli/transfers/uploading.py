"""One file by tus 1.0 in parts of 8 MiB: each is durable once acknowledged, and a cut costs at most the one under way."""

from __future__ import annotations

import base64
import hashlib
import time
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final
from urllib.parse import urlsplit

from kozutumi_cli.errors import CliError
from kozutumi_cli.transfers.http import Connection, ConnectionLostError, RefusedError
from kozutumi_cli.transfers.words import say

PART_BYTES: Final = 8 * 2**20
_ATTEMPTS: Final = 10  # in a row without a byte
_LONGEST_PAUSE: Final = 30
_VERSION: Final = {"Tus-Resumable": "1.0.0"}
_PASSING: Final = frozenset({408, 409, 423, 429, 460, 500, 503})

Notice = Callable[[str], None]


@dataclass(frozen=True, slots=True)
class Source:
    """`name` is the path inside the transfer, with slashes."""

    path: Path
    name: str
    size: int
    modified: int


def sources(paths: Iterable[Path]) -> list[Source]:
    """Files, and all files in folders, in a fixed order."""
    found: list[Source] = []
    for path in paths:
        if path.is_dir():
            inside = [each for each in sorted(path.rglob("*")) if each.is_file()]
            if not inside:
                raise CliError(say("There is nothing to send in {path}.", path=path))
            root = path.resolve().parent
            found += [_source(each, each.resolve().relative_to(root).as_posix()) for each in inside]
        elif path.is_file():
            found.append(_source(path, path.name))
        else:
            raise CliError(say("{path} is no file or folder.", path=path))
    return found


def begin(connection: Connection, transfer_id: str, source: Source) -> str:
    """Create the upload; returns its address."""
    pairs = {"transfer": transfer_id, "filename": source.name.rsplit("/", 1)[-1]}
    if "/" in source.name:
        pairs["path"] = source.name
    encoded = ",".join(f"{key} {base64.b64encode(value.encode()).decode()}" for key, value in pairs.items())
    headers = _VERSION | {"Upload-Length": str(source.size), "Upload-Metadata": encoded}
    return urlsplit(connection.request("POST", "/files/", headers=headers).headers["Location"]).path


def send(connection: Connection, source: Source, url: str, advance: Callable[[int], None], notice: Notice) -> None:
    """Bring the upload to its end, from wherever it is; `advance` is told how many bytes are durable."""
    failures = 0
    while True:
        try:
            offset = _offset(connection, url)
            advance(offset)
            while offset < source.size:
                offset = _part(connection, source, url, offset)
                failures = 0
                advance(offset)
        except (ConnectionLostError, RefusedError) as error:
            failures += 1
            _pause(error, failures, notice)
        else:
            return


def repeated(act: Callable[[], Any], notice: Notice) -> Any:
    """Do what may be done twice (a GET, or a POST with an Idempotency-Key) until it is answered."""
    failures = 0
    while True:
        try:
            return act()
        except (ConnectionLostError, RefusedError) as error:
            failures += 1
            _pause(error, failures, notice)


def _pause(error: ConnectionLostError | RefusedError, failures: int, notice: Notice) -> None:
    """Wait for what may pass; raise what does not, or did not in time."""
    passing = isinstance(error, ConnectionLostError) or error.status in _PASSING
    if not passing or failures >= _ATTEMPTS or (isinstance(error, RefusedError) and error.code == "transfer_closed"):
        raise error
    told = error.retry_after if isinstance(error, RefusedError) else None
    seconds = min(told or 2 ** (failures - 1), _LONGEST_PAUSE)
    notice(say("The connection was lost; trying again in {seconds} s.", seconds=seconds))
    time.sleep(seconds)


def _offset(connection: Connection, url: str) -> int:
    return int(connection.request("HEAD", url, headers=_VERSION).headers["Upload-Offset"])


def _part(connection: Connection, source: Source, url: str, offset: int) -> int:
    with source.path.open("rb") as file:
        file.seek(offset)
        part = file.read(min(PART_BYTES, source.size - offset))
    now = source.path.stat()
    if not part or (now.st_size, now.st_mtime_ns) != (source.size, source.modified):
        raise CliError(say("{path} changed while it was sent.", path=source.path))
    digest = base64.b64encode(hashlib.sha256(part).digest()).decode()
    headers = _VERSION | {
        "Upload-Offset": str(offset),
        "Upload-Checksum": f"sha256 {digest}",
        "Content-Type": "application/offset+octet-stream",
    }
    return int(connection.request("PATCH", url, body=part, headers=headers).headers["Upload-Offset"])


def _source(path: Path, name: str) -> Source:
    found = path.stat()
    return Source(path, name, found.st_size, found.st_mtime_ns)

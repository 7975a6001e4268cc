"""What a member may ask a guest for, and what a guest may still send. Pure; sizes are bytes, spans seconds."""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum
from typing import Final

from kozutumi_app.errors import InvalidInput, RequestLimit, RequestOver, TypeRefused

MAXIMUM_FILES: Final = 1_000
SUBJECT_LENGTH: Final = 200
MESSAGE_LENGTH: Final = 10_000
MAXIMUM_TYPES: Final = 50
GRACE: Final = timedelta(hours=24)  # what a guest began in time may be finished
ANSWER_LIFE: Final = timedelta(days=7)  # of an answer that its guest does not finish

_TYPE: Final = re.compile(r"[a-z0-9][a-z0-9+_-]{0,15}")


class RequestState(StrEnum):
    OPEN = "Open"
    CLOSED = "Closed"
    EXPIRED = "Expired"


@dataclass(frozen=True, slots=True)
class Terms:
    """Limits hold for all answers to the request together. `types` are file name extensions; none: any."""

    once: bool
    expires_in: int
    max_files: int
    max_bytes: int
    types: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Used:
    files: int
    bytes: int


@dataclass(frozen=True, slots=True)
class Standing:
    """What is stored of a request."""

    closed_at: datetime | None
    expires_at: datetime
    max_files: int
    max_bytes: int
    types: tuple[str, ...]


def check(terms: Terms, *, longest: int, most_bytes: int) -> Terms:
    """Return the terms as they are stored; InvalidInput says what is outside."""
    if not 0 < terms.expires_in <= longest:
        raise InvalidInput(f"At most {longest} seconds until the request ends.")
    if not 0 < terms.max_files <= MAXIMUM_FILES or not 0 < terms.max_bytes <= most_bytes:
        raise InvalidInput(f"At most {MAXIMUM_FILES} files and {most_bytes} bytes.")
    return Terms(terms.once, terms.expires_in, terms.max_files, terms.max_bytes, parse_types(terms.types))


def parse_types(texts: Iterable[str]) -> tuple[str, ...]:
    """Extensions as people write them (".PDF", "pdf"), sorted, each once."""
    found = {text.strip().removeprefix("*").removeprefix(".").lower() for text in texts} - {""}
    if len(found) > MAXIMUM_TYPES or not all(_TYPE.fullmatch(each) for each in found):
        raise InvalidInput("File types are extensions such as pdf or docx, at most 50.")
    return tuple(sorted(found))


def state_of(closed_at: datetime | None, expires_at: datetime, now: datetime) -> RequestState:
    if closed_at is not None:
        return RequestState.CLOSED
    return RequestState.OPEN if now < expires_at else RequestState.EXPIRED


def require_open(closed_at: datetime | None, expires_at: datetime, now: datetime, *, begun: bool = False) -> None:
    """RequestOver once it is; who has begun an answer in time may still finish it."""
    if closed_at is not None or now >= expires_at + (GRACE if begun else timedelta()):
        raise RequestOver


def require_file(standing: Standing, used: Used, name: str, size: int, *, is_part: bool = False) -> None:
    """Whether one more file may begin. A part of a file to come has no name yet and counts only by its bytes."""
    if used.bytes + size > standing.max_bytes:
        raise RequestLimit(f"{max(0, standing.max_bytes - used.bytes)} bytes are left")
    if is_part:
        return
    if used.files >= standing.max_files:
        raise RequestLimit(f"at most {standing.max_files} files")
    if standing.types and extension(name) not in standing.types:
        raise TypeRefused


def extension(name: str) -> str:
    return name.rpartition(".")[2].lower() if "." in name else ""

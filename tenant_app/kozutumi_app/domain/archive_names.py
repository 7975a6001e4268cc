"""Names inside an archive: no two that any system takes for one. Pure."""

from __future__ import annotations

import unicodedata
from collections.abc import Iterator, Sequence
from itertools import count
from typing import Final

from kozutumi_app.domain.filenames import MAX_BYTES, safe_name

_MAX_EXTENSION_BYTES: Final = 32


def unique(paths: Sequence[str]) -> list[str]:
    """Return `paths` (safe ones, with "/") in order, later namesakes numbered: "a.txt", "a (2).txt".

    Two names are one where they differ in case or in Unicode composition only, and so are a file and a folder.
    """
    taken = {_form(folder) for path in paths for folder in _folders(path)}
    result = []
    for path in paths:
        name = next(name for name in _variants(path) if _form(name) not in taken)
        taken.add(_form(name))
        result.append(name)
    return result


def archive_name(subject: str) -> str:
    """What the archive of a transfer is called."""
    whole = subject.replace("/", "_").replace("\\", "_")
    return safe_name(f"{safe_name(whole)}.zip") if subject.strip() else "files.zip"


def _variants(path: str) -> Iterator[str]:
    yield path
    folder, slash, name = path.rpartition("/")
    stem, dot, extension = name.rpartition(".")
    if not stem or len(extension.encode()) > _MAX_EXTENSION_BYTES:
        stem, dot, extension = name, "", ""
    for number in count(2):
        suffix = f" ({number}){dot}{extension}"
        room = MAX_BYTES - len(suffix.encode())
        yield f"{folder}{slash}{stem.encode()[: max(room, 1)].decode(errors='ignore')}{suffix}"


def _folders(path: str) -> Iterator[str]:
    parts = path.split("/")
    return ("/".join(parts[:depth]) for depth in range(1, len(parts)))


def _form(path: str) -> str:
    return unicodedata.normalize("NFC", unicodedata.normalize("NFC", path).casefold())

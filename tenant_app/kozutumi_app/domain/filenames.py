"""The one function that makes a name safe to store, show and offer as a download."""

from __future__ import annotations

import re
import unicodedata
from typing import Final

from kozutumi_app.errors import InvalidInput

MAX_BYTES: Final = 255
MAX_PATH_BYTES: Final = 1024
MAX_PATH_DEPTH: Final = 32
FALLBACK: Final = "file"
_MAX_EXTENSION_BYTES: Final = 32
_JOINERS: Final = frozenset("\u200c\u200d")  # needed to write several languages
_UNSAFE_ON_WINDOWS: Final = str.maketrans(dict.fromkeys('<>:"|?*', "_"))
_RESERVED: Final = re.compile(r"(CON|PRN|AUX|NUL|CONIN\$|CONOUT\$|(COM|LPT)[0-9¹²³])", re.IGNORECASE)


def safe_name(name: str) -> str:
    """Last component of `name` as NFC (UAX #15), at most 255 bytes of UTF-8, harmless on Windows, macOS and Linux.

    Control characters, direction overrides, invisible formats and lone surrogates are removed; a device
    name is prefixed by `_`; of a long name the extension stays. Never empty, and stable when applied twice.
    """
    last = re.split(r"[/\\]", name)[-1]
    visible = "".join(c for c in unicodedata.normalize("NFC", last) if _is_kept(c)).translate(_UNSAFE_ON_WINDOWS)
    trimmed = _trim(visible)
    if _RESERVED.fullmatch(trimmed.split(".")[0].rstrip()):
        trimmed = f"_{trimmed}"
    return _trim(_shortened(trimmed)) or FALLBACK


def safe_path(path: str) -> str:
    """Return the place of a file inside its transfer: folders and name, each a safe name, joined by "/".

    "" when it lies in no folder. Neither absolute nor able to leave the transfer: "", "." and ".." are dropped.
    Stable when applied twice. InvalidInput beyond 32 levels or 1,024 bytes.
    """
    parts = [part for part in re.split(r"[/\\]", path) if _trim(part)]
    safe = [safe_name(part) for part in parts]
    if len(safe) > MAX_PATH_DEPTH or len("/".join(safe).encode(errors="replace")) > MAX_PATH_BYTES:
        raise InvalidInput("The folder path is too deep or too long: at most 32 levels and 1,024 bytes.")
    return "/".join(safe) if len(safe) > 1 else ""


def content_disposition(name: str) -> str:
    """`attachment` with an ASCII fallback and the UTF-8 name (RFC 6266 §4.3, RFC 8187 §3.2)."""
    ascii_name = "".join(c if c.isascii() and c not in '"\\%;' else "_" for c in name)
    encoded = "".join(chr(b) if chr(b) in _ATTR_CHAR else f"%{b:02X}" for b in name.encode())
    return f"attachment; filename=\"{ascii_name}\"; filename*=UTF-8''{encoded}"


_ATTR_CHAR: Final = frozenset("abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789!#$&+-.^_`|~")


def _is_kept(character: str) -> bool:
    return character in _JOINERS or unicodedata.category(character) not in {"Cc", "Cf", "Cs", "Zl", "Zp"}


def _trim(name: str) -> str:
    """Windows drops trailing dots and spaces; leading ones only hide."""
    return name.strip().rstrip(". ").lstrip()


def _shortened(name: str) -> str:
    if len(name.encode()) <= MAX_BYTES:
        return name
    stem, dot, extension = name.rpartition(".")
    suffix = dot + extension
    if not stem or len(suffix.encode()) > _MAX_EXTENSION_BYTES:
        stem, suffix = name, ""
    room = MAX_BYTES - len(suffix.encode())
    return stem.encode()[:room].decode(errors="ignore").rstrip(". ") + suffix

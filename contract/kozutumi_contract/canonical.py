"""One byte sequence for one JSON value (RFC 8785, for values without fractions), so that it can be signed.

Keys are sorted by their UTF-16 code units, nothing is padded, the text is UTF-8. Numbers are whole and at most
2^53 - 1 in size, where every implementation writes them alike.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any, Final

LARGEST: Final = 2**53 - 1


class NotCanonicalError(ValueError):
    """The value or text has no canonical form; the message says what is in the way."""


def encode(value: Any) -> bytes:
    """Canonical bytes of `value`. NotCanonicalError for fractions, lone surrogates and other types."""
    return _text(value).encode("utf-8")


def decode(text: bytes) -> Any:
    """Parse JSON that may be laid out in any way. NotCanonicalError where two readers could see two things."""
    try:
        return json.loads(
            text.decode("utf-8"), object_pairs_hook=_unique, parse_float=_refuse_number, parse_constant=_refuse_number
        )
    except (UnicodeDecodeError, json.JSONDecodeError, RecursionError) as error:
        raise NotCanonicalError(f"this is not JSON in UTF-8: {error}") from None


def _text(value: Any) -> str:
    if value is None or isinstance(value, bool):
        return json.dumps(value)
    if isinstance(value, int):
        if abs(value) > LARGEST:
            raise NotCanonicalError(f"{value} is larger than {LARGEST}; write it as text")
        return str(value)
    if isinstance(value, str):
        return _string(value)
    if isinstance(value, Mapping):
        pairs = sorted((_name(key), each) for key, each in value.items())
        return "{" + ",".join(f"{_string(key.decode('utf-16-be'))}:{_text(each)}" for key, each in pairs) + "}"
    if isinstance(value, list | tuple):
        return "[" + ",".join(_text(each) for each in value) + "]"
    raise NotCanonicalError(f"{type(value).__name__} is no JSON value with a canonical form")


def _name(key: object) -> bytes:
    if not isinstance(key, str):
        raise NotCanonicalError(f"{key!r} is no name of an object's member")
    try:
        return key.encode("utf-16-be")
    except UnicodeEncodeError:
        raise NotCanonicalError("a name holds half a character (a lone surrogate)") from None


def _string(text: str) -> str:
    try:
        text.encode("utf-8")
    except UnicodeEncodeError:
        raise NotCanonicalError("a text holds half a character (a lone surrogate)") from None
    return json.dumps(text, ensure_ascii=False)


def _unique(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    found = dict(pairs)
    if len(found) != len(pairs):
        raise NotCanonicalError("an object names the same member twice")
    return found


def _refuse_number(text: str) -> Any:
    raise NotCanonicalError(f"{text} is no whole number")

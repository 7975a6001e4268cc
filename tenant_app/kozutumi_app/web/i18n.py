"""Japanese and English: which one a request asks for, and the translations.

The English sentence is the key. `locales/ja.po` is read as it stands, so a wheel cannot lack a compiled
catalogue; a test holds it complete.
"""

from __future__ import annotations

import gettext
import io
from collections.abc import Mapping, Sequence
from functools import cache
from importlib import resources
from typing import Final

from babel.messages.mofile import write_mo
from babel.messages.pofile import read_po

LOCALES: Final = ("ja", "en")
DEFAULT: Final = "ja"
COOKIE: Final = "lang"


@cache
def translations(locale: str) -> gettext.NullTranslations:
    """Catalogue of `locale`; English, and anything unknown, is its own catalogue."""
    source = resources.files("kozutumi_app.web") / "locales" / f"{locale}.po"
    if locale not in LOCALES or not source.is_file():
        return gettext.NullTranslations()
    compiled = io.BytesIO()
    with source.open("rb") as lines:
        write_mo(compiled, read_po(lines, locale=locale))
    compiled.seek(0)
    return gettext.GNUTranslations(compiled)


def translate(locale: str, message: str, values: Mapping[str, object] | None = None) -> str:
    """Return `message` in `locale`, with its `%(name)s` placeholders filled."""
    text = translations(locale).gettext(message)
    return text % values if values else text


def negotiate(*, query: str | None, cookie: str | None, accept_language: str | None) -> str:
    """Return the locale asked for: by the address, then by the earlier choice, then by the browser (RFC 9110 §12.5.4)."""
    for wanted in (query, cookie):
        if wanted in LOCALES:
            return wanted
    return next((tag for tag in _preferred(accept_language or "") if tag in LOCALES), DEFAULT)


def _preferred(header: str) -> Sequence[str]:
    weighted: list[tuple[float, str]] = []
    for part in header[:512].split(","):
        tag, _, parameter = part.strip().partition(";")
        weighted.append((_quality(parameter), tag.split("-")[0].strip().lower()))
    return [tag for quality, tag in sorted(weighted, key=lambda item: -item[0]) if quality > 0]


def _quality(parameter: str) -> float:
    name, _, value = parameter.strip().partition("=")
    if name != "q":
        return 1.0
    try:
        return float(value)
    except ValueError:
        return 0.0

"""The platform's announcements: a line on every page, and a page that tells them whole."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Final

from kozutumi_app.errors import DatabaseUnavailable
from kozutumi_app.services import Services
from kozutumi_app.use_cases import announcements
from kozutumi_app.use_cases.announcements import Announcement
from kozutumi_app.web import i18n


def _(text: str) -> str:
    """Mark `text` for the catalogue; it is translated when it is shown."""
    return text


_KINDS: Final[Mapping[str, tuple[str, str]]] = {
    "Maintenance": (_("Maintenance"), "warn"),
    "Change": (_("Change"), ""),
    "Incident": (_("Incident"), "bad"),
    "Security": (_("Security notice"), "bad"),
}


@dataclass(frozen=True, slots=True)
class Notice:
    """In the reader's language. `tone` picks a colour; the label alone says everything."""

    id: str
    label: str
    tone: str
    title: str
    body: str
    begins: datetime | None
    until: datetime | None
    timeline: tuple[tuple[datetime, str], ...]


def current(services: Services, locale: str) -> list[Notice]:
    """None while the database does not answer: the page itself says that something is wrong."""
    try:
        found = announcements.current(services)
    except DatabaseUnavailable:
        return []
    return [_notice(each, locale) for each in found]


def _notice(each: Announcement, locale: str) -> Notice:
    label, tone = _KINDS[each.type]
    words = each.text[locale]
    return Notice(
        id=each.id,
        label=i18n.translate(locale, label),
        tone=tone,
        title=words.title,
        body=words.body,
        begins=each.begins,
        until=each.until,
        timeline=tuple((news.at, news.words[locale]) for news in each.timeline),
    )

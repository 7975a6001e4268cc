from __future__ import annotations

from datetime import datetime

from fastapi import APIRouter
from pydantic import Field

from kozutumi_app.domain.tokens import Scope
from kozutumi_app.errors import NotFound
from kozutumi_app.use_cases import announcements
from kozutumi_app.use_cases.announcements import Announcement, Words
from kozutumi_app.web.api.callers import App, Member
from kozutumi_app.web.api.documented import Shown, answers
from kozutumi_app.web.paging import After, Limit, cut

router = APIRouter()


class NewsShown(Shown):
    at: datetime
    ja: str
    en: str


class Notice(Shown):
    id: str
    type: str
    begins: datetime | None = Field(serialization_alias="from")
    until: datetime | None
    text: dict[str, Words]
    timeline: list[NewsShown]


class Notices(Shown):
    announcements: list[Notice]
    next: str | None


@router.get("/announcements", **answers(NotFound, scope=Scope.TRANSFERS_READ))
def list_announcements(user: Member, services: App, limit: Limit = 100, after: After = None) -> Notices:
    """What the platform announces now; times are RFC 3339."""
    del user
    page = cut(announcements.current(services), limit, after)
    return Notices(announcements=[_shown(each) for each in page.items], next=page.next)


def _shown(each: Announcement) -> Notice:
    return Notice(
        id=each.id,
        type=each.type,
        begins=each.begins,
        until=each.until,
        text=dict(each.text),
        timeline=[NewsShown(at=news.at, ja=news.words["ja"], en=news.words["en"]) for news in each.timeline],
    )

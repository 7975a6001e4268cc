from __future__ import annotations

from fastapi import APIRouter

from kozutumi_app.domain.tokens import Scope
from kozutumi_app.errors import ChangeClosed, NotFound
from kozutumi_app.use_cases import consent
from kozutumi_app.use_cases.consent import Change
from kozutumi_app.web.api.callers import ActingAdministrator, Administrator, App
from kozutumi_app.web.api.documented import Shown, answers
from kozutumi_app.web.api.shapes import InState
from kozutumi_app.web.paging import After, Limit, cut

router = APIRouter(prefix="/changes")


class Changes(Shown):
    changes: list[Change]
    next: str | None


@router.get("", **answers(NotFound, scope=Scope.ADMIN))
def list_changes(user: Administrator, services: App, limit: Limit = 100, after: After = None) -> Changes:
    """The provider's changes to this organization's manifest that need, or needed, its agreement."""
    del user
    page = cut(consent.recent(services), limit, after)
    return Changes(changes=page.items, next=page.next)


@router.post("/{change_id}/confirm", **answers(NotFound, ChangeClosed))
def confirm(change_id: str, user: ActingAdministrator, services: App) -> InState:
    """A person agrees, never a token."""
    return InState(id=change_id, state=consent.decide(services, user, change_id, agree=True))


@router.post("/{change_id}/refuse", **answers(NotFound, ChangeClosed))
def refuse(change_id: str, user: ActingAdministrator, services: App) -> InState:
    """A person refuses, never a token."""
    return InState(id=change_id, state=consent.decide(services, user, change_id, agree=False))

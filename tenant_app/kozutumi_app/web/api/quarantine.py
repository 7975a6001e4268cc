"""What the scanner refused, for administrators. It tells of a file, never from it."""

from __future__ import annotations

from fastapi import APIRouter
from pydantic import Field

from kozutumi_app.domain.tokens import Scope
from kozutumi_app.errors import NotFound, NotReleasable, ReleaseNotAllowed
from kozutumi_app.use_cases import quarantine, readability
from kozutumi_app.use_cases.quarantine import Quarantined
from kozutumi_app.web.api.callers import ActingAdministrator, Administrator, App, Body
from kozutumi_app.web.api.documented import Shown, answers
from kozutumi_app.web.api.shapes import InState
from kozutumi_app.web.paging import After, Limit

router = APIRouter(prefix="/quarantine")


class Comment(Body):
    """Why it is released: kept in the audit log."""

    comment: str = Field(min_length=1, max_length=500)


class Quarantine(Shown):
    """`may_release`: the organization's policy lets administrators release files that could not be scanned."""

    may_release: bool
    files: list[Quarantined]
    next: str | None


@router.get("", **answers(NotFound, scope=Scope.ADMIN))
def list_quarantine(user: Administrator, services: App, limit: Limit = 200, after: After = None) -> Quarantine:
    """Newest first."""
    page = quarantine.listed(services, user, limit=limit, after=after)
    return Quarantine(may_release=readability.may_release(services), files=list(page.files), next=page.next)


@router.post("/{file_id}/release", **answers(NotFound, ReleaseNotAllowed, NotReleasable))
def release(file_id: str, body: Comment, user: ActingAdministrator, services: App) -> InState:
    """A person takes it upon themselves, never a token."""
    quarantine.release(services, user, file_id, body.comment)
    return InState(id=file_id, state=readability.RELEASED)


@router.post("/{file_id}/scan", **answers(NotFound, NotReleasable))
def scan_again(file_id: str, user: ActingAdministrator, services: App) -> InState:
    quarantine.scan_again(services, user, file_id)
    return InState(id=file_id, state="Scanning")

"""Whether bucket and database agree, for administrators. Names of objects and ids of files, nothing of what they hold."""

from __future__ import annotations

from typing import Final

from fastapi import APIRouter

from kozutumi_app.domain.tokens import Scope
from kozutumi_app.errors import NotFound
from kozutumi_app.services import Services
from kozutumi_app.use_cases import reconciliation_report
from kozutumi_app.use_cases.reconciliation_report import Comparison, Finding
from kozutumi_app.web.api.callers import ActingAdministrator, Administrator, App
from kozutumi_app.web.api.documented import Shown, answers
from kozutumi_app.web.paging import After, Limit, cut

router = APIRouter(prefix="/storage")
_FIRST: Final = 200


class Reconciliation(Shown):
    """`latest`: the newest comparison, made every six hours. `findings`: of ninety days, what is open first."""

    latest: Comparison | None
    findings: list[Finding]
    next: str | None


@router.get("/reconciliation", **answers(NotFound, scope=Scope.ADMIN))
def show_reconciliation(
    user: Administrator, services: App, limit: Limit = _FIRST, after: After = None
) -> Reconciliation:
    del user
    return _shown(services, limit, after)


@router.post("/reconciliation", **answers(status=202, scope=Scope.ADMIN))
def ask_for_reconciliation(user: ActingAdministrator, services: App) -> Reconciliation:
    """Compare now; the report follows when it is done."""
    reconciliation_report.ask(services, user.user_id)
    return _shown(services, _FIRST, None)


def _shown(services: Services, limit: int, after: str | None) -> Reconciliation:
    report = reconciliation_report.report(services)
    page = cut(report.findings, limit, after)
    return Reconciliation(latest=report.latest, findings=page.items, next=page.next)

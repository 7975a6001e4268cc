"""Whether bucket and database agree, for administrators. Names of objects and ids of files, nothing of what they hold."""

from __future__ import annotations

from fastapi import APIRouter

from kozutumi_app.domain.tokens import Scope
from kozutumi_app.use_cases import reconciliation_report
from kozutumi_app.use_cases.reconciliation_report import Comparison, Finding
from kozutumi_app.web.api.callers import ActingAdministrator, Administrator, App
from kozutumi_app.web.api.documented import Shown, answers

router = APIRouter(prefix="/storage")


class Reconciliation(Shown):
    """`latest`: the newest comparison, made every six hours. `findings`: of ninety days, what is open first."""

    latest: Comparison | None
    findings: list[Finding]


@router.get("/reconciliation", **answers(scope=Scope.ADMIN))
def show_reconciliation(user: Administrator, services: App) -> Reconciliation:
    del user
    report = reconciliation_report.report(services)
    return Reconciliation(latest=report.latest, findings=list(report.findings))


@router.post("/reconciliation", **answers(status=202, scope=Scope.ADMIN))
def ask_for_reconciliation(user: ActingAdministrator, services: App) -> Reconciliation:
    """Compare now; the report follows when it is done."""
    reconciliation_report.ask(services, user.user_id)
    report = reconciliation_report.report(services)
    return Reconciliation(latest=report.latest, findings=list(report.findings))

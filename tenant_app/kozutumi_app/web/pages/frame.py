"""A page of a signed-in member: the menu, the token for its forms, and what is out of order right now."""

from __future__ import annotations

from typing import Any

from fastapi import Request
from starlette.responses import HTMLResponse

from kozutumi_app.errors import Draining, MailUnavailable, ScannerUnavailable, StorageUnavailable
from kozutumi_app.use_cases import approving, consent, settings_store
from kozutumi_app.use_cases.health import Health, HealthMonitor
from kozutumi_app.use_cases.sessions import SignedIn
from kozutumi_app.web import i18n
from kozutumi_app.web.pages.rendering import locale_of, page, services


def show(request: Request, viewer: SignedIn, template: str, *, status: int = 200, **values: Any) -> HTMLResponse:
    shown = {
        "id": viewer.user_id,
        "name": viewer.name or viewer.email,
        "email": viewer.email,
        "is_admin": viewer.is_administrator,
    }
    values.setdefault("banners", _current(request))
    values["waiting_changes"] = _waiting_changes(request) if viewer.is_administrator else 0
    values["waiting_approvals"] = approving.count(services(request), viewer.user_id)
    return page(request, template, status=status, viewer=shown, csrf=viewer.csrf, **values)


def banners(health: Health | None, locale: str, *, draining: bool) -> list[str]:
    """Sentences about what is out of order, as of the last check; none before it."""
    troubles = [
        (draining, Draining),
        (health is not None and not health.storage.ok, StorageUnavailable),
        (health is not None and health.scanner_troubles, ScannerUnavailable),
        (health is not None and not health.mail.ok, MailUnavailable),
    ]
    return [i18n.translate(locale, error.title) for is_down, error in troubles if is_down]


def _waiting_changes(request: Request) -> int:
    with services(request).database.read() as tx:
        return consent.waiting(tx)


def _current(request: Request) -> list[str]:
    monitor: HealthMonitor = request.app.state.health
    with services(request).database.read() as tx:
        draining = settings_store.is_draining(tx)
    return banners(monitor.latest(), locale_of(request), draining=draining)

"""Mail about approval; comments and the names of files stay in the app.

To approvers and administrators: `approval_request:<notice id>`, `approval_shortage:<notice id>`. To the sender:
`approval_refused:<request id>`, `approval_lapsed:<request id>`.
"""

from __future__ import annotations

from typing import Any, Final

import sqlalchemy as sa

from kozutumi_app.adapters.database.schema import approval_notices, approval_requests, transfers, users
from kozutumi_app.domain.approvals import RequestState
from kozutumi_app.services import Services
from kozutumi_app.use_cases.mails.writing import Letter, Writer, link, local_time


def _to_decide(services: Services, notice_id: str) -> Letter | None:
    row = _noticed(services, notice_id)
    if row is None:
        return None
    sender = services.columns.open("users", "name_sealed", row.sender_id, row.sender_name)
    values = {
        "sender": sender,
        "expires": local_time(row.expires_at, row.locale),
        "link": link(services, f"approvals/{row.request_id}"),
    }
    return _letter(services, row, row.transfer_id, values)


def _shortage(services: Services, notice_id: str) -> Letter | None:
    row = _noticed(services, notice_id)
    if row is None or row.shortage_at is None:
        return None
    values = {"expires": local_time(row.expires_at, row.locale), "link": link(services, "policies")}
    return _letter(services, row, row.transfer_id, values)


def _decided(services: Services, request_id: str) -> Letter | None:
    query = sa.select(users, approval_requests.c.transfer_id).select_from(
        approval_requests.join(transfers).join(users, users.c.id == transfers.c.sender_id)
    )
    with services.database.read() as tx:
        row = tx.execute(query.where(approval_requests.c.id == request_id)).one_or_none()
    if row is None or row.disabled:
        return None
    return _letter(services, row, row.transfer_id, {"link": link(services, f"transfers/{row.transfer_id}")})


def _noticed(services: Services, notice_id: str) -> Any:
    """The person who is told, and the request; None when it no longer waits or the account is closed."""
    sender = users.alias()
    joined = (
        approval_notices.join(approval_requests)
        .join(transfers, transfers.c.id == approval_requests.c.transfer_id)
        .join(users, users.c.id == approval_notices.c.user_id)
        .join(sender, sender.c.id == transfers.c.sender_id)
    )
    query = sa.select(
        users,
        approval_requests.c.id.label("request_id"),
        approval_requests.c.transfer_id,
        approval_requests.c.state,
        approval_requests.c.expires_at,
        approval_requests.c.shortage_at,
        transfers.c.sender_id,
        sender.c.name_sealed.label("sender_name"),
    ).select_from(joined)
    with services.database.read() as tx:
        row = tx.execute(query.where(approval_notices.c.id == notice_id)).one_or_none()
    return None if row is None or row.disabled or row.state != RequestState.WAITING else row


def _letter(services: Services, row: Any, object_id: str, values: dict[str, str]) -> Letter:
    to = services.columns.open("users", "email_sealed", row.id, row.email_sealed)
    return Letter(to, row.locale, object_id, values)


WRITERS: Final[dict[str, Writer]] = {
    "approval_request": _to_decide,
    "approval_shortage": _shortage,
    "approval_refused": _decided,
    "approval_lapsed": _decided,
}

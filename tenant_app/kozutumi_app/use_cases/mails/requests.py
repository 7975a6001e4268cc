"""Mail about receive requests.

`request:<request id>` asks the guest, `request_code:<request id>` proves their mailbox; `received:<transfer id>` and
`request_undelivered:<request id>` tell the member who asked.
"""

from __future__ import annotations

from typing import Any, Final

import sqlalchemy as sa

from kozutumi_app.adapters.database.schema import receive_requests, transfers, users
from kozutumi_app.domain.mail_rules import UNDELIVERED
from kozutumi_app.domain.transfers import TransferState
from kozutumi_app.services import Services
from kozutumi_app.use_cases import mailbox_proof, readability
from kozutumi_app.use_cases.mails.writing import Letter, Writer, link, local_time


def _request(services: Services, request_id: str) -> Letter | None:
    row = _open(services, request_id)
    if row is None or services.clock.now() >= row.expires_at:
        return None
    to = services.columns.open("receive_requests", "email_sealed", row.id, row.email_sealed)
    values = {
        "link": link(services, f"q/{row.link_id}"),
        "sender": services.columns.open("users", "name_sealed", row.owner_id, row.name_sealed),
        "expires": local_time(row.expires_at, row.locale),
    }
    return Letter(to, row.locale, row.id, values, request_id=row.id)


def _code(services: Services, request_id: str) -> Letter | None:
    with services.database.write() as tx:
        row = tx.execute(sa.select(receive_requests).where(receive_requests.c.id == request_id)).one_or_none()
        if row is None or row.closed_at is not None:
            return None
        code = mailbox_proof.store(tx, services, receive_requests, row)
    if code is None:
        return None
    to = services.columns.open("receive_requests", "email_sealed", row.id, row.email_sealed)
    return Letter(to, row.locale, row.id, {"code": code})


def _received(services: Services, transfer_id: str) -> Letter | None:
    joined = transfers.join(users).join(receive_requests, receive_requests.c.id == transfers.c.request_id)
    with services.database.read() as tx:
        found = sa.select(
            users.c.id,
            users.c.locale,
            users.c.disabled,
            users.c.email_sealed,
            transfers.c.expires_at,
            receive_requests.c.id.label("request_id"),
            receive_requests.c.email_sealed.label("guest_sealed"),
        )
        delivered = sa.and_(transfers.c.id == transfer_id, transfers.c.state == TransferState.DELIVERED)
        row = tx.execute(found.select_from(joined).where(delivered)).one_or_none()
        states = readability.file_states(tx, services, transfer_id)
    if row is None or row.disabled:
        return None
    passed = sum(state in {"Clean", "Released"} for state in states)
    values = {
        "guest": services.columns.open("receive_requests", "email_sealed", row.request_id, row.guest_sealed),
        "accepted": str(passed),
        "refused": str(len(states) - passed),
        "expires": local_time(row.expires_at, row.locale),
        "link": link(services, f"requests/{row.request_id}"),
    }
    to = services.columns.open("users", "email_sealed", row.id, row.email_sealed)
    return Letter(to, row.locale, transfer_id, values)


def _undelivered(services: Services, request_id: str) -> Letter | None:
    row = _open(services, request_id)
    if row is None or row.mail_state not in UNDELIVERED:
        return None
    to = services.columns.open("users", "email_sealed", row.owner_id, row.owner_sealed)
    values = {
        "recipient": services.columns.open("receive_requests", "email_sealed", row.id, row.email_sealed),
        "status": row.mail_status or "",
        "link": link(services, f"requests/{row.id}"),
    }
    return Letter(to, row.owner_locale, row.id, values)


def _open(services: Services, request_id: str) -> Any:
    """A request that was not closed, with the member who made it; None otherwise."""
    owner = (users.c.name_sealed, users.c.email_sealed.label("owner_sealed"), users.c.locale.label("owner_locale"))
    query = sa.select(receive_requests, *owner).join_from(receive_requests, users)
    live = sa.and_(
        receive_requests.c.id == request_id, receive_requests.c.closed_at.is_(None), users.c.disabled.is_(False)
    )
    with services.database.read() as tx:
        return tx.execute(query.where(live)).one_or_none()


WRITERS: Final[dict[str, Writer]] = {
    "request": _request,
    "request_code": _code,
    "received": _received,
    "request_undelivered": _undelivered,
}

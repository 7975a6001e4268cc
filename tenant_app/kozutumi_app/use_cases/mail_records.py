"""What became of each mail: kept for the person it was for, told to whoever waits for it to arrive."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import timedelta
from typing import Any, Final

import sqlalchemy as sa
from sqlalchemy import Connection

from kozutumi_app.adapters.database.schema import mails, receive_requests, recipients
from kozutumi_app.domain.mail_rules import UNDELIVERED, MailState
from kozutumi_app.services import Services
from kozutumi_app.use_cases import audit, jobs
from kozutumi_app.use_cases.mails.writing import Letter

KEPT: Final = timedelta(days=30)  # a report comes within days
_OUTCOMES: Final = {MailState.SENT: "ok", MailState.REFUSED: "mail_refused", MailState.GIVEN_UP: "mail_given_up"}


@dataclass(frozen=True, slots=True)
class Record:
    mail_id: str
    kind: str
    row_id: str
    letter: Letter


def keep(tx: Connection, services: Services, record: Record, state: MailState, status: str | None) -> None:
    """Store how the sending ended, with its audit event."""
    now, letter = services.clock.now(), record.letter
    tx.execute(sa.delete(mails).where(mails.c.sent_at <= now - KEPT))
    tx.execute(sa.delete(mails).where(mails.c.id == record.mail_id))
    row: dict[str, Any] = {
        "id": record.mail_id,
        "kind": record.kind,
        "row_id": record.row_id,
        "object_id": letter.object_id,
        "recipient_id": letter.recipient_id,
        "request_id": letter.request_id,
        "state": state,
        "status": status,
        "sent_at": now,
        "changed_at": now,
    }
    tx.execute(sa.insert(mails).values(row))
    if letter.recipient_id is not None and state is MailState.SENT:
        tx.execute(sa.update(recipients).where(recipients.c.id == letter.recipient_id).values(mailed_at=now))
    _tell(tx, services, row, state, status)
    details = {"to": letter.to} | ({"status": status} if status else {})
    audit.append(
        tx,
        services,
        type=f"mail.{record.kind}",
        actor_id=audit.SYSTEM,
        object_id=letter.object_id,
        outcome=_OUTCOMES[state],
        details=details,
    )


def change(tx: Connection, services: Services, row: Any, state: MailState, status: str) -> None:
    """A report came for a mail that was sent; with its audit event."""
    values = {"state": state, "status": status, "changed_at": services.clock.now()}
    tx.execute(sa.update(mails).where(mails.c.id == row.id).values(values))
    _tell(tx, services, row._mapping, state, status)  # noqa: SLF001 - SQLAlchemy's documented name for a row as a mapping
    audit.append(
        tx,
        services,
        type=f"mail.{state}",
        actor_id=audit.SYSTEM,
        object_id=row.object_id,
        outcome=f"mail_{state}",
        details={"mail": row.kind, "status": status},
    )


def _tell(tx: Connection, services: Services, row: Any, state: MailState, status: str | None) -> None:
    """Keep the state on whom the mail was for, and have the member who waits mailed when it failed."""
    people = {"recipient_id": recipients, "request_id": receive_requests}
    for column, table in people.items():
        if row[column] is None:
            continue
        tx.execute(sa.update(table).where(table.c.id == row[column]).values(mail_state=state, mail_status=status))
        if state in UNDELIVERED:
            notice = "undelivered" if column == "recipient_id" else "request_undelivered"
            jobs.enqueue(tx, "mail", f"{notice}:{row[column]}", services.clock.now())

"""Asking a guest for files: a member invites an address to upload, once or until a date, within limits (architecture.md §6 rule 4).

Everything about a request is NotFound to a member who did not make it, administrators included. What a guest sends is a
transfer of its own whose sender is the member who asked (`use_cases.answers`).
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import timedelta
from typing import Any, Final

import sqlalchemy as sa
from sqlalchemy import Connection

from kozutumi_app.adapters.database.schema import guest_sessions, receive_requests
from kozutumi_app.domain import receive_requests as rules
from kozutumi_app.domain.accounts import look_up_form, parse_email, parse_locale
from kozutumi_app.domain.identifiers import new_id
from kozutumi_app.domain.mail_rules import UNDELIVERED
from kozutumi_app.domain.receive_requests import Terms
from kozutumi_app.errors import Draining, InvalidInput, NotFound, RecipientRefused, RequestOver
from kozutumi_app.services import Services
from kozutumi_app.use_cases import answers, audit, jobs, policies, sending_rules, settings_store

_OPEN_AT_ONCE: Final = 500  # of one member


@dataclass(frozen=True, slots=True)
class NewRequest:
    email: str
    subject: str
    terms: Terms
    message: str = ""
    locale: str | None = None


def create(services: Services, owner_id: str, new: NewRequest) -> str:
    """Store a request and have its guest mailed; returns its id. InvalidInput or RecipientRefused say what to change."""
    address = parse_email(new.email)
    subject, message = new.subject.strip(), new.message.strip()
    if len(subject) > rules.SUBJECT_LENGTH or len(message) > rules.MESSAGE_LENGTH or not subject.isprintable():
        raise InvalidInput(
            f"At most {rules.SUBJECT_LENGTH} characters of subject and {rules.MESSAGE_LENGTH} of message."
        )
    try:
        with services.database.write() as tx:
            terms = _allowed(tx, services, owner_id, address, new.terms)
            request_id = _store(tx, services, owner_id, address, new, terms, subject, message)
            details = {"email": address, "subject": subject, "bytes": str(terms.max_bytes)}
            record(tx, services, "request.created", owner_id, request_id, details)
            jobs.enqueue(tx, "mail", f"request:{request_id}", services.clock.now())
    except RecipientRefused as error:
        policies.refused(services, owner_id, owner_id, error)
        raise
    return request_id


def extend(services: Services, owner_id: str, request_id: str, expires_in: int) -> None:
    """Let it end `expires_in` seconds from now, also if it had ended; its guest is mailed again if it had."""
    with services.database.write() as tx:
        row = own(tx, services, owner_id, request_id)
        if row.closed_at is not None:
            raise RequestOver
        longest = policies.effective(tx, services, owner_id).max_expiry
        if not 0 < expires_in <= longest:
            raise InvalidInput(f"At most {longest} seconds until the request ends.")
        now = services.clock.now()
        expires_at = now + timedelta(seconds=expires_in)
        tx.execute(_of(request_id).values(expires_at=expires_at))
        details = {"from": audit.format_time(row.expires_at), "until": audit.format_time(expires_at)}
        record(tx, services, "request.extended", owner_id, request_id, details)
        if now >= row.expires_at:
            jobs.enqueue(tx, "mail", f"request:{request_id}", now)


def remind(services: Services, owner_id: str, request_id: str) -> None:
    """Mail the guest again, after a mail that did not arrive or was overlooked."""
    with services.database.write() as tx:
        row = own(tx, services, owner_id, request_id)
        rules.require_open(row.closed_at, row.expires_at, services.clock.now())
        jobs.enqueue(tx, "mail", f"request:{request_id}", services.clock.now())
        record(tx, services, "request.reminded", owner_id, request_id)


def close(services: Services, owner_id: str, request_id: str) -> None:
    """Take nothing more: sessions end, and what its guest had not finished is erased. Answers that were sent stay."""
    with services.database.write() as tx:
        row = own(tx, services, owner_id, request_id)
        if row.closed_at is not None:
            return
        end(tx, services, request_id)
        record(tx, services, "request.closed", owner_id, request_id)
        answers.give_up_drafts(tx, services, request_id)


def end(tx: Connection, services: Services, request_id: str) -> None:
    tx.execute(_of(request_id).values(closed_at=services.clock.now(), code_hash=None, code_browser_hash=None))
    tx.execute(sa.delete(guest_sessions).where(guest_sessions.c.request_id == request_id))


def own(tx: Connection, services: Services, owner_id: str, request_id: str) -> Any:
    mine = sa.and_(receive_requests.c.id == request_id, receive_requests.c.owner_id == owner_id)
    row = tx.execute(sa.select(receive_requests).where(mine)).one_or_none()
    if row is None:
        services.metrics.refusals.labels(NotFound.code).inc()
        raise NotFound
    return row


def record(
    tx: Connection,
    services: Services,
    type: str,
    actor_id: str,
    request_id: str,
    details: dict[str, str] | None = None,
    outcome: str = "ok",
) -> None:
    audit.append(tx, services, type=type, actor_id=actor_id, object_id=request_id, outcome=outcome, details=details)


def is_unreachable(row: Any) -> bool:
    """Whether the mail that asks did not arrive."""
    return row.mail_state in UNDELIVERED


def _allowed(tx: Connection, services: Services, owner_id: str, address: str, terms: Terms) -> Terms:
    if settings_store.is_draining(tx):
        raise Draining
    policy = policies.effective(tx, services, owner_id)
    sending_rules.require_recipients(tx, services, policy, [address])
    live = sa.and_(receive_requests.c.owner_id == owner_id, receive_requests.c.closed_at.is_(None))
    count = sa.select(sa.func.count()).select_from(receive_requests)
    open_now = sa.and_(live, receive_requests.c.expires_at > services.clock.now())
    if tx.execute(count.where(open_now)).scalar_one() >= _OPEN_AT_ONCE:
        raise InvalidInput("Close a request first: 500 of yours are open.")
    return rules.check(terms, longest=policy.max_expiry, most_bytes=services.settings.quota_storage)


def _store(
    tx: Connection,
    services: Services,
    owner_id: str,
    address: str,
    new: NewRequest,
    terms: Terms,
    subject: str,
    message: str,
) -> str:
    request_id, now, seal = new_id(services.random), services.clock.now(), services.columns.seal
    row = {
        "id": request_id,
        "owner_id": owner_id,
        "link_id": new_id(services.random),
        "email_sealed": seal("receive_requests", "email_sealed", request_id, address),
        "email_index": services.columns.index("recipient email", look_up_form(address)),
        "locale": parse_locale(new.locale),
        "subject_sealed": seal("receive_requests", "subject_sealed", request_id, subject),
        "message_sealed": seal("receive_requests", "message_sealed", request_id, message),
        "once": terms.once,
        "max_files": terms.max_files,
        "max_bytes": terms.max_bytes,
        "types": ",".join(terms.types),
        "expires_at": now + timedelta(seconds=terms.expires_in),
        "created_at": now,
    }
    tx.execute(sa.insert(receive_requests).values(row))
    return request_id


def _of(request_id: str) -> sa.Update:
    return sa.update(receive_requests).where(receive_requests.c.id == request_id)

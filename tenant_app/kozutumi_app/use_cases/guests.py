"""A guest who was asked for files: link, one-time code by mail, then uploads without an account.

As for recipients, nothing is done by a GET, a code works only in the browser that asked for it, and a guest sees only
the one request. Who has proven nothing causes nothing to be stored but, at most, one code's row of that request.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import Any, Final

import sqlalchemy as sa
from sqlalchemy import Connection

from kozutumi_app.adapters.database.schema import guest_sessions, receive_requests, users
from kozutumi_app.domain import receive_requests as rules
from kozutumi_app.domain.identifiers import new_token
from kozutumi_app.domain.rate_limits import Limit
from kozutumi_app.errors import CodeWrong, GuestNotProven, NotFound, RateLimited, RequestOver
from kozutumi_app.services import Services
from kozutumi_app.use_cases import answers, jobs, mailbox_proof, policies, request_limits
from kozutumi_app.use_cases.receive_requests import record

_PER_CLIENT: Final = Limit(burst=60, seconds=0.5)


@dataclass(frozen=True, slots=True)
class Guest:
    """Who has proven the mailbox that a request was sent to."""

    request_id: str
    owner_id: str


@dataclass(frozen=True, slots=True)
class Unproven:
    """What the link alone shows: nothing of the request but until when it can be answered."""

    locale: str
    expires_at: datetime


@dataclass(frozen=True, slots=True)
class Asked:
    """What a proven guest sees. Sizes are bytes; `files_left` and `bytes_left` of all answers together."""

    owner_name: str
    owner_email: str
    guest_email: str
    subject: str
    message: str
    once: bool
    expires_at: datetime
    types: tuple[str, ...]
    max_file_size: int
    files_left: int
    bytes_left: int
    answer: answers.Answer | None
    sent: int


def look_up(services: Services, link_id: str, *, client: str) -> Unproven:
    """NotFound for a link that never was, RequestOver for one that takes nothing any more."""
    _limit(services, client)
    with services.database.read() as tx:
        row = _open(tx, services, link_id)
    return Unproven(row.locale, row.expires_at)


def request_code(services: Services, link_id: str, *, client: str) -> str:
    """Have a code mailed; returns a value for the asking browser's cookie, which must come with the code."""
    _limit(services, client)
    with services.database.write() as tx:
        row = _open(tx, services, link_id)
        browser = mailbox_proof.ask(tx, services, receive_requests, row)
        jobs.enqueue(tx, "mail", f"request_code:{row.id}", services.clock.now())
        record(tx, services, "guest.code_requested", row.id, row.id, {"ip": client})
    return browser


def verify(services: Services, link_id: str, *, code: str, browser: str | None, client: str) -> str:
    """Exchange the code for a session; returns its cookie value. Each wrong code is counted and recorded."""
    _limit(services, client)
    with services.database.write() as tx:
        row = _open(tx, services, link_id)
        refusal = mailbox_proof.judge(tx, services, receive_requests, row, code=code, browser=browser)
        if refusal is None:
            record(tx, services, "guest.proven", row.id, row.id, {"ip": client})
            return _open_session(tx, services, row.id)
        if refusal is CodeWrong:
            record(tx, services, "guest.code_refused", row.id, row.id, {"ip": client}, outcome=refusal.code)
    services.metrics.refusals.labels(refusal.code).inc()
    raise refusal


def proven(services: Services, link_id: str, cookie: str | None) -> Guest:
    """Return who a request comes from. GuestNotProven without a session of exactly this link."""
    with services.database.read() as tx:
        row = _open(tx, services, link_id)
        live = sa.and_(
            guest_sessions.c.id_hash == mailbox_proof.digest(cookie or ""),
            guest_sessions.c.request_id == row.id,
            guest_sessions.c.expires_at > services.clock.now(),
        )
        if tx.execute(sa.select(guest_sessions.c.request_id).where(live)).scalar_one_or_none() is None:
            raise GuestNotProven
    return Guest(row.id, row.owner_id)


def asked(services: Services, guest: Guest) -> Asked:
    query = sa.select(receive_requests, users.c.name_sealed, users.c.email_sealed.label("owner_sealed"))
    with services.database.read() as tx:
        row = tx.execute(
            query.join_from(receive_requests, users).where(receive_requests.c.id == guest.request_id)
        ).one()
        used = request_limits.used(tx, row.id)
        answer = answers.draft_of(tx, services, row.id)
        largest = policies.effective(tx, services, row.owner_id).max_file_size
        sent = answers.count_sent(tx, row.id)
    opened = services.columns.open
    return Asked(
        owner_name=opened("users", "name_sealed", row.owner_id, row.name_sealed) if row.name_sealed else "",
        owner_email=opened("users", "email_sealed", row.owner_id, row.owner_sealed),
        guest_email=opened("receive_requests", "email_sealed", row.id, row.email_sealed),
        subject=opened("receive_requests", "subject_sealed", row.id, row.subject_sealed),
        message=opened("receive_requests", "message_sealed", row.id, row.message_sealed),
        once=row.once,
        expires_at=row.expires_at,
        types=request_limits.types_of(row),
        max_file_size=min(services.settings.max_file_size, largest),
        files_left=max(0, row.max_files - used.files),
        bytes_left=max(0, row.max_bytes - used.bytes),
        answer=answer,
        sent=sent,
    )


def _open(tx: Connection, services: Services, link_id: str) -> Any:
    """Who began an answer in time may finish it; of a disabled member nothing is open."""
    query = sa.select(receive_requests, users.c.disabled).join_from(receive_requests, users)
    row = tx.execute(query.where(receive_requests.c.link_id == link_id)).one_or_none()
    if row is None:
        services.metrics.refusals.labels(NotFound.code).inc()
        raise NotFound
    if row.disabled:
        raise RequestOver
    begun = answers.has_draft(tx, row.id)
    rules.require_open(row.closed_at, row.expires_at, services.clock.now(), begun=begun)
    return row


def _open_session(tx: Connection, services: Services, request_id: str) -> str:
    now, token = services.clock.now(), new_token(services.random)
    tx.execute(sa.delete(guest_sessions).where(guest_sessions.c.expires_at <= now))
    tx.execute(sa.insert(guest_sessions).values(request_id=request_id, **mailbox_proof.session_values(token, now)))
    return token


def _limit(services: Services, client: str) -> None:
    wait = services.limits.retry_after("guest", client, _PER_CLIENT, services.clock.now())
    if wait:
        services.metrics.refusals.labels(RateLimited.code).inc()
        raise RateLimited(retry_after=wait)

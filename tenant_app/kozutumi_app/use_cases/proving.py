"""How a recipient opens a link: a code by mail, a password told otherwise, the own account, or the link where that is allowed.

Nothing here is done by a GET: mail scanners follow links. The proof that counts is the sender's choice or the
organization's floor, whichever is stronger now; a session that was opened by a weaker one ends.
"""

from __future__ import annotations

import hmac
import math
from collections.abc import Mapping
from datetime import timedelta
from typing import Any, Final

import sqlalchemy as sa
from sqlalchemy import Connection

from kozutumi_app.adapters.database.schema import api_tokens, recipient_sessions, recipients, sessions, users
from kozutumi_app.domain import authentication
from kozutumi_app.domain.accounts import Role, lock_seconds
from kozutumi_app.domain.authentication import Authentication
from kozutumi_app.domain.identifiers import new_token
from kozutumi_app.errors import NotTheRecipient, OtherProofNeeded, PasswordWrong, RateLimited, RecipientNotProven
from kozutumi_app.services import Services
from kozutumi_app.use_cases import addressing, audit, drafts, jobs, mailbox_proof
from kozutumi_app.use_cases.recipients import ProvenRecipient, delivered, limit
from kozutumi_app.use_cases.sessions import SignedIn

_OF_TOKEN: Final = b"token "  # begins what a proof by token is held by; a session's is its hash


def required(services: Services, row: Any) -> Authentication:
    """The proof that this link is opened by now."""
    return authentication.required(Authentication(row.authentication), drafts.floor(services))


def request_code(services: Services, link_id: str, *, client: str) -> str:
    """Have a code mailed; returns a value for the asking browser's cookie, which must come with the code."""
    limit(services, client)
    with services.database.write() as tx:
        row = _row(tx, services, link_id, Authentication.EMAIL_CODE)
        browser = mailbox_proof.ask(tx, services, recipients, row)
        jobs.enqueue(tx, "mail", f"code:{row.id}", services.clock.now())
        _record(tx, services, "recipient.code_requested", row, {"ip": client})
    return browser


def store_code(tx: Connection, services: Services, recipient_id: str) -> str | None:
    """Derive the code just before it is mailed; None when it is no longer wanted. Asked again, it is the same code."""
    row = tx.execute(sa.select(recipients).where(recipients.c.id == recipient_id)).one_or_none()
    if row is None or row.revoked_at is not None:
        return None
    return mailbox_proof.store(tx, services, recipients, row)


def verify(services: Services, link_id: str, *, code: str, browser: str | None, client: str) -> str:
    """Exchange the code for a session; returns its cookie value. Each wrong code is counted and recorded."""
    limit(services, client)
    with services.database.write() as tx:
        row = _row(tx, services, link_id, Authentication.EMAIL_CODE)
        refusal = mailbox_proof.judge(tx, services, recipients, row, code=code, browser=browser)
        if refusal is None:
            return _open_session(tx, services, row, Authentication.EMAIL_CODE, client)
        _record(tx, services, "recipient.code_refused", row, {"ip": client}, outcome=refusal.code)
    services.metrics.refusals.labels(refusal.code).inc()
    raise refusal


def by_password(services: Services, link_id: str, *, password: str, client: str) -> str:
    """Exchange the password that the sender told for a session. RateLimited for a while after five wrong ones."""
    limit(services, client)
    with services.database.read() as tx:
        tried = _row(tx, services, link_id, Authentication.PASSWORD)
        _require_unlocked(services, tried)
    right = services.passwords.verify(tried.password_hash, password.strip())
    with services.database.write() as tx:
        row = _row(tx, services, link_id, Authentication.PASSWORD)
        _require_unlocked(services, row)  # others may have tried meanwhile: a right guess among many is none
        if right and row.password_hash == tried.password_hash:
            unlocked = sa.update(recipients).where(recipients.c.id == row.id)
            tx.execute(unlocked.values(password_failures=0, password_locked_until=None))
            return _open_session(tx, services, row, Authentication.PASSWORD, client)
        _count_wrong_password(tx, services, row)
        _record(tx, services, "recipient.password_refused", row, {"ip": client}, outcome=PasswordWrong.code)
    services.metrics.refusals.labels(PasswordWrong.code).inc()
    raise PasswordWrong


def by_account(services: Services, link_id: str, member: SignedIn, *, client: str) -> str:
    """Open a session for the member, who must have the recipient's address. It ends with the member's session or token.

    A service account is not whom its mails go to: an administrator gave it that address.
    """
    limit(services, client)
    with services.database.write() as tx:
        row = _row(tx, services, link_id, Authentication.ACCOUNT)
        theirs = hmac.compare_digest(addressing.index_of(services, member.email), row.email_index)
        if theirs and _is_person(tx, member.user_id):
            held = _OF_TOKEN + member.token_id.encode() if member.token_id else member.session_hash
            return _open_session(tx, services, row, Authentication.ACCOUNT, client, held)
        details = {"ip": client, "by": member.email}
        _record(tx, services, "recipient.account_refused", row, details, outcome=NotTheRecipient.code)
    services.metrics.refusals.labels(NotTheRecipient.code).inc()
    raise NotTheRecipient


def by_link(services: Services, link_id: str, *, client: str) -> str:
    """Open a session for whoever has the link, where the organization and the sender allow that."""
    limit(services, client)
    with services.database.write() as tx:
        row = _row(tx, services, link_id, Authentication.LINK)
        return _open_session(tx, services, row, Authentication.LINK, client)


def proven(services: Services, link_id: str, cookie: str | None) -> ProvenRecipient:
    """Return who a request comes from. RecipientNotProven without a session of exactly this link and enough proof."""
    now = services.clock.now()
    with services.database.read() as tx:
        row = delivered(tx, services, link_id)
        query = sa.select(recipient_sessions).where(
            recipient_sessions.c.id_hash == mailbox_proof.digest(cookie or ""),
            recipient_sessions.c.recipient_id == row.id,
            recipient_sessions.c.expires_at > now,
        )
        session = tx.execute(query).one_or_none()
        if session is None:
            raise RecipientNotProven
        shown = Authentication(session.proof or Authentication.EMAIL_CODE)
        if not authentication.is_enough(shown, required(services, row)):
            raise RecipientNotProven
        if shown is Authentication.ACCOUNT and not _is_signed_in(tx, services, session.member_session):
            raise RecipientNotProven
    return ProvenRecipient(row.id, row.transfer_id)


def _row(tx: Connection, services: Services, link_id: str, proof: Authentication) -> Any:
    row = delivered(tx, services, link_id)
    if required(services, row) is not proof:
        services.metrics.refusals.labels(OtherProofNeeded.code).inc()
        raise OtherProofNeeded
    return row


def _require_unlocked(services: Services, row: Any) -> None:
    now = services.clock.now()
    if row.password_locked_until is not None and now < row.password_locked_until:
        services.metrics.refusals.labels(RateLimited.code).inc()
        raise RateLimited(retry_after=math.ceil((row.password_locked_until - now).total_seconds()))


def _count_wrong_password(tx: Connection, services: Services, row: Any) -> None:
    failures = row.password_failures + 1
    seconds = lock_seconds(failures)
    until = services.clock.now() + timedelta(seconds=seconds) if seconds else None
    changed = sa.update(recipients).where(recipients.c.id == row.id)
    tx.execute(changed.values(password_failures=failures, password_locked_until=until))


def _is_person(tx: Connection, user_id: str) -> bool:
    role: str = tx.execute(sa.select(users.c.role).where(users.c.id == user_id)).scalar_one()
    return role != Role.SERVICE


def _is_signed_in(tx: Connection, services: Services, held: bytes) -> bool:
    """Whether the session or token by which an account was shown is still good."""
    now, working = services.clock.now(), users.c.disabled.is_(False)
    if held.startswith(_OF_TOKEN):
        token_id = held.removeprefix(_OF_TOKEN).decode()
        query = sa.select(users.c.id).join_from(api_tokens, users).where(api_tokens.c.id == token_id, working)
        query = query.where(api_tokens.c.revoked_at.is_(None), api_tokens.c.expires_at > now)
    else:
        query = sa.select(users.c.id).join_from(sessions, users).where(sessions.c.id_hash == held, working)
        query = query.where(sessions.c.expires_at > now)
    return tx.execute(query).scalar_one_or_none() is not None


def _open_session(
    tx: Connection,
    services: Services,
    row: Any,
    proof: Authentication,
    client: str,
    member_session: bytes | None = None,
) -> str:
    now = services.clock.now()
    token = new_token(services.random)
    tx.execute(sa.delete(recipient_sessions).where(recipient_sessions.c.expires_at <= now))
    values = mailbox_proof.session_values(token, now)
    values |= {"recipient_id": row.id, "proof": proof.value, "member_session": member_session}
    tx.execute(sa.insert(recipient_sessions).values(values))
    _record(tx, services, "recipient.proven", row, {"ip": client, "proof": proof.value})
    return token


def _record(
    tx: Connection,
    services: Services,
    type: str,
    row: Any,
    details: Mapping[str, str],
    outcome: str = "ok",
) -> None:
    email = services.columns.open("recipients", "email_sealed", row.id, row.email_sealed)
    audit.append(
        tx,
        services,
        type=type,
        actor_id=row.id,
        object_id=row.transfer_id,
        outcome=outcome,
        details={**details, "email": email},
    )

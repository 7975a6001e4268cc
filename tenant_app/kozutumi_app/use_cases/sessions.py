"""Signing in and out, and who a request's session belongs to.

A session's token is 256 random bits with a MAC under this organization's session key: one that was not issued
here is turned away before the database is asked. Only its hash is stored.
"""

from __future__ import annotations

import hashlib
import hmac
import math
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Final

import sqlalchemy as sa
from sqlalchemy import Connection

from kozutumi_app.adapters.database.schema import sessions, users
from kozutumi_app.domain.accounts import SESSION_IDLE, SESSION_LIFE, Role, lock_seconds, look_up_form
from kozutumi_app.domain.identifiers import new_token
from kozutumi_app.domain.rate_limits import Limit
from kozutumi_app.domain.tokens import Scope
from kozutumi_app.errors import NetworkNotAllowed, RateLimited, WrongPassword
from kozutumi_app.services import Services
from kozutumi_app.use_cases import audit, policy_levels, settings_store

_SEEN_EVERY: Final = timedelta(minutes=5)
_PER_ADDRESS: Final = Limit(burst=60, seconds=0.5)


@dataclass(frozen=True, slots=True)
class SignedIn:
    """The user behind a request. `csrf` goes into every form and script of the session's pages.

    With a token (`token_id`) there is no session, and `scopes` say how far it reaches.
    """

    user_id: str
    email: str
    name: str
    role: Role
    locale: str
    csrf: str
    session_hash: bytes
    token_id: str | None = None
    scopes: frozenset[Scope] = frozenset()

    @property
    def is_administrator(self) -> bool:
        return self.role is Role.ADMINISTRATOR


def sign_in(services: Services, *, email: str, password: str, client: str) -> str:
    """Return a new session's cookie value. WrongPassword or RateLimited, alike for known and unknown addresses.

    NetworkNotAllowed, with the right password, from a network that the member's policy leaves out.
    """
    now = services.clock.now()
    wait = services.limits.retry_after("sign-in", client, _PER_ADDRESS, now)
    key = email_index(services, email)
    wait = max(wait, services.failures.wait_seconds(key.hex(), now))
    with services.database.read() as tx:
        user = tx.execute(sa.select(users).where(users.c.email_index == key)).one_or_none()
    if user is not None and user.locked_until is not None and user.locked_until > now:
        wait = max(wait, math.ceil((user.locked_until - now).total_seconds()))
    if wait:
        services.metrics.sign_ins.labels("rate_limited").inc()
        raise RateLimited(retry_after=wait)
    usable = user is not None and user.accepted_at is not None and not user.disabled
    right = services.passwords.verify(user.password_hash if user is not None and usable else None, password)
    if user is None or not right:
        _refuse(services, user.id if user is not None else None, key, client)
        raise WrongPassword
    services.failures.succeeded(key.hex())
    require_network(services, user.id, client)
    with services.database.write() as tx:
        reset = sa.update(users).where(users.c.id == user.id, users.c.disabled.is_(False))
        if tx.execute(reset.values(failed_attempts=0, locked_until=None)).rowcount != 1:
            raise WrongPassword
        audit.append(tx, services, type="session.opened", actor_id=user.id, object_id=user.id, details={"ip": client})
        services.metrics.sign_ins.labels("ok").inc()
        return open_session(tx, services, user.id)


def require_network(services: Services, user_id: str, client: str) -> None:
    """NetworkNotAllowed, recorded, unless the member's policy lets them in from this address."""
    with services.database.read() as tx:
        if policy_levels.admits_from(tx, services, user_id, client):
            return
    services.metrics.sign_ins.labels("refused").inc()
    with services.database.write() as tx:
        audit.append(
            tx,
            services,
            type="session.refused",
            actor_id=user_id,
            object_id=user_id,
            outcome=NetworkNotAllowed.code,
            details={"ip": client},
        )
    raise NetworkNotAllowed


def open_session(tx: Connection, services: Services, user_id: str) -> str:
    """Store a new session and return its cookie value."""
    now = services.clock.now()
    token = new_token(services.random)
    stored = {
        "id_hash": _hash(token),
        "user_id": user_id,
        "created_at": now,
        "last_seen_at": now,
        "expires_at": now + SESSION_LIFE,
    }
    tx.execute(sa.delete(sessions).where(sessions.c.expires_at <= now))
    tx.execute(sa.insert(sessions).values(stored))
    return f"{token}.{_mac(services, 'session', token)}"


def find(services: Services, cookie: str | None) -> SignedIn | None:
    """Return the signed-in user, or None for no, foreign, ended or idle sessions and disabled users."""
    token = _token(services, cookie)
    if token is None:
        return None
    now = services.clock.now()
    query = sa.select(users, sessions.c.last_seen_at, sessions.c.expires_at, sessions.c.id_hash).join_from(
        sessions,
        users,
    )
    with services.database.read() as tx:
        row = tx.execute(query.where(sessions.c.id_hash == _hash(token))).one_or_none()
    if row is None or row.disabled or now >= row.expires_at or now >= row.last_seen_at + SESSION_IDLE:
        return None
    if now >= row.last_seen_at + _SEEN_EVERY:
        _seen(services, row.id_hash, now)
    return SignedIn(
        user_id=row.id,
        email=services.columns.open("users", "email_sealed", row.id, row.email_sealed),
        name=services.columns.open("users", "name_sealed", row.id, row.name_sealed) if row.name_sealed else "",
        role=Role(row.role),
        locale=row.locale,
        csrf=_mac(services, "csrf", token),
        session_hash=row.id_hash,
    )


def sign_out(services: Services, user: SignedIn) -> None:
    with services.database.write() as tx:
        tx.execute(sa.delete(sessions).where(sessions.c.id_hash == user.session_hash))
        audit.append(tx, services, type="session.closed", actor_id=user.user_id, object_id=user.user_id)


def email_index(services: Services, email: str) -> bytes:
    return services.columns.index("user email", look_up_form(email.strip()))


def _refuse(services: Services, user_id: str | None, key: bytes, client: str) -> None:
    """Count the failure; record it only for a known user, or a stranger could fill the disk.

    The one row written for an unknown address makes its answer take as long as a known one's.
    """
    services.metrics.sign_ins.labels("refused").inc()
    now = services.clock.now()
    services.failures.failed(key.hex(), now, lock_seconds)
    if user_id is None:
        services.metrics.refusals.labels(WrongPassword.code).inc()
        with services.database.write() as tx:
            settings_store.count(tx, settings_store.UNKNOWN_SIGN_INS)
        return
    with services.database.write() as tx:
        failures = 1 + tx.execute(sa.select(users.c.failed_attempts).where(users.c.id == user_id)).scalar_one()
        seconds = lock_seconds(failures)
        locked = now + timedelta(seconds=seconds) if seconds else None
        changed = sa.update(users).where(users.c.id == user_id)
        tx.execute(changed.values(failed_attempts=failures, locked_until=locked))
        details = {"ip": client, "failures": str(failures)}
        audit.append(
            tx,
            services,
            type="session.refused",
            actor_id=user_id,
            object_id=user_id,
            outcome=WrongPassword.code,
            details=details,
        )


def _seen(services: Services, id_hash: bytes, now: datetime) -> None:
    with services.database.write() as tx:
        tx.execute(sa.update(sessions).where(sessions.c.id_hash == id_hash).values(last_seen_at=now))


def _token(services: Services, cookie: str | None) -> str | None:
    token, separator, mac = (cookie or "").partition(".")
    if not separator or not hmac.compare_digest(mac.encode(), _mac(services, "session", token).encode()):
        return None
    return token


def _mac(services: Services, purpose: str, token: str) -> str:
    """HMAC-SHA-256 (FIPS 198-1). The purpose has no dot, so no two inputs meet."""
    return hmac.new(services.session_key.reveal(), f"{purpose}.{token}".encode(), hashlib.sha256).hexdigest()


def _hash(token: str) -> bytes:
    return hashlib.sha256(token.encode()).digest()

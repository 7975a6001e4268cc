"""Tokens for programs: issued once, kept as a keyed hash, asked at each request, ended by time, revocation or disabling.

A personal token acts as the person who made it; a service token as its service account, which is no person.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any, Final

import sqlalchemy as sa
from sqlalchemy import Connection

from kozutumi_app.adapters.database.schema import api_tokens, users
from kozutumi_app.domain import tokens as rules
from kozutumi_app.domain.accounts import Role
from kozutumi_app.domain.identifiers import new_id
from kozutumi_app.domain.tokens import Owner, Scope
from kozutumi_app.errors import InvalidInput, KozutumiError, NotAllowed, NotFound, ScopeMissing, TokenInvalid
from kozutumi_app.services import Services
from kozutumi_app.use_cases import audit, networks, settings_store
from kozutumi_app.use_cases.sessions import SignedIn

_USED_EVERY: Final = timedelta(minutes=1)
_REFUSED_EVERY: Final = timedelta(hours=1)


@dataclass(frozen=True, slots=True)
class Token:
    """A token as its owner sees it; what opens something was shown once and is not here."""

    id: str
    name: str
    scopes: Sequence[Scope]
    created_at: datetime
    expires_at: datetime
    last_used_at: datetime | None
    revoked_at: datetime | None


@dataclass(frozen=True, slots=True)
class Issued:
    """`token` cannot be shown again."""

    id: str
    token: str | None
    expires_at: datetime


def issue(
    services: Services, actor: SignedIn, *, name: str, scopes: Sequence[str], days: int, account_id: str | None = None
) -> Issued:
    """Make a token for the actor, or (administrators) for a service account."""
    wanted, now = rules.parse_scopes(scopes), services.clock.now()
    named, life = rules.parse_name(name), rules.parse_life(days)
    if not actor.is_administrator and (account_id is not None or rules.FOR_ADMINISTRATORS & set(wanted)):
        raise NotAllowed
    owner_id = account_id or actor.user_id
    token = rules.issue(services.random, Owner.SERVICE if account_id else Owner.PERSON)
    token_id = new_id(services.random)
    row = {
        "id": token_id,
        "user_id": owner_id,
        "name_sealed": services.columns.seal("api_tokens", "name_sealed", token_id, named),
        "token_index": _index(services, token),
        "scopes": " ".join(wanted),
        "created_by": actor.user_id,
        "created_at": now,
        "expires_at": now + life,
    }
    with services.database.write() as tx:
        if account_id is not None:
            require_account(tx, account_id)
        if _live(tx, owner_id, now) >= rules.MAXIMUM_TOKENS:
            raise InvalidInput(f"At most {rules.MAXIMUM_TOKENS} tokens are valid at once; revoke one.")
        tx.execute(sa.insert(api_tokens).values(row))
        details = {"name": named, "scopes": " ".join(wanted), "account": owner_id, "expires_at": str(now + life)}
        audit.append(tx, services, type="token.issued", actor_id=actor.user_id, object_id=token_id, details=details)
    return Issued(token_id, token, now + life)


def listed(services: Services, owner_id: str) -> list[Token]:
    """Every token of a person or service account, newest first, ended ones too."""
    query = sa.select(api_tokens).where(api_tokens.c.user_id == owner_id)
    with services.database.read() as tx:
        rows = tx.execute(query.order_by(api_tokens.c.created_at.desc(), api_tokens.c.id)).all()
    return [_token(services, row) for row in rows]


def revoke(services: Services, actor: SignedIn, token_id: str, *, account_id: str | None = None) -> None:
    """End a token at once: one's own, or (administrators) one of a service account. Ending it twice changes nothing."""
    if account_id is not None and not actor.is_administrator:
        raise NotAllowed
    with services.database.write() as tx:
        if account_id is not None:
            require_account(tx, account_id, active=False)
        mine = sa.and_(api_tokens.c.id == token_id, api_tokens.c.user_id == (account_id or actor.user_id))
        row = tx.execute(sa.select(api_tokens.c.revoked_at).where(mine)).one_or_none()
        if row is None:
            raise NotFound
        if row.revoked_at is None:
            tx.execute(sa.update(api_tokens).where(mine).values(revoked_at=services.clock.now()))
            audit.append(tx, services, type="token.revoked", actor_id=actor.user_id, object_id=token_id)


def find(services: Services, token: str, *, client: str) -> SignedIn:
    """Return who the token acts as; TokenInvalid for one that is unknown, has ended, or may not be used from there."""
    now = services.clock.now()
    held = sa.select(users, api_tokens.c.id.label("token_id"), *_STATE).join_from(api_tokens, users)
    with services.database.read() as tx:
        row = tx.execute(held.where(api_tokens.c.token_index == _index(services, token))).one_or_none()
    if row is None:
        services.metrics.refusals.labels(TokenInvalid.code).inc()
        with services.database.write() as tx:
            settings_store.count(tx, settings_store.UNKNOWN_TOKENS)
        raise TokenInvalid
    caller = _signed_in(services, row)
    if row.disabled or row.revoked_at is not None or now >= row.expires_at:
        refuse(services, caller, TokenInvalid())
    if not networks.admits(services, caller, client):
        raise TokenInvalid
    if row.last_used_at is None or now >= row.last_used_at + _USED_EVERY:
        with services.database.write() as tx:
            tx.execute(sa.update(api_tokens).where(api_tokens.c.id == row.token_id).values(last_used_at=now))
    return caller


def require_scope(services: Services, caller: SignedIn, wanted: Scope | None) -> None:
    """ScopeMissing unless a token's scopes reach the act; a session reaches everything its person may do."""
    if caller.token_id is not None and not rules.allows(caller.scopes, wanted):
        refuse(services, caller, ScopeMissing(f"The token needs scope {wanted}." if wanted else None))


def refuse(services: Services, caller: SignedIn, error: KozutumiError) -> None:
    """Raise `error`, in the audit log at most once an hour for each token."""
    now = services.clock.now()
    lately = sa.or_(api_tokens.c.refused_at.is_(None), api_tokens.c.refused_at <= now - _REFUSED_EVERY)
    mark = sa.update(api_tokens).where(api_tokens.c.id == caller.token_id, lately).values(refused_at=now)
    services.metrics.refusals.labels(error.code).inc()
    with services.database.write() as tx:
        if tx.execute(mark).rowcount == 1:
            actor, token = caller.user_id, caller.token_id or ""
            audit.append(tx, services, type="token.refused", actor_id=actor, object_id=token, outcome=error.code)
    raise error


def require_account(tx: Connection, account_id: str, *, active: bool = True) -> None:
    """NotFound unless there is such a service account (and it is not disabled)."""
    query = sa.select(users.c.disabled).where(users.c.id == account_id, users.c.role == Role.SERVICE.value)
    disabled = tx.execute(query).scalar_one_or_none()
    if disabled is None or (active and disabled):
        raise NotFound


_STATE: Final = (
    api_tokens.c.scopes,
    api_tokens.c.expires_at,
    api_tokens.c.last_used_at,
    api_tokens.c.revoked_at,
)


def _signed_in(services: Services, row: Any) -> SignedIn:
    """A service account is an administrator exactly as far as an administrator gave its token such a scope."""
    scopes = frozenset(Scope(each) for each in row.scopes.split())
    role = Role(row.role)
    if role is Role.SERVICE and scopes & rules.FOR_ADMINISTRATORS:
        role = Role.ADMINISTRATOR
    return SignedIn(
        user_id=row.id,
        email=services.columns.open("users", "email_sealed", row.id, row.email_sealed),
        name=services.columns.open("users", "name_sealed", row.id, row.name_sealed) if row.name_sealed else "",
        role=role,
        locale=row.locale,
        csrf="",
        session_hash=b"",
        token_id=row.token_id,
        scopes=scopes,
    )


def _live(tx: Connection, owner_id: str, now: datetime) -> int:
    valid = sa.and_(api_tokens.c.revoked_at.is_(None), api_tokens.c.expires_at > now)
    query = sa.select(sa.func.count()).select_from(api_tokens).where(api_tokens.c.user_id == owner_id, valid)
    return tx.execute(query).scalar_one()


def _token(services: Services, row: Any) -> Token:
    return Token(
        id=row.id,
        name=services.columns.open("api_tokens", "name_sealed", row.id, row.name_sealed),
        scopes=[Scope(each) for each in row.scopes.split()],
        created_at=row.created_at,
        expires_at=row.expires_at,
        last_used_at=row.last_used_at,
        revoked_at=row.revoked_at,
    )


def _index(services: Services, token: str) -> bytes:
    return services.columns.index("api token", token)

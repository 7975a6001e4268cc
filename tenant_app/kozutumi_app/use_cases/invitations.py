"""Inviting people: by the operator for the first administrators, by an administrator for everyone else.

The link's token is drawn when the mail is written, so that neither queue nor database ever holds it.
"""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import timedelta
from typing import Final

import sqlalchemy as sa
from sqlalchemy import Connection

from kozutumi_app.adapters.database.schema import invitations, users
from kozutumi_app.domain.accounts import INVITATION_LIFE, Role, parse_email, parse_locale
from kozutumi_app.domain.identifiers import new_id, new_token
from kozutumi_app.domain.passwords import is_acceptable
from kozutumi_app.domain.rate_limits import Limit
from kozutumi_app.errors import InvalidInput, InvitationExpired, RateLimited, UserQuotaExceeded, WeakPassword
from kozutumi_app.services import Services
from kozutumi_app.use_cases import audit, jobs, settings_store, usage
from kozutumi_app.use_cases.sessions import SignedIn, email_index, open_session, require_network

OPERATOR: Final = "operator"
_BOOTSTRAP_INTERVAL: Final = timedelta(hours=1)
_PER_CLIENT: Final = Limit(burst=60, seconds=0.5)
_NAME_LENGTH: Final = 100


@dataclass(frozen=True, slots=True)
class OpenInvitation:
    email: str
    locale: str


def invite_administrators(services: Services, emails: Sequence[str]) -> int:
    """Invite the first administrators (operator only); returns how many are mailed now.

    Idempotent: does nothing once one has accepted, and mails each address at most once an hour.
    """
    addresses: dict[bytes, str] = {}
    for address in map(parse_email, emails):
        addresses.setdefault(email_index(services, address), address)
    invited = 0
    with services.database.write() as tx:
        if settings_store.administrator_accepted(tx):
            return 0
        for index, address in addresses.items():
            user_id = _user_to_invite(tx, index) or _create(tx, services, address, Role.ADMINISTRATOR, "ja")
            if not _invited_lately(tx, services, user_id):
                _enqueue(tx, services, user_id, actor_id=OPERATOR, email=address)
                invited += 1
    return invited


def invite_member(services: Services, actor: SignedIn, *, email: str, role: str, locale: str | None = None) -> str:
    """Invite an address, or again one that has not accepted yet; returns the user's id."""
    address = parse_email(email)
    if role not in {Role.ADMINISTRATOR, Role.MEMBER}:
        raise InvalidInput("The role is either admin or member.")
    index = email_index(services, address)
    with services.database.write() as tx:
        row = tx.execute(sa.select(users.c.id, users.c.accepted_at).where(users.c.email_index == index)).one_or_none()
        if row is not None and row.accepted_at is not None:
            raise InvalidInput("This address already belongs to a member.")
        if row is None:
            user_id = _create(tx, services, address, Role(role), parse_locale(locale or actor.locale))
        else:
            user_id = row.id
            tx.execute(sa.update(users).where(users.c.id == user_id).values(role=role, disabled=False))
        _enqueue(tx, services, user_id, actor_id=actor.user_id, email=address)
    return user_id


def issue(tx: Connection, services: Services, user_id: str) -> str:
    """Store a new invitation and return its token; earlier ones stay valid until one is used."""
    now = services.clock.now()
    token = new_token(services.random)
    values = {
        "id": new_id(services.random),
        "user_id": user_id,
        "token_hash": _hash(token),
        "expires_at": now + INVITATION_LIFE,
        "created_at": now,
    }
    tx.execute(sa.insert(invitations).values(values))
    return token


def look_up(services: Services, token: str, *, client: str) -> OpenInvitation:
    """What the acceptance page shows. InvitationExpired for unknown, used and expired ones alike."""
    _limit(services, client)
    with services.database.read() as tx:
        user = _invited_user(tx, services, token)
    email = services.columns.open("users", "email_sealed", user.id, user.email_sealed)
    return OpenInvitation(email, user.locale)


def accept(services: Services, token: str, *, name: str, password: str, client: str) -> str:
    """Set name and password and sign in; returns the session's cookie value."""
    _limit(services, client)
    name = name.strip()
    if not name or len(name) > _NAME_LENGTH or not name.isprintable():
        raise InvalidInput("The name is missing, too long or holds control characters.")
    with services.database.read() as tx:
        invited = _invited_user(tx, services, token)
    email = services.columns.open("users", "email_sealed", invited.id, invited.email_sealed)
    if not is_acceptable(password, personal=(name, email)):
        raise WeakPassword
    require_network(services, invited.id, client)
    password_hash = services.passwords.hash(password)
    now = services.clock.now()
    with services.database.write() as tx:
        user = _invited_user(tx, services, token)  # again: of two at once, one wins
        tx.execute(sa.update(invitations).where(invitations.c.user_id == user.id).values(used_at=now))
        changed = {
            "name_sealed": services.columns.seal("users", "name_sealed", user.id, name),
            "password_hash": password_hash,
            "accepted_at": now,
            "failed_attempts": 0,
            "locked_until": None,
        }
        tx.execute(sa.update(users).where(users.c.id == user.id).values(changed))
        if user.role == Role.ADMINISTRATOR:
            settings_store.set_administrator_accepted(tx)
        details = {"name": name, "email": email, "role": user.role, "ip": client}
        audit.append(tx, services, type="invitation.accepted", actor_id=user.id, object_id=user.id, details=details)
        return open_session(tx, services, user.id)


def _invited_user(tx: Connection, services: Services, token: str) -> sa.Row[tuple[object, ...]]:
    query = (
        sa.select(users)
        .join_from(invitations, users)
        .where(
            invitations.c.token_hash == _hash(token),
            invitations.c.used_at.is_(None),
            invitations.c.expires_at > services.clock.now(),
            users.c.accepted_at.is_(None),
            users.c.disabled.is_(False),
        )
    )
    row = tx.execute(query).one_or_none()
    if row is None:
        services.metrics.refusals.labels(InvitationExpired.code).inc()
        raise InvitationExpired
    return row


def _create(tx: Connection, services: Services, email: str, role: Role, locale: str) -> str:
    if usage.people(tx) >= services.settings.quota_users:
        raise UserQuotaExceeded
    user_id = new_id(services.random)
    values = {
        "id": user_id,
        "email_sealed": services.columns.seal("users", "email_sealed", user_id, email),
        "email_index": email_index(services, email),
        "role": role.value,
        "locale": locale,
        "disabled": False,
        "failed_attempts": 0,
        "created_at": services.clock.now(),
    }
    tx.execute(sa.insert(users).values(values))
    return user_id


def _enqueue(tx: Connection, services: Services, user_id: str, *, actor_id: str, email: str) -> None:
    jobs.enqueue(tx, "mail", f"invitation:{user_id}", services.clock.now())
    audit.append(
        tx, services, type="invitation.created", actor_id=actor_id, object_id=user_id, details={"email": email}
    )


def _user_to_invite(tx: Connection, index: bytes) -> str | None:
    return tx.execute(sa.select(users.c.id).where(users.c.email_index == index)).scalar_one_or_none()


def _invited_lately(tx: Connection, services: Services, user_id: str) -> bool:
    since = services.clock.now() - _BOOTSTRAP_INTERVAL
    issued = sa.exists().where(invitations.c.user_id == user_id, invitations.c.created_at > since)
    waiting = jobs.is_waiting(tx, "mail", f"invitation:{user_id}")
    return waiting or tx.execute(sa.select(issued)).scalar_one()


def _limit(services: Services, client: str) -> None:
    wait = services.limits.retry_after("invitation", client, _PER_CLIENT, services.clock.now())
    if wait:
        raise RateLimited(retry_after=wait)


def _hash(token: str) -> bytes:
    return hashlib.sha256(token.encode()).digest()

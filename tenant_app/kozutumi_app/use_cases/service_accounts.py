"""Service accounts: named callers that are no person, made by administrators, acting through tokens alone."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Final

import sqlalchemy as sa
from sqlalchemy import Connection

from kozutumi_app.adapters.database.schema import users
from kozutumi_app.domain import tokens as rules
from kozutumi_app.domain.accounts import Role, parse_email
from kozutumi_app.domain.identifiers import new_id
from kozutumi_app.errors import InvalidInput, NotFound
from kozutumi_app.services import Services
from kozutumi_app.use_cases import audit, tokens
from kozutumi_app.use_cases.accounts import require_administrator
from kozutumi_app.use_cases.sessions import SignedIn
from kozutumi_app.use_cases.tokens import Token

_MOST: Final = 100


@dataclass(frozen=True, slots=True)
class ServiceAccount:
    """`contact` is the address that gets the mails a sender gets."""

    id: str
    name: str
    contact: str
    disabled: bool
    created_at: datetime
    tokens: Sequence[Token]


def create(services: Services, actor: SignedIn, *, name: str, contact: str | None = None) -> str:
    """Return the new account's id. Mails go to `contact`, else to who makes it."""
    require_administrator(actor)
    named, address = rules.parse_name(name), parse_email(contact or actor.email)
    account_id, seal = new_id(services.random), services.columns.seal
    row = {
        "id": account_id,
        "email_sealed": seal("users", "email_sealed", account_id, address),
        "email_index": services.columns.index("service account", account_id),  # nobody signs in with its address
        "name_sealed": seal("users", "name_sealed", account_id, named),
        "role": Role.SERVICE.value,
        "locale": actor.locale,
        "disabled": False,
        "failed_attempts": 0,
        "created_at": services.clock.now(),
    }
    with services.database.write() as tx:
        if tx.execute(sa.select(sa.func.count()).select_from(users).where(_SERVICE)).scalar_one() >= _MOST:
            raise InvalidInput(f"There are at most {_MOST} service accounts.")
        tx.execute(sa.insert(users).values(row))
        details = {"name": named, "contact": address}
        _record(tx, services, "service_account.created", actor, account_id, details)
    return account_id


def listed(services: Services) -> list[ServiceAccount]:
    """Every one, oldest first, with its tokens."""
    with services.database.read() as tx:
        rows = tx.execute(sa.select(users).where(_SERVICE).order_by(users.c.created_at, users.c.id)).all()
    return [_account(services, row) for row in rows]


def set_disabled(services: Services, actor: SignedIn, account_id: str, *, disabled: bool) -> None:
    """Disabling shuts its tokens out at once; enabling lets those in that have not ended meanwhile."""
    require_administrator(actor)
    with services.database.write() as tx:
        changed = sa.update(users).where(_SERVICE, users.c.id == account_id).values(disabled=disabled)
        if tx.execute(changed).rowcount != 1:
            raise NotFound
        _record(tx, services, f"service_account.{'disabled' if disabled else 'enabled'}", actor, account_id, {})


_SERVICE: Final = users.c.role == Role.SERVICE.value


def _account(services: Services, row: Any) -> ServiceAccount:
    return ServiceAccount(
        id=row.id,
        name=services.columns.open("users", "name_sealed", row.id, row.name_sealed),
        contact=services.columns.open("users", "email_sealed", row.id, row.email_sealed),
        disabled=row.disabled,
        created_at=row.created_at,
        tokens=tokens.listed(services, row.id),
    )


def _record(
    tx: Connection, services: Services, type: str, actor: SignedIn, account_id: str, details: dict[str, str]
) -> None:
    audit.append(tx, services, type=type, actor_id=actor.user_id, object_id=account_id, details=details)

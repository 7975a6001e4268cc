"""The organization's few facts that are not rows of anything else."""

from __future__ import annotations

from typing import Final

import sqlalchemy as sa
from sqlalchemy import Connection
from sqlalchemy.dialects.sqlite import insert as upsert

from kozutumi_app.adapters.database.schema import settings

DRAINING: Final = "draining"
ADMINISTRATOR_ACCEPTED: Final = "administrator_accepted"
UNKNOWN_SIGN_INS: Final = "unknown_sign_ins"
UNKNOWN_TOKENS: Final = "unknown_tokens"
_YES: Final = "yes"


def get(tx: Connection, key: str) -> str | None:
    return tx.execute(sa.select(settings.c.value).where(settings.c.key == key)).scalar_one_or_none()


def put(tx: Connection, key: str, value: str) -> None:
    statement = upsert(settings).values(key=key, value=value)
    tx.execute(statement.on_conflict_do_update(index_elements=["key"], set_={"value": value}))


def count(tx: Connection, key: str) -> None:
    put(tx, key, str(int(get(tx, key) or 0) + 1))


def is_draining(tx: Connection) -> bool:
    return get(tx, DRAINING) == _YES


def set_draining(tx: Connection) -> None:
    put(tx, DRAINING, _YES)


def administrator_accepted(tx: Connection) -> bool:
    return get(tx, ADMINISTRATOR_ACCEPTED) == _YES


def set_administrator_accepted(tx: Connection) -> None:
    put(tx, ADMINISTRATOR_ACCEPTED, _YES)

"""A sender's hold on a transfer: whose it is, and what is written down of an act and of a refusal."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from typing import Any

import sqlalchemy as sa
from sqlalchemy import Connection

from kozutumi_app.adapters.database.schema import transfers
from kozutumi_app.domain import transfers as rules
from kozutumi_app.errors import NotFound, Refused, TransferClosed
from kozutumi_app.services import Services
from kozutumi_app.use_cases import audit


def own(tx: Connection, services: Services, user_id: str, transfer_id: str) -> Any:
    """Return the transfer's row; NotFound for anybody else's, and for none."""
    query = sa.select(transfers).where(transfers.c.id == transfer_id, transfers.c.sender_id == user_id)
    row = tx.execute(query).one_or_none()
    if row is None:
        services.metrics.refusals.labels(NotFound.code).inc()
        raise NotFound
    return row


def sent_by(tx: Connection, services: Services, user_id: str, transfer_id: str) -> Any:
    """As `own`, but NotFound for what a guest uploaded for this member, too: that is received, and is not sent on."""
    row = own(tx, services, user_id, transfer_id)
    if row.request_id is not None:
        raise NotFound
    return row


def require_open_for_files(tx: Connection, services: Services, user_id: str, transfer_id: str) -> None:
    """Raise NotFound for another's transfer, TransferClosed once its list of files is closed."""
    if own(tx, services, user_id, transfer_id).state not in rules.OPEN_FOR_FILES:
        raise TransferClosed


def record(
    tx: Connection,
    services: Services,
    type: str,
    actor_id: str,
    transfer_id: str,
    details: Mapping[str, str] | None = None,
) -> None:
    audit.append(tx, services, type=type, actor_id=actor_id, object_id=transfer_id, details=details)


@contextmanager
def refusals(services: Services, act: str, user_id: str, transfer_id: str | None = None) -> Iterator[None]:
    """Record what is refused inside, in a transaction of its own. A transfer that does not exist is nobody's record."""
    try:
        yield
    except Refused as error:
        with services.database.write() as tx:
            if transfer_id is None or _exists(tx, transfer_id):
                audit.append(
                    tx,
                    services,
                    type="transfer.refused",
                    actor_id=user_id,
                    object_id=transfer_id or user_id,
                    outcome=error.code,
                    details={"act": act, "detail": error.detail or ""},
                )
        raise


def _exists(tx: Connection, transfer_id: str) -> bool:
    return tx.execute(sa.select(sa.exists().where(transfers.c.id == transfer_id))).scalar_one()

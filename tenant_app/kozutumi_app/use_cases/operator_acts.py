"""What the operator does to the organization, in the organization's own audit log."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

import sqlalchemy as sa

from kozutumi_app.adapters.database.schema import operator_acts
from kozutumi_app.services import Services
from kozutumi_app.use_cases import audit

OPERATOR: Final = "operator"


def record(
    services: Services, *, type: str, object_id: str, outcome: str, details: Mapping[str, str], key: str | None
) -> int:
    """Append an event and return its sequence number. With `key`, once: the operator may have died before our answer."""
    with services.database.write() as tx:
        if key is not None:
            known = sa.select(operator_acts.c.sequence).where(operator_acts.c.key == key)
            if (sequence := tx.execute(known).scalar_one_or_none()) is not None:
                return int(sequence)
        sequence = audit.append(
            tx, services, type=type, actor_id=OPERATOR, object_id=object_id, outcome=outcome, details=details
        )
        if key is not None:
            tx.execute(sa.insert(operator_acts).values(key=key, sequence=sequence))
        return sequence

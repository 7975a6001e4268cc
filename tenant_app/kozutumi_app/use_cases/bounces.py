"""Reports of mail that did not arrive (RFC 3464), brought by the platform's mail system."""

from __future__ import annotations

import sqlalchemy as sa

from kozutumi_app.adapters.database.schema import mails
from kozutumi_app.domain import bounces, mail_rules
from kozutumi_app.services import Services
from kozutumi_app.use_cases import mail_records

_UNMATCHED = "bounce_unmatched"


def take(services: Services, raw: bytes) -> str | None:
    """Note what a report says of one of our mails; returns its state now, or None if it is about none.

    A report that names no mail of ours is counted and not stored: anybody can write one.
    """
    report = bounces.parse(raw)
    if report is None:
        services.metrics.refusals.labels(_UNMATCHED).inc()
        return None
    with services.database.write() as tx:
        row = tx.execute(sa.select(mails).where(mails.c.id.in_(report.mail_ids)).limit(1)).one_or_none()
        if row is None:
            services.metrics.refusals.labels(_UNMATCHED).inc()
            return None
        if not mail_rules.follows(row.state, report.state):
            return str(row.state)
        mail_records.change(tx, services, row, report.state, report.status)
    return report.state.value

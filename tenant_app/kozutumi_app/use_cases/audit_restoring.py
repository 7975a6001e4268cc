"""After the database was put back to an earlier state: the log says which head was lost with it.

The archive holds heads that the database no longer knows of, or the operator noted one that is not in the log. Either
way an event `audit.restored` names it, and what follows goes on from there: nothing is hidden by a restore.
"""

from __future__ import annotations

import hashlib
from typing import Any, Final

import sqlalchemy as sa
import structlog
from sqlalchemy import Connection

from kozutumi_app.adapters.database.schema import audit_events, audit_seals
from kozutumi_app.services import Services
from kozutumi_app.use_cases import audit, audit_signing
from kozutumi_contract import audit_seals as seals
from kozutumi_contract import signed_document
from kozutumi_contract.audit_seals import Seal
from kozutumi_contract.signed_document import Refuted

RESTORED: Final = "audit.restored"

log = structlog.get_logger()


def look(services: Services) -> bool:
    """Find heads in the archive that the database does not know; whether there were any. Before each seal."""
    with services.database.read() as tx:
        known = _last_number(tx)
        public = audit_signing.public_key(tx)
    names = list(services.archive.list_after(seals.PREFIX, seals.object_name(known) if known else ""))
    found = [(number, services.archive.get(name)) for name in names if (number := seals.number_of(name)) is not None]
    if not found:
        return False
    with services.database.write() as tx:
        opened = [(number, file, _seal(file, public)) for number, file in found]
        for number, file, seal in opened:
            _remember(tx, services, number, file, seal)
        number, file, newest = opened[-1]
        if newest is not None:
            _record(tx, services, newest.sequence, newest.hash, found="archive", seal=str(number))
        else:  # not ours, or signed by a key that was lost with the whole database
            _record(tx, services, 0, hashlib.sha256(file).hexdigest(), found="archive", seal=str(number), genuine="no")
    return True


def noted(services: Services, sequence: int, digest: str) -> bool:
    """The operator pulled this head once. Whether it is in the log; if it is not, the log says so from now on."""
    with services.database.write() as tx:
        found = audit.hash_at(tx, sequence)
        if found is not None and found.hex() == digest:
            return True
        _record(tx, services, sequence, digest, found="operator")
    return False


def place_after(tx: Connection, services: Services) -> tuple[int, str]:
    """Number of the next seal, and the digest of the one that it follows."""
    last = tx.execute(sa.select(audit_seals).order_by(audit_seals.c.number.desc()).limit(1)).one_or_none()
    if last is None:
        return 1, seals.FIRST
    parsed = _seal(last.document.encode(), audit_signing.public_key(tx))
    if parsed is None:  # signed by a key that is lost: a new chain of seals begins, and the log has said why
        log.warning("audit.seal_of_another_key", number=last.number, service_code=services.settings.service_code)
        return last.number + 1, seals.FIRST
    return last.number + 1, parsed.digest


def _record(tx: Connection, services: Services, sequence: int, digest: str, **details: str) -> None:
    """Once for each lost head."""
    same = sa.exists().where(audit_events.c.type == RESTORED, audit_events.c.object_id == digest)
    if tx.execute(sa.select(same)).scalar_one():
        return
    audit.append(
        tx,
        services,
        type=RESTORED,
        actor_id=audit.SYSTEM,
        object_id=digest,
        outcome="lost",
        details={"sequence": str(sequence), **details},
    )


def _remember(tx: Connection, services: Services, number: int, file: bytes, seal: Seal | None) -> None:
    """One that is not ours keeps its number, so that none of ours is put over it; its sequence is 0."""
    now = services.clock.now()
    values = {
        "number": number,
        "sequence": seal.sequence if seal else 0,
        "hash": bytes.fromhex(seal.hash) if seal else hashlib.sha256(file).digest(),
        "time": now,
        "document": file.decode("utf-8", "replace"),
        "stored_at": now,
    }
    tx.execute(sa.insert(audit_seals).values(values))


def _seal(file: bytes, public: str | None) -> Seal | None:
    if public is None:
        return None
    parsed = seals.parse(file, signed_document.pinned(public.encode()))
    return None if isinstance(parsed, Refuted) else parsed


def _last_number(tx: Connection) -> int:
    newest: Any = tx.execute(sa.select(sa.func.max(audit_seals.c.number))).scalar_one_or_none()
    return int(newest or 0)

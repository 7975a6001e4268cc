"""What the operator pulls over port 9443, and draining before the organization is disposed of."""

from __future__ import annotations

import contextlib
from dataclasses import asdict, dataclass, field
from typing import Any

import sqlalchemy as sa
from sqlalchemy import Connection

from kozutumi_app.adapters.database.schema import jobs as job_rows
from kozutumi_app.domain.ports import ScannerStatus
from kozutumi_app.errors import DatabaseUnavailable, StorageUnavailable
from kozutumi_app.services import Services
from kozutumi_app.use_cases import (
    audit,
    audit_sealing,
    audit_signing,
    consent,
    key_usage,
    scan_demand,
    settings_store,
    usage,
)
from kozutumi_app.use_cases.health import Health, Part


@dataclass(frozen=True, slots=True)
class Status:
    """Sizes are bytes; `clock` is RFC 3339. What follows it is None or empty while the database does not answer.

    `key_versions_in_use`: what the stored data still needs, empty while unknown. `changes`: state by id, the newest fifty.
    `scan_waiting` and `scan_idle_seconds` are scan_demand.Demand.
    """

    version: str
    service_code: str
    key_versions: list[int]
    active_key: int
    database: Part
    storage: Part
    mail: dict[str, Any]
    scanner: ScannerStatus
    clock: str
    administrator_accepted: bool | None = None
    usage: dict[str, int] | None = None
    audit: dict[str, Any] | None = None
    key_versions_in_use: list[int] = field(default_factory=list)
    rewrap: dict[str, int] | None = None
    pending_confirmations: int | None = None
    changes: dict[str, str] = field(default_factory=dict)
    storage_credential: str | None = None
    scan_waiting: bool | None = None
    scan_idle_seconds: int | None = None


@dataclass(frozen=True, slots=True)
class Drained:
    drained: bool
    uploads: int
    downloads: int


def gather(services: Services, health: Health, *, pulled: int | None = None) -> Status:
    """`pulled`: the head that the operator pulled last; it is told what hash that event has now."""
    mail: dict[str, Any] = {"ok": health.mail.ok, "message": health.mail.message, "queued": None}
    database, stored = health.database, dict[str, Any]()
    try:
        stored, mail["queued"] = _stored(services, pulled)
    except DatabaseUnavailable as error:
        database = Part(ok=False, message=error.title)
    return Status(
        version=services.settings.version,
        service_code=services.settings.service_code,
        key_versions=sorted(services.keyring.keys),
        active_key=services.keyring.active,
        database=database,
        storage=health.storage,
        mail=mail,
        scanner=health.scanner,
        clock=audit.format_time(services.clock.now()),
        storage_credential=_storage_credential(services),
        **stored,
    )


def drain(services: Services) -> Drained:
    """Refuse new uploads and downloads from now on; tells how many still run. Survives a restart."""
    with services.database.write() as tx:
        if not settings_store.is_draining(tx):
            settings_store.set_draining(tx)
            code = services.settings.service_code
            audit.append(tx, services, type="organization.draining", actor_id="operator", object_id=code)
    uploads, downloads = services.metrics.running()
    return Drained(uploads == 0 and downloads == 0, uploads, downloads)


def _storage_credential(services: Services) -> str | None:
    with contextlib.suppress(StorageUnavailable):
        return services.blobs.credential()
    return None


def _stored(services: Services, pulled: int | None) -> tuple[dict[str, Any], int]:
    with services.database.read() as tx:
        used = usage.measure(tx)
        queued = sa.select(sa.func.count()).select_from(job_rows).where(job_rows.c.kind == "mail")
        stored = {
            "administrator_accepted": settings_store.administrator_accepted(tx),
            "usage": {"bytes": used.bytes, "files": used.files, "users": usage.people(tx)},
            "audit": _audit(tx, pulled),
            "key_versions_in_use": key_usage.in_use(tx, services.keyring),
            "rewrap": asdict(key_usage.progress(tx)),
            "pending_confirmations": consent.waiting(tx),
            "changes": consent.states(tx),
            **asdict(scan_demand.measure(tx, services)),
        }
        return stored, tx.execute(queued).scalar_one()


def _audit(tx: Connection, pulled: int | None) -> dict[str, Any]:
    sequence, digest = audit.head(tx)
    then = None if pulled is None else audit.hash_at(tx, pulled)
    return {
        "sequence": sequence,
        "hash": digest.hex(),
        "pulled_hash": None if then is None else then.hex(),
        "key": audit_signing.key_id(tx),
        "sealed": audit_sealing.newest_stored(tx),
    }

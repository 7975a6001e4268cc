"""Audit logs of an app over a real database file, with an archive in memory."""

from __future__ import annotations

import json
from typing import Any

from builders import MemoryArchive, run_jobs
from kozutumi_app.services import Services
from kozutumi_app.use_cases import audit, audit_exporting, audit_sealing
from kozutumi_contract import audit_verifying
from kozutumi_contract.audit_export import Filter
from kozutumi_contract.audit_verifying import Fault, Report


def archive(services: Services) -> MemoryArchive:
    assert isinstance(services.archive, MemoryArchive)
    return services.archive


def happen(services: Services, count: int = 1, **changes: str) -> None:
    fields = {"type": "transfer.sent", "actor_id": "a1", "object_id": "t1"} | changes
    with services.database.write() as tx:
        for _ in range(count):
            audit.append(tx, services, **fields, details={"name": "資料.pdf"})


def housekeeping(services: Services) -> int:
    audit_sealing.consider(services)
    return run_jobs(services)


def head(services: Services) -> tuple[int, str]:
    with services.database.read() as tx:
        sequence, digest = audit.head(tx)
    return sequence, digest.hex()


def sealed(services: Services) -> list[tuple[int, int]]:
    """Number and sequence of what lies in the archive."""
    found = [json.loads(file)["document"] for _, file in sorted(archive(services).objects.items())]
    return [(each["number"], each["sequence"]) for each in found]


def exported(services: Services) -> list[bytes]:
    return "".join(audit_exporting.start(services, "admin1", Filter())).encode().splitlines(keepends=True)


def verified(services: Services, **known: Any) -> Report | Fault:
    return audit_verifying.verify(exported(services), seals=archive(services).objects.values(), **known)


def events(services: Services, type: str) -> list[audit.OpenedEvent]:
    with services.database.read() as tx:
        return audit.page(tx, services, type_prefix=type)

"""Writing down what the scanner found, or that it found nothing in time."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any

import sqlalchemy as sa

from kozutumi_app.adapters.database.schema import files
from kozutumi_app.domain.digests import Digests
from kozutumi_app.domain.files import FileState
from kozutumi_app.domain.ports import Verdict
from kozutumi_app.services import Services
from kozutumi_app.use_cases import audit, content_rules, delivering, quarantine_notices, scanner_facts


def settle(
    services: Services,
    row: Any,
    verdict: Verdict,
    state: FileState,
    *,
    digests: Digests | None = None,
    head: bytes = b"",
) -> bool:
    """Give the file its state, if it is still what `row` says; then its transfer may go on. False if it is not.

    `digests` of the whole content, None when not all of it was read; `head`: its first bytes.
    """
    with services.database.write() as tx:
        kind = content_rules.refusal(tx, services, row, head) if state is not FileState.INFECTED else None
        if kind is not None:
            state = FileState.REFUSED
        document = _document(row.manifest_id, verdict, kind)
        changed = _columns(services, row, state, document, digests)
        if tx.execute(sa.update(files).where(_unchanged(row)).values(changed)).rowcount != 1:
            return False
        scanner_facts.note_scan(tx, services)
        audit.append(
            tx,
            services,
            type="file.verdict",
            actor_id="scanner",
            object_id=row.transfer_id,
            outcome=document["verdict"],
            details={
                "file": row.id,
                "sha256": digests.sha256 if digests and state is FileState.CLEAN else "",
                **_texts(document),
            },
        )
        if state in {FileState.INFECTED, FileState.UNSCANNABLE}:
            quarantine_notices.announce(tx, services)
        delivering.advance(tx, services, row.transfer_id)
    services.metrics.verdicts.labels(document["verdict"]).inc()
    return True


def note_attempts(services: Services, row: Any, attempts: int | None) -> None:
    with services.database.write() as tx:
        tx.execute(sa.update(files).where(_unchanged(row)).values(scan_attempts=attempts or None))


def _unchanged(row: Any) -> sa.ColumnElement[bool]:
    return sa.and_(
        files.c.id == row.id,
        files.c.state == row.state,
        files.c.manifest_id == row.manifest_id,
        files.c.deleted_at.is_(None),
    )


def _columns(
    services: Services, row: Any, state: FileState, document: Mapping[str, str], digests: Digests | None
) -> dict[str, Any]:
    seal = services.columns.seal
    changed: dict[str, Any] = {
        "state": state,
        "updated_at": services.clock.now(),
        "scan_since": None,
        "scan_attempts": None,
        "release_sealed": None,  # it was for another verdict
        "verdict_manifest_id": row.manifest_id,
        "verdict_sealed": seal("files", "verdict_sealed", row.id, json.dumps(document)),
    }
    if digests is not None and state in {FileState.CLEAN, FileState.UNSCANNABLE}:
        changed["sha256_sealed"] = seal("files", "sha256_sealed", row.id, digests.sha256)
        changed["crc32_sealed"] = seal("files", "crc32_sealed", row.id, digests.crc32_hex)
    return changed


def _document(manifest_id: str, verdict: Verdict, kind: str | None) -> dict[str, str]:
    """`kind`: the media type for which the policy refuses the file, whatever the scanner says of it."""
    published = verdict.signature_published
    return {
        "manifest_id": manifest_id,
        "verdict": verdict.verdict if kind is None else "refused",
        "signature": verdict.signature or "",
        "reason": (verdict.reason or "") if kind is None else "type_not_allowed",
        "detail": kind or "",
        "signature_version": verdict.signature_version or "",
        "signature_published": published.isoformat() if published else "",
    }


def _texts(document: Mapping[str, str]) -> dict[str, str]:
    return {key: value for key, value in document.items() if key not in {"manifest_id", "verdict"}}

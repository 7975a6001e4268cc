"""A creation that is sent again, because its answer was lost, is answered with the upload that it made.

Otherwise an upload stays behind that nobody goes on with, and its transfer waits a day for it. The key lies among those
of `idempotency`, with the transfer for its caller, and is written in the transaction that makes the upload.
"""

from __future__ import annotations

import hmac
from dataclasses import replace
from typing import Any

import sqlalchemy as sa
from sqlalchemy import Connection

from kozutumi_app.adapters.database.schema import idempotency_keys as rows
from kozutumi_app.domain.identifiers import new_id
from kozutumi_app.errors import IdempotencyConflict, IdempotencyKeyReused
from kozutumi_app.services import Services
from kozutumi_app.use_cases import idempotency
from kozutumi_app.use_cases import upload as uploads
from kozutumi_app.use_cases.upload import Upload, Uploader

_CREATED = 201


def before(tx: Connection, services: Services, uploader: Uploader, upload: Upload, key: str | None) -> Upload | None:
    """The upload that was made under this key, as it is now; None when there is none.

    IdempotencyKeyReused when it was made for something else, NotFound and UploadGone as for any upload.
    """
    row = None if key is None else _row(tx, upload.transfer_id, key)
    if row is None or row.expires_at <= services.clock.now():
        return None
    file_id = services.columns.open("idempotency_keys", "answer_sealed", row.id, row.answer_sealed)
    found = uploads.find_in(tx, services, uploader, file_id)
    if not hmac.compare_digest(row.fingerprint, _fingerprint(services, upload)):
        raise IdempotencyKeyReused
    return replace(found, repeated=True)


def note(tx: Connection, services: Services, upload: Upload, key: str | None) -> None:
    """Keep the key beside the upload. IdempotencyConflict when the same creation got here first."""
    if key is None:
        return
    now = services.clock.now()
    tx.execute(sa.delete(rows).where(rows.c.expires_at <= now))
    if _row(tx, upload.transfer_id, key) is not None:
        raise IdempotencyConflict(retry_after=1)
    row_id = new_id(services.random)
    values = {
        "id": row_id,
        "caller_id": upload.transfer_id,
        "key_hash": idempotency.digest_of(key),
        "fingerprint": _fingerprint(services, upload),
        "status": _CREATED,
        "answer_sealed": services.columns.seal("idempotency_keys", "answer_sealed", row_id, upload.file_id),
        "created_at": now,
        "expires_at": now + idempotency.KEPT,
    }
    tx.execute(sa.insert(rows).values(values))


def _row(tx: Connection, transfer_id: str, key: str) -> Any:
    mine = sa.and_(rows.c.caller_id == transfer_id, rows.c.key_hash == idempotency.digest_of(key))
    return tx.execute(sa.select(rows).where(mine)).one_or_none()


def _fingerprint(services: Services, upload: Upload) -> bytes:
    asked = (upload.name, upload.path, upload.media_type, upload.concat, upload.size)
    return services.columns.index("idempotent creation", repr(asked))

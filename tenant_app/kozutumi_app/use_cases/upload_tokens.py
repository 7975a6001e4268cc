"""A narrow right to go on with an upload: for one file, or for new files of one draft, whatever becomes of the session.

256 random bits with a MAC under the organization's session key, so that a made-up one is turned away before the
database is asked; only its hash is stored. Renewing gives a new secret and lets the old one end shortly after,
because the answer that carries the new one may be lost.
"""

from __future__ import annotations

import hashlib
import hmac
from datetime import datetime, timedelta
from typing import Any, Final

import sqlalchemy as sa
from sqlalchemy import Connection

from kozutumi_app.adapters.database.schema import transfers, upload_tokens, users
from kozutumi_app.domain.identifiers import new_token
from kozutumi_app.errors import UploadTokenEnded
from kozutumi_app.services import Services
from kozutumi_app.use_cases import audit
from kozutumi_app.use_cases.upload import Upload, Uploader

LIFE: Final = timedelta(hours=48)  # of one secret: longer than an upload waits, so that its end is said as such
LONGEST: Final = timedelta(days=30)  # of an upload's right, however often it is renewed
OVERLAP: Final = timedelta(minutes=10)
_CONTEXT: Final = b"upload "


def issue_for_transfer(
    tx: Connection, services: Services, transfer_id: str, actor_id: str, expires_at: datetime
) -> str:
    """Return a token that may create uploads in this draft and write to them, for `actor_id`."""
    return _store(tx, services, transfer_id, None, actor_id, expires_at, expires_at)


def issue(tx: Connection, services: Services, upload: Upload) -> str:
    """Return a token for this one upload."""
    now = services.clock.now()
    return _store(tx, services, upload.transfer_id, upload.file_id, upload.actor_id, now + LIFE, now + LONGEST)


def find(services: Services, token: str) -> Uploader:
    """Who the token lets in. UploadTokenEnded for a foreign or ended one, and once the sender's account is disabled."""
    with services.database.read() as tx:
        row = _row(tx, services, token)
    return Uploader(row.sender_id, row.actor_id, row.transfer_id, row.file_id)


def renew(services: Services, token: str) -> tuple[str, datetime]:
    """Exchange a live token of one upload for a new one; returns it and when it ends."""
    with services.database.write() as tx:
        row, now = _row(tx, services, token), services.clock.now()
        if row.file_id is None:
            raise UploadTokenEnded  # a draft's is renewed by who gave it
        expires_at = min(now + LIFE, row.ends_at)
        fresh = _store(tx, services, row.transfer_id, row.file_id, row.actor_id, expires_at, row.ends_at)
        old = sa.update(upload_tokens).where(upload_tokens.c.id_hash == row.id_hash)
        tx.execute(old.values(expires_at=min(row.expires_at, now + OVERLAP)))
        details = {"file": row.file_id}
        audit.append(
            tx,
            services,
            type="file.upload_token_renewed",
            actor_id=row.actor_id,
            object_id=row.transfer_id,
            details=details,
        )
    return fresh, expires_at


def _store(
    tx: Connection,
    services: Services,
    transfer_id: str,
    file_id: str | None,
    actor_id: str,
    expires_at: datetime,
    ends_at: datetime,
) -> str:
    now = services.clock.now()
    secret = new_token(services.random)
    row = {
        "id_hash": _hash(secret),
        "transfer_id": transfer_id,
        "file_id": file_id,
        "actor_id": actor_id,
        "created_at": now,
        "expires_at": expires_at,
        "ends_at": ends_at,
    }
    tx.execute(sa.delete(upload_tokens).where(upload_tokens.c.expires_at <= now))
    tx.execute(sa.insert(upload_tokens).values(row))
    return f"{secret}.{_mac(services, secret)}"


def _row(tx: Connection, services: Services, token: str) -> Any:
    secret, _, mac = token.partition(".")
    if not hmac.compare_digest(mac.encode(), _mac(services, secret).encode()):
        raise UploadTokenEnded
    joined = upload_tokens.join(transfers).join(users, users.c.id == transfers.c.sender_id)
    query = sa.select(upload_tokens, transfers.c.sender_id, users.c.disabled).select_from(joined)
    row = tx.execute(query.where(upload_tokens.c.id_hash == _hash(secret))).one_or_none()
    if row is None or row.disabled or row.expires_at <= services.clock.now():
        raise UploadTokenEnded
    return row


def _mac(services: Services, secret: str) -> str:
    return hmac.new(services.session_key.reveal(), _CONTEXT + secret.encode(), hashlib.sha256).hexdigest()[:32]


def _hash(secret: str) -> bytes:
    return hashlib.sha256(secret.encode()).digest()

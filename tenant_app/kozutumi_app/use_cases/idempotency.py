"""A request sent twice is done once: the first answer is kept for 24 hours, by caller and Idempotency-Key.

What is kept is the key's hash, a keyed hash of the request and the sealed answer. A request that was begun and never
answered (the app was killed) is not begun again under its key: nobody can know whether it took effect.
"""

from __future__ import annotations

import base64
import hashlib
import hmac
import json
from dataclasses import dataclass
from datetime import timedelta
from typing import Any, Final

import sqlalchemy as sa

from kozutumi_app.adapters.database.schema import idempotency_keys as rows
from kozutumi_app.domain.identifiers import new_id
from kozutumi_app.errors import IdempotencyConflict, IdempotencyKeyReused, InvalidInput
from kozutumi_app.services import Services

KEPT: Final = timedelta(hours=24)
MAXIMUM_ANSWER: Final = 256 * 1024  # bytes
_RUNS_AT_MOST: Final = timedelta(minutes=2)
_MAXIMUM_KEYS: Final = 10_000  # of one caller at a time
_KEY_LENGTH: Final = 255
_UNSETTLED: Final = frozenset({401, 403, 408, 423, 429})  # say nothing of what the request would do


@dataclass(frozen=True, slots=True)
class Answer:
    status: int
    media_type: str
    body: bytes


@dataclass(frozen=True, slots=True)
class Running:
    """The first request of its key, which must `settle` it."""

    id: str


def begin(services: Services, caller_id: str, key: str, request: tuple[str, str, bytes]) -> Running | Answer:
    """Take the key for a request (method, target, body), or return the first one's answer.

    IdempotencyKeyReused for another request, IdempotencyConflict while the first has no answer.
    """
    digest, fingerprint, now = digest_of(key), _fingerprint(services, request), services.clock.now()
    mine = sa.and_(rows.c.caller_id == caller_id, rows.c.key_hash == digest)
    with services.database.write() as tx:
        tx.execute(sa.delete(rows).where(rows.c.expires_at <= now))
        row = tx.execute(sa.select(rows).where(mine)).one_or_none()
        if row is None:
            count = sa.select(sa.func.count()).select_from(rows).where(rows.c.caller_id == caller_id)
            if tx.execute(count).scalar_one() >= _MAXIMUM_KEYS:
                raise IdempotencyConflict(f"At most {_MAXIMUM_KEYS} keys are kept at once.")
            running = Running(new_id(services.random))
            taken = {"id": running.id, "caller_id": caller_id, "key_hash": digest}
            times = {"created_at": now, "expires_at": now + KEPT}
            tx.execute(sa.insert(rows).values(**taken, **times, fingerprint=fingerprint))
            return running
    if not hmac.compare_digest(row.fingerprint, fingerprint):
        raise IdempotencyKeyReused
    if row.status is None:
        if now < row.created_at + _RUNS_AT_MOST:
            raise IdempotencyConflict(retry_after=1)
        raise IdempotencyConflict("The first request was cut off. See whether it took effect, then use a new key.")
    return _answer(services, row)


def digest_of(key: str) -> bytes:
    """What is kept of the key itself."""
    if not 1 <= len(key) <= _KEY_LENGTH or not key.isascii() or not key.isprintable() or " " in key:
        raise InvalidInput("Idempotency-Key: 1 to 255 visible ASCII characters.")
    return hashlib.sha256(key.encode()).digest()


def settle(services: Services, running: Running, answer: Answer | None, *, secret: str | None = None) -> None:
    """Keep the answer; None, a fault or a refusal that may pass frees the key. The field `secret` is kept as null."""
    mine = rows.c.id == running.id
    with services.database.write() as tx:
        if answer is None or answer.status >= 500 or answer.status in _UNSETTLED:
            tx.execute(sa.delete(rows).where(mine))
            return
        body = answer.body if secret is None else _without(answer.body, secret)
        document = json.dumps({"type": answer.media_type, "body": base64.b64encode(body).decode("ascii")})
        sealed = services.columns.seal("idempotency_keys", "answer_sealed", running.id, document)
        tx.execute(sa.update(rows).where(mine).values(status=answer.status, answer_sealed=sealed))


def _answer(services: Services, row: Any) -> Answer:
    document = json.loads(services.columns.open("idempotency_keys", "answer_sealed", row.id, row.answer_sealed))
    return Answer(row.status, document["type"], base64.b64decode(document["body"]))


def _fingerprint(services: Services, request: tuple[str, str, bytes]) -> bytes:
    method, target, body = request
    return services.columns.index("idempotent request", f"{method} {target} {hashlib.sha256(body).hexdigest()}")


def _without(body: bytes, field: str) -> bytes:
    document = json.loads(body or b"null")
    if isinstance(document, dict) and field in document:
        document[field] = None
    return json.dumps(document, ensure_ascii=False).encode()

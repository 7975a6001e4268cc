"""A one-time code by mail, bound to the browser that asked for it, for a row with the columns `code_*` (domain.codes)."""

from __future__ import annotations

import hashlib
from datetime import datetime
from typing import Any, Final

import sqlalchemy as sa
from sqlalchemy import Connection

from kozutumi_app.domain import codes
from kozutumi_app.domain.codes import Answer, Outstanding, Sending
from kozutumi_app.domain.identifiers import new_token
from kozutumi_app.errors import CodeExhausted, CodeExpired, CodeWrong, RateLimited, Refused
from kozutumi_app.services import Services
from kozutumi_app.use_cases.stable_random import stable_random

_REFUSALS: Final[dict[Answer, type[Refused]]] = {
    Answer.WRONG: CodeWrong,
    Answer.EXPIRED: CodeExpired,
    Answer.EXHAUSTED: CodeExhausted,
}


def ask(tx: Connection, services: Services, table: sa.Table, row: Any) -> str:
    """Note that a code was asked for; returns the asking browser's value. RateLimited when it was asked for too often."""
    now, browser = services.clock.now(), new_token(services.random)
    sending = Sending(row.code_sent_at, row.code_window_at, row.code_sends)
    if wait := codes.wait_seconds(sending, now):
        raise RateLimited(retry_after=wait)
    after = codes.after_sending(sending, now)
    values = {
        "code_hash": None,
        "code_browser_hash": digest(browser),
        "code_sent_at": after.sent_at,
        "code_window_at": after.window_at,
        "code_sends": after.sends,
    }
    tx.execute(sa.update(table).where(table.c.id == row.id).values(values))
    return browser


def store(tx: Connection, services: Services, table: sa.Table, row: Any) -> str | None:
    """Derive the code just before it is mailed, the same each time for one asking; None when nobody waits for it."""
    now = services.clock.now()
    if row.code_sent_at is None or row.code_browser_hash is None or now >= row.code_sent_at + codes.LIFE:
        return None
    asking = f"{row.id} {row.code_sent_at.isoformat()} {row.code_browser_hash.hex()}"
    code = codes.new_code(stable_random(services.columns, table.name, asking))
    hashed = _keyed(services, table, row.id, code)
    if hashed != row.code_hash:
        values = {"code_hash": hashed, "code_expires_at": now + codes.LIFE, "code_attempts": 0}
        tx.execute(sa.update(table).where(table.c.id == row.id).values(values))
    return code


def judge(
    tx: Connection, services: Services, table: sa.Table, row: Any, *, code: str, browser: str | None
) -> type[Refused] | None:
    """None when the code is right, which uses it up; else the refusal, of which a wrong code is counted."""
    stored = Outstanding(row.code_hash, row.code_browser_hash, row.code_expires_at, row.code_attempts)
    hashed = _keyed(services, table, row.id, "".join(code.split()))
    answer = codes.judge(stored, hashed, digest(browser or ""), services.clock.now())
    changed = sa.update(table).where(table.c.id == row.id)
    if answer is Answer.RIGHT:
        tx.execute(changed.values(code_hash=None, code_browser_hash=None, code_attempts=0))
        return None
    if answer is Answer.WRONG:
        tx.execute(changed.values(code_attempts=row.code_attempts + 1))
    return _REFUSALS[answer]


def session_values(token: str, now: datetime) -> dict[str, Any]:
    return {"id_hash": digest(token), "created_at": now, "expires_at": now + codes.SESSION_LIFE}


def digest(token: str) -> bytes:
    return hashlib.sha256(token.encode()).digest()


def _keyed(services: Services, table: sa.Table, row_id: str, code: str) -> bytes:
    """Keyed, because eight digits could be tried out against a plain hash."""
    return services.columns.index(f"{table.name} code", f"{row_id} {code}")

"""What the scanner refused, as an administrator sees it: what it is and why, never what is in it.

An administrator may release an Unscannable file where the organization's policy says so (settings.unscannable), or have
any Unscannable file scanned again. An infected file is released by nobody.
"""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from datetime import datetime
from typing import Any, Final

import sqlalchemy as sa
from sqlalchemy import Connection

from kozutumi_app.adapters.database.schema import files, transfers, users
from kozutumi_app.domain.files import BoundVerdict, FileState, Release
from kozutumi_app.domain.scanning import RELEASABLE
from kozutumi_app.domain.transfers import BEFORE_DELIVERY
from kozutumi_app.errors import InvalidInput, KozutumiError, NotFound, NotReleasable, ReleaseNotAllowed
from kozutumi_app.services import Services
from kozutumi_app.use_cases import audit, delivering, jobs, readability
from kozutumi_app.use_cases.accounts import require_administrator
from kozutumi_app.use_cases.sessions import SignedIn

_COMMENT_LENGTH: Final = 500


@dataclass(frozen=True, slots=True)
class Quarantined:
    """`reason` says why no scanner looked inside, `signature` what it found. `size` is bytes.

    `releasable`: an administrator could release it now. `release` tells who did, when and why.
    """

    id: str
    transfer_id: str
    name: str
    size: int
    state: str
    reason: str
    signature: str
    sender: str
    found_at: datetime
    waits: bool
    releasable: bool
    release: Release | None


@dataclass(frozen=True, slots=True)
class Page:
    """`next`: where the next page begins, or None on the last."""

    files: Sequence[Quarantined]
    next: str | None


def listed(services: Services, user: SignedIn, *, limit: int = 100, after: str | None = None) -> Page:
    """Newest first. NotFound if `after` is nothing of it."""
    require_administrator(user)
    query = _refused().order_by(files.c.updated_at.desc(), files.c.id)
    with services.database.read() as tx:
        if after is not None:
            place = _row(tx, after).updated_at
            same = sa.and_(files.c.updated_at == place, files.c.id > after)
            query = query.where(sa.or_(files.c.updated_at < place, same))
        rows = tx.execute(query.limit(limit + 1)).all()
        shown = [_entry(services, row) for row in rows[:limit]]
    return Page(shown, shown[-1].id if len(rows) > limit else None)


def waiting(tx: Connection) -> int:
    """How many refused files keep a transfer from delivery."""
    query = sa.select(sa.func.count()).select_from(files).join(transfers)
    unreleased = sa.and_(_is_refused(), files.c.release_sealed.is_(None))
    return tx.execute(query.where(unreleased, transfers.c.state.in_(BEFORE_DELIVERY))).scalar_one()


def release(services: Services, user: SignedIn, file_id: str, comment: str) -> None:
    """Let this very content through unscanned; its transfer goes on. ReleaseNotAllowed or NotReleasable, both recorded."""
    require_administrator(user)
    comment = comment.strip()
    if not comment or len(comment) > _COMMENT_LENGTH:
        raise InvalidInput(f"Say in 1 to {_COMMENT_LENGTH} characters why it is released.")
    try:
        with services.database.write() as tx:
            _release(tx, services, user, file_id, comment)
    except (ReleaseNotAllowed, NotReleasable) as error:
        _record_refusal(services, user, file_id, "file.release_refused", error)
        raise


def scan_again(services: Services, user: SignedIn, file_id: str) -> None:
    """Give an Unscannable file another turn with the scanner. NotReleasable when it no longer waits for one."""
    require_administrator(user)
    try:
        with services.database.write() as tx:
            _scan_again(tx, services, user, file_id)
    except NotReleasable as error:
        _record_refusal(services, user, file_id, "file.rescan_refused", error)
        raise


def _scan_again(tx: Connection, services: Services, user: SignedIn, file_id: str) -> None:
    row = _row(tx, file_id)
    if row.state != FileState.UNSCANNABLE or row.transfer_state not in BEFORE_DELIVERY:
        raise NotReleasable
    now = services.clock.now()
    again = {"state": FileState.SCANNING, "scan_since": now, "scan_attempts": None, "updated_at": now}
    tx.execute(sa.update(files).where(files.c.id == file_id).values(again | {"release_sealed": None}))
    jobs.enqueue(tx, "scan", file_id, now)
    _record(tx, services, user, row, "file.rescan", {})


def _release(tx: Connection, services: Services, user: SignedIn, file_id: str, comment: str) -> None:
    if not readability.may_release(services):
        raise ReleaseNotAllowed
    row = _row(tx, file_id)
    bound = readability.bound_verdict(services, row)
    if not _is_releasable(services, row, bound) or row.transfer_state not in BEFORE_DELIVERY:
        raise NotReleasable
    given = Release(row.manifest_id, user.user_id, audit.format_time(services.clock.now()), comment)
    sealed = services.columns.seal("files", "release_sealed", file_id, json.dumps(asdict(given), ensure_ascii=False))
    tx.execute(sa.update(files).where(files.c.id == file_id).values(release_sealed=sealed))
    details = {"comment": comment, "manifest": row.manifest_id, "reason": bound.reason if bound else ""}
    _record(tx, services, user, row, "file.released", details)
    delivering.advance(tx, services, row.transfer_id)


def _is_releasable(services: Services, row: Any, bound: BoundVerdict | None) -> bool:
    return (
        row.state == FileState.UNSCANNABLE
        and bound is not None
        and bound.verdict == "unscannable"
        and bound.manifest_id == row.manifest_id
        and bound.reason in RELEASABLE
        and not readability.is_released(services, row)
    )


def _is_refused() -> sa.ColumnElement[bool]:
    refused = files.c.state.in_((FileState.INFECTED, FileState.UNSCANNABLE))
    return sa.and_(refused, files.c.deleted_at.is_(None))


def _refused() -> sa.Select[Any]:
    columns = (transfers.c.state.label("transfer_state"), users.c.id.label("user_id"), users.c.email_sealed)
    joined = files.join(transfers).join(users, users.c.id == transfers.c.sender_id)
    return sa.select(files, *columns).select_from(joined).where(_is_refused())


def _row(tx: Connection, file_id: str) -> Any:
    row = tx.execute(_refused().where(files.c.id == file_id)).one_or_none()
    if row is None:
        raise NotFound
    return row


def _entry(services: Services, row: Any) -> Quarantined:
    opened, bound = services.columns.open, readability.bound_verdict(services, row)
    waits = row.transfer_state in BEFORE_DELIVERY
    may = readability.may_release(services) and waits and _is_releasable(services, row, bound)
    return Quarantined(
        id=row.id,
        transfer_id=row.transfer_id,
        name=opened("files", "name_sealed", row.id, row.name_sealed),
        size=row.size,
        state=row.state,
        reason=bound.reason if bound else "",
        signature=bound.signature if bound else "",
        sender=opened("users", "email_sealed", row.user_id, row.email_sealed),
        found_at=row.updated_at,
        waits=waits,
        releasable=may,
        release=readability.bound_release(services, row),
    )


def _record(
    tx: Connection,
    services: Services,
    user: SignedIn,
    row: Any,
    type: str,
    details: dict[str, str],
    outcome: str = "ok",
) -> None:
    audit.append(
        tx,
        services,
        type=type,
        actor_id=user.user_id,
        object_id=row.transfer_id,
        outcome=outcome,
        details={"file": row.id, **details},
    )


def _record_refusal(services: Services, user: SignedIn, file_id: str, type: str, error: KozutumiError) -> None:
    """In a transaction of its own: the one that refused was rolled back."""
    query = sa.select(files.c.id, files.c.transfer_id).where(files.c.id == file_id)
    with services.database.write() as tx:
        row = tx.execute(query).one_or_none()
        if row is not None:
            _record(tx, services, user, row, type, {}, error.code)

"""Archive buckets that outlive their organization: whose they are, and when the last lock in them ends.

Kept as annotations of the disposal record, whose data is a signed certificate that nobody changes any more.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any, Final

from kozutumi_contract import labels
from kozutumi_operator.organizations import moments
from kozutumi_operator.organizations.disposal_record import Kept

# For what is kept by a hold that has no end (S3 legal hold): it is looked at again.
UNDATED: Final = timedelta(days=30)
_ALWAYS: Final = datetime.min.replace(tzinfo=UTC)


@dataclass(frozen=True, slots=True, kw_only=True)
class Departed:
    """`until`: when the archive may go, as far as is known."""

    record: str
    service_code: str
    uid: str
    bucket: str
    until: datetime


def departed(records: Iterable[Mapping[str, Any]]) -> list[Departed]:
    """Those whose archive is still kept, by date. One without a readable date is due at once."""
    found = []
    for record in records:
        metadata = record["metadata"]
        annotations = metadata.get("annotations") or {}
        code = (metadata.get("labels") or {}).get(labels.SERVICE_CODE, "")
        uid, bucket = annotations.get(labels.ORGANIZATION_UID, ""), annotations.get(labels.ARCHIVE_BUCKET, "")
        if code and uid and bucket and labels.ARCHIVE_REMOVED not in annotations:
            until = _read(annotations.get(labels.ARCHIVE_UNTIL, ""))
            found.append(Departed(record=metadata["name"], service_code=code, uid=uid, bucket=bucket, until=until))
    return sorted(found, key=lambda each: each.until)


def due(all_of_them: Sequence[Departed], now: datetime) -> list[Departed]:
    return [each for each in all_of_them if each.until <= now]


def pause(all_of_them: Sequence[Departed], now: datetime) -> timedelta | None:
    """How long nothing is due; None: nothing is kept."""
    return min((max(each.until - now, timedelta()) for each in all_of_them), default=None)


def notes(kept: Kept | None, now: datetime) -> dict[str, str]:
    """What to write on the record after a look: the archive is gone, or when to look again."""
    if kept is None:
        return {labels.ARCHIVE_REMOVED: _write(now)}
    return {labels.ARCHIVE_UNTIL: _write(max(kept.until, now) if kept.until else now + UNDATED)}


def _read(text: str) -> datetime:
    try:
        read = datetime.fromisoformat(text)
    except ValueError:
        return _ALWAYS
    return read if read.tzinfo else _ALWAYS


def _write(moment: datetime) -> str:
    """RFC 3339 in whole seconds, rounded up: a lock that ends within this second is over then."""
    return moments.rfc3339(moment + timedelta(seconds=1))

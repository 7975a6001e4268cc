"""A signed bundle of evidence (kozutumi_contract.audit_evidence), streamed as a zip file.

Its events end with the one that says who took it and why, and that head is sealed in the same transaction, so that a
seal always binds everything in the bundle.
"""

from __future__ import annotations

import io
import zipfile
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Final

from cryptography.hazmat.primitives.asymmetric import ec

from kozutumi_app.errors import InvalidInput
from kozutumi_app.services import Services
from kozutumi_app.use_cases import audit, audit_exporting, audit_sealing, audit_signing, jobs
from kozutumi_app.use_cases.audit_exporting import Range
from kozutumi_contract import audit_evidence as bundle
from kozutumi_contract.audit_export import Filter

_REASON_LENGTH: Final = 500
_README: Final = """\
Evidence from an audit log of Kozutumi.

events.jsonl    the events, each with the hash of the one before it; those that do not concern the matter
                keep their skeleton and come without details, so that none can have been left out
seals.jsonl     heads of the log that were put into locked storage at the time
manifest.json   what is in here, signed by the organization; public-key.pem is its key
Check it offline:   kozutumi audit verify-evidence FILE --key KEY
where KEY is the organization's public audit key as you have it from elsewhere.
"""


@dataclass(frozen=True, slots=True)
class _Taken:
    chosen: Filter
    span: Range
    key: ec.EllipticCurvePrivateKey
    public: str
    made: datetime
    actor_id: str
    reason: str


def start(services: Services, actor_id: str, chosen: Filter, reason: str) -> Iterator[bytes]:
    """Record that evidence of a transfer (`chosen.object`) or a period was taken; return the file, piece by piece."""
    reason = reason.strip()
    if not chosen.object and not (chosen.since and chosen.until):
        raise InvalidInput("Name a transfer, or the beginning and the end of a period.")
    if not reason or len(reason) > _REASON_LENGTH or not reason.isprintable():
        raise InvalidInput("Say why the evidence is taken, in at most 500 characters.")
    now = services.clock.now()
    with services.database.write() as tx:
        key = audit_signing.key(tx, services)
        details = {"reason": reason, "object": chosen.object, "from": chosen.since, "until": chosen.until}
        audit.append(
            tx,
            services,
            type="audit.evidence_exported",
            actor_id=actor_id,
            object_id=chosen.object or "audit",
            details=details,
        )
        audit_sealing.prepare(tx, services)
        jobs.enqueue(tx, audit_sealing.KIND, audit_sealing.HEAD, now)
        # To the head: what happened since belongs to it, and the seal just made binds all of it.
        span = audit_exporting.find_range(tx, Filter(object=chosen.object, since=chosen.since))
        public = audit_signing.public_key(tx) or ""
    return _zip(services, _Taken(chosen, span, key, public, now, actor_id, reason))


def _zip(services: Services, taken: _Taken) -> Iterator[bytes]:
    sink = _Sink()
    events = audit_exporting.jsonl(services, taken.chosen, taken.span, taken.key, made=taken.made)
    seals = audit_sealing.documents(services, first=taken.span.first, last=taken.span.last)
    contents: dict[str, Iterable[str]] = {
        bundle.README: [_README],
        bundle.PUBLIC_KEY: [taken.public],
        bundle.EVENTS: events,
        bundle.SEALS: seals,
    }
    members: dict[str, Any] = {}
    with zipfile.ZipFile(sink, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, parts in contents.items():
            measured = bundle.member()
            with archive.open(_named(name, taken.made), "w", force_zip64=True) as file:
                for part in parts:
                    written = part.encode()
                    measured.update(written)
                    file.write(written)
                    yield from sink.taken()
            members[name] = measured.document()
        archive.writestr(_named(bundle.MANIFEST, taken.made), _manifest(services, taken, members))
    yield from sink.taken(rest=True)


def _manifest(services: Services, taken: _Taken, members: dict[str, Any]) -> bytes:
    chosen = taken.chosen
    about = {"object": chosen.object} if chosen.object else {"from": chosen.since, "until": chosen.until}
    document = {
        "service_code": services.settings.service_code,
        "made": audit.format_time(taken.made),
        "made_by": taken.actor_id,
        "reason": taken.reason,
        "about": about,
        "members": members,
    }
    return bundle.render_manifest(document, taken.key)


def _named(name: str, time: datetime) -> zipfile.ZipInfo:
    info = zipfile.ZipInfo(name, time.timetuple()[:6])
    info.compress_type = zipfile.ZIP_DEFLATED
    return info


class _Sink(io.RawIOBase):
    """What zipfile writes, to be taken in pieces; it cannot seek, so sizes follow their data (APPNOTE 4.3.9)."""

    _PIECE: Final = 64 * 1024

    def __init__(self) -> None:
        super().__init__()
        self._waiting = bytearray()

    def writable(self) -> bool:
        return True

    def write(self, data: Any, /) -> int:
        self._waiting += data
        return len(data)

    def taken(self, *, rest: bool = False) -> Iterator[bytes]:
        if rest or len(self._waiting) >= self._PIECE:
            piece, self._waiting = bytes(self._waiting), bytearray()
            yield piece

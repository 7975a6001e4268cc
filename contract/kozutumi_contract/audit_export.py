"""The export of an audit log: JSON lines, one event each, between a first line that says what follows and a signed last one.

First line: {"kind": "AuditExport", "format": 1, "service_code", "first" (sequence number), "previous_hash" (hex),
"whole" (whether it begins where the log begins), "filter": {"type", "object", "from", "until"}}.
A filter on type or object leaves no event out: the others keep their skeleton and come without details, so that the
chain still holds. Last line: a `signed_document` with the public key beside it; its document is
{"kind": "AuditExportEnd", "format": 1, "header" (SHA-256 of the canonical first line), "events", "last", "hash", "made"}.

Evolution: each line of format 1 has exactly these members; anything else takes a new format.
"""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Final

from cryptography.hazmat.primitives.asymmetric import ec

from kozutumi_contract import audit_chain, canonical, signed_document
from kozutumi_contract.audit_chain import AuditEvent

KIND: Final = "AuditExport"
END: Final = "AuditExportEnd"
FORMAT: Final = 1
EVENT_MEMBERS: Final = frozenset({*AuditEvent.__dataclass_fields__, "details", "opening"})


class MisshapenError(ValueError):
    """A line is none of an export; the message says why."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Filter:
    """What was asked for. `type` is the beginning of a type. Times are RFC 3339: `since` inclusive, `until` not."""

    type: str = ""
    object: str = ""
    since: str = ""
    until: str = ""

    def wants(self, event: AuditEvent) -> bool:
        in_time = self.since <= event.time and (not self.until or event.time < self.until)
        return in_time and event.type.startswith(self.type) and self.object in ("", event.object_id)


@dataclass(frozen=True, slots=True, kw_only=True)
class Header:
    service_code: str
    first: int
    previous_hash: bytes
    whole: bool
    filter: Filter

    def document(self) -> dict[str, Any]:
        wanted = self.filter
        return {
            "kind": KIND,
            "format": FORMAT,
            "service_code": self.service_code,
            "first": self.first,
            "previous_hash": self.previous_hash.hex(),
            "whole": self.whole,
            "filter": {"type": wanted.type, "object": wanted.object, "from": wanted.since, "until": wanted.until},
        }

    def digest(self) -> str:
        return hashlib.sha256(canonical.encode(self.document())).hexdigest()


@dataclass(frozen=True, slots=True)
class Line:
    """An event as exported. `details` and `opening` are None where they are withheld, and in form 1, which proves none."""

    event: AuditEvent
    details: Mapping[str, str] | None
    opening: bytes | None

    def document(self) -> dict[str, Any]:
        event = self.event
        return {
            "sequence": event.sequence,
            "time": event.time,
            "type": event.type,
            "actor_id": event.actor_id,
            "object_id": event.object_id,
            "outcome": event.outcome,
            "details": None if self.details is None else dict(self.details),
            "opening": None if self.opening is None else self.opening.hex(),
            "sealed": event.sealed.hex(),
            "previous_hash": event.previous_hash.hex(),
            "hash": event.hash.hex(),
        }


@dataclass(frozen=True, slots=True, kw_only=True)
class End:
    """`last` and `hash` are those of the last event, or of what the range hangs on where it is empty."""

    events: int
    last: int
    hash: bytes
    made: str


def render(document: Mapping[str, Any]) -> bytes:
    return canonical.encode(document) + b"\n"


def render_end(header: Header, end: End, key: ec.EllipticCurvePrivateKey) -> bytes:
    document = {
        "kind": END,
        "format": FORMAT,
        "header": header.digest(),
        "events": end.events,
        "last": end.last,
        "hash": end.hash.hex(),
        "made": end.made,
    }
    signed = signed_document.sign(document, key)
    return render(signed | {"public_key": signed_document.embeddable(key.public_key())})


def parse_header(content: Any) -> Header:
    """Raises MisshapenError."""
    shape = {"kind", "format", "service_code", "first", "previous_hash", "whole", "filter"}
    if not isinstance(content, dict) or content.keys() != shape or (content["kind"], content["format"]) != (KIND, 1):
        raise MisshapenError("the first line is not the beginning of an audit export of a format that is known here")
    wanted = content["filter"]
    named = isinstance(wanted, dict) and wanted.keys() == {"type", "object", "from", "until"}
    if not named or not all(isinstance(each, str) for each in wanted.values()):
        raise MisshapenError("the first line does not say what was asked for")
    if not isinstance(content["service_code"], str) or not isinstance(content["whole"], bool):
        raise MisshapenError("the first line does not say whose log this is")
    return Header(
        service_code=content["service_code"],
        first=_whole(content["first"]),
        previous_hash=_bytes(content["previous_hash"], audit_chain.OPENING_BYTES),
        whole=content["whole"],
        filter=Filter(type=wanted["type"], object=wanted["object"], since=wanted["from"], until=wanted["until"]),
    )


def parse_line(content: Any) -> Line:
    """Raises MisshapenError."""
    if not isinstance(content, dict) or content.keys() != EVENT_MEMBERS:
        raise MisshapenError("it does not have exactly an event's members")
    texts = {name: content[name] for name in ("time", "type", "actor_id", "object_id", "outcome")}
    if not all(isinstance(each, str) for each in texts.values()):
        raise MisshapenError("a text of it is no text")
    details, opening = content["details"], content["opening"]
    if details is not None and not _is_details(details):
        raise MisshapenError("its details are no texts by name")
    event = AuditEvent(
        sequence=_whole(content["sequence"]),
        **texts,
        sealed=_bytes(content["sealed"]),
        previous_hash=_bytes(content["previous_hash"], 32),
        hash=_bytes(content["hash"], 32),
    )
    return Line(event, details, None if opening is None else _bytes(opening, audit_chain.OPENING_BYTES))


def parse_end(content: Any, header: Header) -> tuple[End, ec.EllipticCurvePublicKey]:
    """The last line and the key that it carries and was signed by. Raises MisshapenError, also for a forged signature."""
    if not isinstance(content, dict) or content.keys() != {"document", "signature", "public_key"}:
        raise MisshapenError("it is no last line of an audit export")
    try:
        key = signed_document.embedded(content["public_key"])
    except signed_document.SignerError as error:
        raise MisshapenError(str(error)) from None
    document = signed_document.check({name: content[name] for name in ("document", "signature")}, key)
    if isinstance(document, signed_document.Refuted):
        raise MisshapenError(document.reason)
    shape = {"kind", "format", "header", "events", "last", "hash", "made"}
    if document.keys() != shape or (document["kind"], document["format"]) != (END, FORMAT):
        raise MisshapenError("it is no last line of an audit export of a format that is known here")
    if document["header"] != header.digest():
        raise MisshapenError("the first line is not the one that was exported: it was changed")
    end = End(
        events=_whole(document["events"]),
        last=_whole(document["last"]),
        hash=_bytes(document["hash"], 32),
        made=str(document["made"]),
    )
    return end, key


def _is_details(details: Any) -> bool:
    return isinstance(details, dict) and all(isinstance(each, str) for each in details.values())


def _whole(value: Any) -> int:
    if type(value) is not int or value < 0:
        raise MisshapenError("a number of it is no whole number")
    return value


def _bytes(text: Any, length: int | None = None) -> bytes:
    """Lower-case hex and nothing else: one value has one text, so no edit of it goes unseen."""
    try:
        value = bytes.fromhex(text)
    except (TypeError, ValueError):
        raise MisshapenError("a hash or sealed field of it is not hex") from None
    if value.hex() != text or (length is not None and len(value) != length):
        raise MisshapenError("a hash or sealed field of it is not of its length, or not lower-case hex")
    return value

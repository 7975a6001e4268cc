"""Checks an export of an audit log, line by line: against itself, the key that signed it and the heads sealed elsewhere.

What is found is named by its place in the log: the first event that is not what was recorded there.
"""

from __future__ import annotations

import contextlib
import itertools
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from collections.abc import Set as AbstractSet
from dataclasses import dataclass
from typing import Any, Final

from cryptography.hazmat.primitives.asymmetric import ec

from kozutumi_contract import audit_chain, audit_export, audit_seals, canonical, signed_document
from kozutumi_contract.audit_chain import GENESIS, AuditEvent
from kozutumi_contract.audit_export import End, Header, Line, MisshapenError
from kozutumi_contract.audit_seals import Seal
from kozutumi_contract.canonical import NotCanonicalError
from kozutumi_contract.signed_document import Refuted

PRUNED: Final = "audit.pruned"
"""Type of the event that takes the place of a removed prefix; its `object_id` is the hash of the last removed event."""


@dataclass(frozen=True, slots=True)
class Fault:
    """`sequence` is the first event that cannot be trusted; None where the file as a whole is no export."""

    sequence: int | None
    reason: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Report:
    """`sealed_through`: the last event that a seal binds, so that what is up to it cannot have been recomputed.

    `restored`: events at which the log was put back to an earlier state, so that some that followed were lost.
    `beyond`: a sealed head or other known head lies behind the end of this export. `withheld`: events without details.
    """

    service_code: str
    first: int
    last: int
    events: int
    made: str
    key: str
    sealed_through: int | None
    beyond: int | None
    withheld: int
    restored: tuple[int, ...] = ()


RESTORED: Final = "audit.restored"
"""Type of the event after a restore; its `object_id` is the hash of the head that was lost."""
_RESTORED_TEXT: Final = b'"audit.restored"'


def verify(
    lines: Iterable[bytes],
    *,
    key: ec.EllipticCurvePublicKey | None = None,
    seals: Iterable[bytes] = (),
    heads: Iterable[tuple[int, str]] = (),
    withheld_ok: bool = False,
) -> Report | Fault:
    """Check an export. `key`: the one it must be signed by; `heads`: (sequence, hash in hex) that others have noted.

    With seals the whole file is read once more after its key is known, so `lines` must be iterable twice then.
    """
    sealing, known, sealed = list(seals), dict(heads), set[int]()
    if sealing:
        opened = _seals(lines, sealing, key)
        if isinstance(opened, Fault):
            return opened
        for each in opened:
            if known.setdefault(each.sequence, each.hash) != each.hash:
                return Fault(each.sequence, f"seal {each.number} and another known head are of different chains")
            sealed.add(each.sequence)
    return _Walk(known, sealed, key, withheld_ok=withheld_ok).over(lines)


def _seals(
    lines: Iterable[bytes], files: Sequence[bytes], key: ec.EllipticCurvePublicKey | None
) -> Sequence[Seal] | Fault:
    """The seals, checked against the pinned key, or else against the one that the export says it was signed by."""
    first, last, restored = _scan(lines)
    try:
        header = audit_export.parse_header(canonical.decode(first))
        signed = key or audit_export.parse_end(canonical.decode(last), header)[1]
    except (MisshapenError, NotCanonicalError) as error:
        return Fault(None, f"the export is cut short or damaged: {error}")
    found: list[Seal] = []
    for file in files:
        seal = audit_seals.parse(file, signed)
        if isinstance(seal, Refuted):
            return Fault(None, f"a seal is not genuine: {seal.reason}")
        found.append(seal)
    ordered = audit_seals.ordered(found, header.service_code)
    return Fault(None, ordered.reason) if isinstance(ordered, Refuted) else _in_force(ordered, restored)


def _scan(lines: Iterable[bytes]) -> tuple[bytes, bytes, list[AuditEvent]]:
    """First and last line, and the events that say that the log was put back to an earlier state."""
    first, last, restored = b"", b"", list[AuditEvent]()
    for last in lines:
        first = first or last
        if _RESTORED_TEXT in last:
            with contextlib.suppress(MisshapenError, NotCanonicalError):  # told where the line is read
                event = audit_export.parse_line(canonical.decode(last)).event
                restored += [event] if event.type == RESTORED else []
    return first, last, restored


def _in_force(seals: Sequence[Seal], restored: Sequence[AuditEvent]) -> Sequence[Seal] | Fault:
    """Without the seals of what a restore has lost: the event says up to which head, and stands where it went on."""
    kept = list(seals)
    for event in restored:
        lost = next((each for each in seals if each.hash == event.object_id), None)
        if lost is not None:
            kept = [each for each in kept if each.number > lost.number or each.sequence < event.sequence]
    for before, after in itertools.pairwise(kept):
        if after.sequence <= before.sequence:
            reason = (
                f"seal {after.number} goes back behind seal {before.number}, and no event says that it was restored"
            )
            return Fault(after.sequence, reason)
    return kept


class _BrokenError(Exception):
    def __init__(self, sequence: int | None, reason: str) -> None:
        super().__init__(reason)
        self.fault = Fault(sequence, reason)


class _Walk:
    """`known`: hash in hex by sequence; `sealed`: which of them come from seals."""

    def __init__(
        self,
        known: Mapping[int, str],
        sealed: AbstractSet[int],
        key: ec.EllipticCurvePublicKey | None,
        *,
        withheld_ok: bool,
    ) -> None:
        self._known, self._sealed, self._key, self._withheld_ok = known, sealed, key, withheld_ok
        self._agreed = 0  # up to here a known head agrees
        self._withheld = 0
        self._restored: list[int] = []
        self._removed: bytes | None = None  # hash before the first event, while no event accounts for it

    def over(self, lines: Iterable[bytes]) -> Report | Fault:
        try:
            return self._over(iter(lines))
        except _BrokenError as error:
            return error.fault

    def _over(self, lines: Iterator[bytes]) -> Report:
        header = _read(next(lines, b""), audit_export.parse_header, None)
        self._begin(header)
        expected, previous = header.first, header.previous_hash
        for raw in lines:
            content = _content(raw, expected)
            if isinstance(content, dict) and "document" in content:
                end, key = _read(content, lambda each: audit_export.parse_end(each, header), expected)
                if next(lines, None) is not None:
                    raise _BrokenError(expected, "something follows the last line")
                return self._finish(header, end, key, expected - 1, previous)
            line = _read(content, audit_export.parse_line, expected)
            if (line.event.sequence, line.event.previous_hash) != (expected, previous):
                raise _misplaced(line.event, expected, previous, header, next(lines, b""))
            self._event(header, line, expected)
            expected, previous = expected + 1, line.event.hash
        raise _BrokenError(expected, "the export ends without its signed last line: it was cut short")

    def _begin(self, header: Header) -> None:
        if header.first == 1 and header.previous_hash != GENESIS:
            raise _BrokenError(1, "the first event of a log has none before it")
        if header.whole and header.first != 1:
            self._removed = header.previous_hash
        self._agreed = header.first - 1
        self._compare(header.first - 1, header.previous_hash)

    def _event(self, header: Header, line: Line, expected: int) -> None:
        event = line.event
        if not _is_intact(event):
            raise _BrokenError(expected, "its hash is not that of its content")
        self._details(header, line)
        if self._removed is not None and event.type == PRUNED and event.object_id == self._removed.hex():
            self._removed = None
        if event.type == RESTORED:
            self._restored.append(expected)
        self._compare(expected, event.hash)

    def _details(self, header: Header, line: Line) -> None:
        sequence = line.event.sequence
        commitment, _ = audit_chain.parts(line.event.sealed)
        if commitment is None or not header.filter.wants(line.event):
            if line.details is not None or line.opening is not None:
                raise _BrokenError(sequence, "it has details where there can be none")
        elif line.details is None and line.opening is None:
            self._withheld += 1
            if not self._withheld_ok:
                raise _BrokenError(sequence, "its details are withheld (allow that where it was meant)")
        elif line.details is None or line.opening is None or not _are_recorded(line, commitment):
            raise _BrokenError(sequence, "its details are not those that were recorded")

    def _compare(self, sequence: int, found: bytes) -> None:
        wanted = self._known.get(sequence)
        if wanted not in (None, found.hex()):
            reason = f"the log was recomputed: the head noted for event {sequence} is another one"
            raise _BrokenError(min(sequence, self._agreed + 1), reason)
        if wanted is not None:
            self._agreed = sequence

    def _finish(self, header: Header, end: End, key: ec.EllipticCurvePublicKey, last: int, previous: bytes) -> Report:
        events = last - header.first + 1
        if (end.events, end.last, end.hash) != (events, last, previous):
            raise _BrokenError(
                last + 1, f"{end.events} events up to {end.last} were exported, {events} up to {last} are here"
            )
        if self._key is not None and signed_document.key_id(self._key) != signed_document.key_id(key):
            raise _BrokenError(None, "the export was signed by another key than the pinned one")
        if self._removed is not None:
            raise _BrokenError(header.first - 1, "what came before is missing, and no event says that it was removed")
        return Report(
            service_code=header.service_code,
            first=header.first,
            last=last,
            events=events,
            made=end.made,
            key=signed_document.key_id(key),
            sealed_through=max((each for each in self._sealed if each <= last), default=None),
            beyond=max((each for each in self._known if each > last), default=None),
            withheld=self._withheld,
            restored=tuple(self._restored),
        )


def _is_intact(event: AuditEvent) -> bool:
    return event.hash == audit_chain.of_event(event, event.previous_hash)


def _misplaced(event: AuditEvent, expected: int, previous: bytes, header: Header, following: bytes) -> _BrokenError:
    """Two events that do not belong together: the one that the next line still follows is genuine."""
    followed = _is_intact(event) and event.hash != previous and event.hash.hex().encode() in following
    if followed and expected > header.first and event.sequence in (expected - 1, expected):
        return _BrokenError(
            expected - 1, "it was changed or put there and hashed anew: what follows hangs on another one"
        )
    if event.sequence != expected:
        return _BrokenError(expected, f"event {event.sequence} stands in its place")
    return _BrokenError(expected, "it does not follow the event before it")


def _are_recorded(line: Line, commitment: bytes) -> bool:
    return commitment == audit_chain.commitment(line.event.sequence, line.details or {}, line.opening or b"")


def _content(raw: bytes, expected: int | None) -> Any:
    try:
        return canonical.decode(raw)
    except NotCanonicalError as error:
        raise _BrokenError(expected, str(error)) from None


def _read(content: Any, parse: Callable[[Any], Any], expected: int | None) -> Any:
    if isinstance(content, bytes):
        content = _content(content, expected)
    try:
        return parse(content)
    except MisshapenError as error:
        raise _BrokenError(expected, str(error)) from None

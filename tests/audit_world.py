"""Audit chains, exports and seals made by hand, for whoever tests what reads them."""

from __future__ import annotations

import json
from collections.abc import Sequence
from functools import cache
from typing import Any, Final

from cryptography.hazmat.primitives.asymmetric import ec

from kozutumi_contract import audit_chain, audit_export, audit_seals
from kozutumi_contract.audit_chain import GENESIS, AuditEvent
from kozutumi_contract.audit_export import End, Filter, Header, Line
from kozutumi_contract.audit_seals import FIRST, Seal

CODE: Final = "acme"
MADE: Final = "2026-11-24T13:00:00.000000Z"


@cache
def key(name: str = "acme's") -> ec.EllipticCurvePrivateKey:
    return ec.derive_private_key(int.from_bytes(name.encode().ljust(30, b"."), "big"), ec.SECP256R1())


def line(sequence: int, previous: bytes, **changes: Any) -> Line:
    """An event that nobody has touched; `changes` are made before it is hashed."""
    details = changes.pop("details", {"name": f"資料{sequence}.pdf", "ip": "192.0.2.1"})
    opening = sequence.to_bytes(32, "big")
    fields: dict[str, Any] = {
        "time": f"2026-11-24T12:00:00.{sequence:06d}Z",
        "type": "transfer.sent" if sequence % 2 else "file.uploaded",
        "actor_id": "a1",
        "object_id": f"t{sequence % 3}",
        "outcome": "ok",
        "sealed": audit_chain.committed(audit_chain.commitment(sequence, details, opening), b"ciphertext"),
    } | changes
    digest = audit_chain.event_hash(sequence=sequence, previous=previous, **fields)
    return Line(AuditEvent(sequence=sequence, previous_hash=previous, hash=digest, **fields), details, opening)


def chain(count: int, *, first: int = 1, previous: bytes = GENESIS, **changes: Any) -> list[Line]:
    """`changes` are made in every event."""
    lines: list[Line] = []
    for sequence in range(first, first + count):
        lines.append(line(sequence, previous, **changes))
        previous = lines[-1].event.hash
    return lines


def export(
    lines: Sequence[Line],
    *,
    whole: bool = True,
    wanted: Filter | None = None,
    previous: bytes | None = None,
    signer: ec.EllipticCurvePrivateKey | None = None,
) -> list[bytes]:
    """The file's lines, as the app writes them."""
    wanted = wanted or Filter()
    start = lines[0].event if lines else None
    hangs_on = previous or (start.previous_hash if start else GENESIS)
    header = Header(
        service_code=CODE, first=start.sequence if start else 1, previous_hash=hangs_on, whole=whole, filter=wanted
    )
    shown = [each if wanted.wants(each.event) else Line(each.event, None, None) for each in lines]
    end = End(
        events=len(lines),
        last=lines[-1].event.sequence if lines else header.first - 1,
        hash=lines[-1].event.hash if lines else hangs_on,
        made=MADE,
    )
    last = audit_export.render_end(header, end, signer or key())
    return [audit_export.render(header.document()), *(audit_export.render(each.document()) for each in shown), last]


def seals(lines: Sequence[Line], at: Sequence[int], *, after: Sequence[bytes] = (), **changes: Any) -> list[bytes]:
    """Sealed heads of these events, as they lie in the archive bucket. `after`: the seals that they follow."""
    hashes = {each.event.sequence: each.event.hash.hex() for each in lines}
    files = list(after)
    last = audit_seals.parse(files[-1], key().public_key()) if files else None
    previous = last.digest if isinstance(last, Seal) else FIRST
    for number, sequence in enumerate(at, len(files) + 1):
        fields: dict[str, Any] = {
            "service_code": CODE,
            "number": number,
            "sequence": sequence,
            "hash": hashes[sequence],
            "time": MADE,
            "previous": previous,
        } | changes
        seal = Seal(**fields)
        files.append(audit_seals.render(seal, key()))
        previous = seal.digest
    return files


def edited(raw: bytes, **changes: Any) -> bytes:
    """A line with these members changed, and nothing else."""
    return audit_export.render(json.loads(raw) | changes)

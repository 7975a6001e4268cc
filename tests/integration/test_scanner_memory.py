"""A reload of signatures must fit into the memory that one engine needs: the pod's limit holds one and no second."""

from __future__ import annotations

import hashlib
from datetime import UTC, datetime
from pathlib import Path

from scanner_fixtures import BUILTIN, RunningScanner, running_scanner

SIGNATURES = 150_000


def signatures(seed: str) -> str:
    lines = (
        f"Kozutumi.Test.Bulk{number}:0:*:{hashlib.sha256(f'{seed} {number}'.encode()).hexdigest()}"
        for number in range(SIGNATURES)
    )
    return BUILTIN + "\n".join(lines) + "\n"


def peak(scanner: RunningScanner) -> int:
    """Bytes that clamd has had in memory at most, since it was last reset (proc(5), clear_refs 5)."""
    status = Path(f"/proc/{scanner.processes.pid('clamd')}/status").read_text(encoding="ascii")
    return next(int(line.split()[1]) * 1024 for line in status.splitlines() if line.startswith("VmHWM:"))


def load(scanner: RunningScanner, seed: str) -> None:
    scanner.write_signatures(signatures(seed))
    scanner.publish(datetime.now(UTC), seed)
    scanner.wait_until(lambda status: status["ok"] and status["signature_version"] == seed)


def test_a_reload_needs_no_second_engine() -> None:
    with running_scanner() as scanner:
        small = peak(scanner)
        load(scanner, "one")
        one = peak(scanner)
        engine = one - small
        assert engine > 20 * 2**20
        for seed in ("two", "three"):
            load(scanner, seed)
        assert peak(scanner) < one + engine // 2

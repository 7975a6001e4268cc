"""The program of a probe pod, without a network."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Callable, Sequence

from kozutumi_operator.probe import __main__ as program

Attempts = Callable[[Sequence[tuple[str, int]]], list[str]]


def attempts(outcomes: dict[str, list[str]], seen: list[str]) -> Attempts:
    """Each host gives its outcomes in turn, the last for ever."""

    def tried(targets: Sequence[tuple[str, int]]) -> list[str]:
        seen.extend(host for host, _ in targets)
        return [outcomes[host].pop(0) if len(outcomes[host]) > 1 else outcomes[host][0] for host, _ in targets]

    return tried


def judged(
    outcomes: dict[str, list[str]], expected: str, *, patience: float = 60, seen: list[str] | None = None
) -> str:
    targets = [(host, 1, expected) for host in outcomes]
    tried = attempts(outcomes, [] if seen is None else seen)
    return "".join(program.judge(targets, patience, tried=tried, pause=lambda _: None))


def test_open_cells_are_settled_before_closed_ones_are_tried() -> None:
    rounds: list[list[str]] = []

    def judge(targets: Sequence[tuple[str, int, str]], _: float) -> list[str]:
        rounds.append([host for host, _, _ in targets])
        return ["c" if expected == "open" else "d" for _, _, expected in targets]

    targets = [["closed", 1, "closed"], ["late", 1, "open"], ["any", 1, "any"]]
    assert program.walk({"settle": 0, "patience": 60, "targets": targets}, judge) == "dcd"
    assert rounds == [["late"], ["closed", "any"]]


def test_what_is_not_yet_as_expected_is_tried_again_and_nothing_else() -> None:
    seen: list[str] = []
    assert judged({"late": ["d", "d", "c"], "at once": ["c"]}, "open", seen=seen) == "cc"
    assert seen == ["late", "at once", "late", "late"]


def test_a_door_that_closes_late_counts_as_closed() -> None:
    assert judged({"slow": ["c", "c", "d"]}, "closed") == "d"


def test_an_open_door_is_told_once_patience_is_over() -> None:
    assert judged({"leak": ["c"]}, "closed", patience=-1) == "c"


def test_a_control_is_tried_once() -> None:
    seen: list[str] = []
    assert judged({"there": ["d"]}, "any", seen=seen) == "d"
    assert seen == ["there"]


def test_it_says_what_is_missing() -> None:
    assert program.main([], None) == 2


def test_it_needs_little_of_the_standard_library_and_nothing_else() -> None:
    code = (
        "import sys, kozutumi_operator.probe.__main__; "
        "print([n for n in sys.modules if n.split('.')[0] in {'aiohttp', 'asyncio', 'kopf', 'boto3', 'structlog'}])"
    )
    command = [sys.executable, "-c", code]
    found = subprocess.run(command, capture_output=True, text=True, check=True)  # noqa: S603 - the line above
    assert found.stdout.strip() == "[]"

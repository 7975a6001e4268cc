"""The walk AwaitingFiles → AwaitingApproval → Held → Delivered, as one table, and what each act may begin from."""

from __future__ import annotations

import itertools
from collections.abc import Sequence
from datetime import UTC, datetime, timedelta

import pytest

from kozutumi_app.domain.transfers import (
    BEFORE_DELIVERY,
    Standing,
    TransferState,
    is_blocked,
    may_cancel,
    may_recall,
    may_send,
    next_state,
)

NOW = datetime(2026, 1, 5, 3, 0, tzinfo=UTC)
EARLIER, LATER = NOW - timedelta(seconds=1), NOW + timedelta(seconds=1)


def standing(
    state: str, *, asks: str = "", held_until: datetime | None = None, file_states: Sequence[str] = ("Clean",)
) -> Standing:
    """`asks` names what the policy asks for and what is there: "approval", "approved", "hold"."""
    words = asks.split()
    return Standing(state, file_states, "approval" in words, "approved" in words, "hold" in words, held_until)


WALK = [
    # state, what is asked and given, the next state
    ("AwaitingFiles", "", None, "Delivered"),
    ("AwaitingFiles", "hold", None, "Held"),
    ("AwaitingFiles", "approval", None, "AwaitingApproval"),
    ("AwaitingFiles", "approval hold", None, "AwaitingApproval"),
    ("AwaitingFiles", "approval approved", None, "Delivered"),
    ("AwaitingFiles", "approval approved hold", None, "Held"),
    ("AwaitingApproval", "approval", None, None),
    ("AwaitingApproval", "approval hold", LATER, None),
    ("AwaitingApproval", "", None, None),  # the policy was relaxed meanwhile: who was asked still decides
    ("AwaitingApproval", "approval approved", None, "Delivered"),
    ("AwaitingApproval", "approval approved hold", None, "Held"),
    ("Held", "hold", LATER, None),
    ("Held", "hold", NOW, "Delivered"),
    ("Held", "hold", EARLIER, "Delivered"),
    ("Held", "", LATER, None),  # the policy was relaxed meanwhile: the time that was said is kept
    ("Held", "hold", None, None),
    ("Draft", "approval approved", EARLIER, None),
    ("Delivered", "approval approved", EARLIER, None),
    ("Expired", "", EARLIER, None),
    ("Recalled", "", EARLIER, None),
    ("Deleted", "", EARLIER, None),
    ("unheard of", "", EARLIER, None),
]


@pytest.mark.parametrize(("state", "asks", "held_until", "expected"), WALK)
def test_the_walk(state: str, asks: str, held_until: datetime | None, expected: str | None) -> None:
    assert next_state(standing(state, asks=asks, held_until=held_until), NOW) == expected


@pytest.mark.parametrize(
    "file_states",
    [[], ["Clean", "Scanning"], ["Uploading"], ["Clean", "Infected"], ["Unscannable"], ["Refused"], ["unheard of"]],
)
def test_without_a_positive_verdict_on_every_file_there_is_no_step(file_states: list[str]) -> None:
    for state, asks, held_until, _ in WALK:
        assert next_state(standing(state, asks=asks, held_until=held_until, file_states=file_states), NOW) is None


def test_every_way_ends_and_passes_each_gate_that_is_asked_for() -> None:
    """From any state, with everything given, the walk reaches Delivered without a state twice."""
    for state, asks in itertools.product(BEFORE_DELIVERY - {"Draft"}, ["", "hold", "approval approved hold"]):
        passed = [str(state)]
        while (step := next_state(standing(passed[-1], asks=asks, held_until=NOW), NOW)) is not None:
            passed.append(step)
        assert len(set(passed)) == len(passed)
        assert passed[-1] == (
            "AwaitingApproval" if state == "AwaitingApproval" and not asks.count("app") else "Delivered"
        )
        if state == "AwaitingFiles":
            assert ("Held" in passed) is ("hold" in asks)


def test_each_act_has_its_states() -> None:
    assert [state.value for state in TransferState if may_recall(state)] == ["Delivered"]
    assert [state.value for state in TransferState if may_send(state, ["Scanning"], releases=False)] == ["Draft"]
    assert [state.value for state in TransferState if may_cancel(state)] == [
        "Draft",
        "AwaitingFiles",
        "AwaitingApproval",
        "Held",
    ]


def test_a_refused_file_blocks_all() -> None:
    assert is_blocked(["Clean", "Infected"])
    assert is_blocked(["Unscannable"])
    assert is_blocked(["Clean", "Refused"])
    assert not is_blocked(["Clean", "Scanning"])


@pytest.mark.parametrize(
    ("file_states", "sent_where"),
    [
        (["Clean", "Scanning"], {"Reject", "AdministratorRelease"}),
        (["Clean", "Released"], {"Reject", "AdministratorRelease"}),
        (["Clean", "Unscannable"], {"AdministratorRelease"}),
        (["Unscannable", "Infected"], set()),
        (["Clean", "Refused"], set()),
        ([], set()),
    ],
)
def test_a_draft_is_sent_unless_nobody_could_ever_let_it_go(file_states: list[str], sent_where: set[str]) -> None:
    policies = {"Reject": False, "AdministratorRelease": True}
    sent = {
        name for name, releases in policies.items() if may_send(TransferState.DRAFT, file_states, releases=releases)
    }
    assert sent == sent_where

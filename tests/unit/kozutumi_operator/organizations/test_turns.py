from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from kozutumi_operator.organizations.turns import SHARE, Turns

NAMES = [f"o{number}" for number in range(12)]


def test_one_goes_first_and_a_quarter_after_it() -> None:
    turns = Turns()
    assert [name for name in NAMES if turns.may_follow(name, "p/2", 12)] == ["o0"]
    assert turns.looked("o0", healthy=False) == set()
    assert not turns.may_follow("o1", "p/2", 12)
    assert turns.looked("o0", healthy=True) == set(NAMES[1:])
    assert [name for name in NAMES if turns.may_follow(name, "p/2", 12)] == ["o0", "o1", "o2", "o3"]


def test_a_broken_plan_stops_at_one_and_its_correction_starts_anew() -> None:
    turns = Turns()
    turns.may_follow("o0", "p/2", 12)
    turns.looked("o0", healthy=False)
    assert not any(turns.may_follow(name, "p/2", 12) for name in NAMES[1:])
    assert turns.may_follow("o0", "p/3", 12), "the broken one is let go"
    assert turns.may_follow("o1", "p/3", 12), "and does not count: it was broken before"
    assert not turns.may_follow("o2", "p/3", 12)


def test_another_plan_does_not_wait() -> None:
    turns = Turns()
    assert turns.may_follow("o0", "p/2", 2)
    assert turns.may_follow("o1", "q/1", 2)


def test_one_that_is_gone_holds_nobody_up() -> None:
    turns = Turns()
    turns.may_follow("o0", "p/2", 12)
    assert not turns.may_follow("o1", "p/2", 12)
    assert turns.forget("o0") == {"o1"}
    assert turns.may_follow("o1", "p/2", 12)


EVENTS = st.lists(st.tuples(st.sampled_from(NAMES), st.sampled_from(["ask", "well", "ill"])), max_size=60)


@given(events=EVENTS)
def test_never_are_more_at_risk_than_a_quarter(events: list[tuple[str, str]]) -> None:
    turns = Turns()
    for name, what in events:
        if what == "ask":
            turns.may_follow(name, "p/2", len(NAMES))
        else:
            turns.looked(name, healthy=what == "well")
        assert len(turns.on_their_way) <= len(NAMES) // SHARE


@given(order=st.permutations(NAMES))
def test_all_follow_in_the_end_whatever_the_order(order: list[str]) -> None:
    turns = Turns()
    queue = list(order)
    for _ in range(200):
        if not queue:
            break
        name = queue.pop(0)
        if turns.may_follow(name, "p/2", len(NAMES)):
            queue += sorted(turns.looked(name, healthy=True) - set(queue))
    assert set(turns.followed) == set(NAMES)

"""Who may decide on a transfer, whose voice it is, and what the votes come to."""

from __future__ import annotations

import itertools

import pytest
from hypothesis import given
from hypothesis import strategies as st

from kozutumi_app.domain.approvals import RequestState, Vote, is_reachable, judge, voice_of, voices, waits_for

ALL = frozenset("abcdes")
PEOPLE = st.sampled_from(sorted(ALL))


def able(approvers: str, *, working: str = "abcdes", substitutes: dict[str, str] | None = None) -> dict[str, str]:
    """Voices as "approver: voters", with `s` as the sender."""
    found = voices(set(approvers), "s", set(working), {key: set(value) for key, value in (substitutes or {}).items()})
    return {approver: "".join(sorted(voters)) for approver, voters in found.items()}


@pytest.mark.parametrize(
    ("approvers", "working", "substitutes", "expected"),
    [
        ("", "abs", {}, {}),
        ("a", "abs", {}, {"a": "a"}),
        ("a", "bs", {}, {}),  # disabled
        ("as", "as", {}, {"a": "a"}),  # never the sender
        ("s", "abs", {"s": "b"}, {}),  # nor anybody in the sender's place
        ("a", "abs", {"a": "s"}, {"a": "a"}),  # nor the sender in anybody's place
        ("a", "abs", {"a": "b"}, {"a": "ab"}),
        ("a", "bs", {"a": "b"}, {"a": "b"}),  # who is disabled may have named somebody
        ("a", "as", {"a": "b"}, {"a": "a"}),  # a disabled substitute is none
        ("ab", "abc", {"a": "c", "b": "c"}, {"a": "ac", "b": "bc"}),
        ("a", "abs", {"b": "a"}, {"a": "a"}),
    ],
)
def test_voices(approvers: str, working: str, substitutes: dict[str, str], expected: dict[str, str]) -> None:
    assert able(approvers, working=working, substitutes=substitutes) == expected


AB = {"a": frozenset("ac"), "b": frozenset("bc")}


@pytest.mark.parametrize(
    ("voter", "votes", "expected"),
    [
        ("a", [], "a"),
        ("c", [], "a"),
        ("c", [Vote("a", "a", agrees=True)], "b"),
        ("c", [Vote("a", "c", agrees=True)], None),  # nobody gives two voices
        ("a", [Vote("a", "c", agrees=True)], None),  # it was given
        ("b", [Vote("a", "c", agrees=True)], "b"),
        ("d", [], None),
        ("s", [], None),
    ],
)
def test_whose_voice_a_person_would_give(voter: str, votes: list[Vote], expected: str | None) -> None:
    assert voice_of(voter, AB, votes) == expected


def test_one_s_own_voice_comes_before_another_s() -> None:
    assert voice_of("b", {"a": frozenset("ab"), "b": frozenset("b")}, []) == "b"


@pytest.mark.parametrize(
    ("votes", "needed", "expected"),
    [
        ("", 1, "Waiting"),
        ("+", 1, "Agreed"),
        ("+", 2, "Waiting"),
        ("++", 2, "Agreed"),
        ("-", 1, "Refused"),
        ("+-", 3, "Refused"),
        ("++-", 2, "Refused"),
    ],
)
def test_what_votes_come_to(votes: str, needed: int, expected: str) -> None:
    given_votes = [Vote(str(number), str(number), agrees=sign == "+") for number, sign in enumerate(votes)]
    assert judge(given_votes, needed) == RequestState(expected)


@given(
    st.dictionaries(PEOPLE, st.frozensets(PEOPLE, min_size=1), max_size=4),
    st.lists(st.tuples(PEOPLE, PEOPLE), max_size=3, unique_by=(lambda pair: pair[0], lambda pair: pair[1])),
    st.integers(1, 4),
)
def test_whether_enough_can_still_agree_is_what_trying_every_way_finds(
    found: dict[str, frozenset[str]], cast: list[tuple[str, str]], needed: int
) -> None:
    votes = [Vote(approver, voter, agrees=True) for approver, voter in cast]
    free = sorted(set(found) - {vote.approver_id for vote in votes})
    voters = sorted(ALL - {vote.voter_id for vote in votes})
    most = max(
        sum(voter in found[approver] for approver, voter in zip(free, order, strict=False))
        for order in itertools.permutations([*voters, *"xyzw"], len(free))
    )
    assert is_reachable(found, votes, needed) is (len(votes) + most >= needed)


@given(st.dictionaries(PEOPLE, st.frozensets(PEOPLE, min_size=1), max_size=4))
def test_those_who_are_waited_for_are_those_who_have_a_voice_to_give(found: dict[str, frozenset[str]]) -> None:
    votes: list[Vote] = []
    while waiting := waits_for(found, votes):
        voter = min(waiting)
        approver = voice_of(voter, found, votes)
        assert approver is not None
        assert voter in found[approver]
        votes.append(Vote(approver, voter, agrees=True))
    assert len({vote.voter_id for vote in votes}) == len({vote.approver_id for vote in votes}) == len(votes)

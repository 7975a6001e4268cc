"""Who must agree before a transfer leaves, and what their votes come to. Pure.

Each approver has one voice in a request; a substitute may give it in their place, and nobody gives two. The sender has no
voice, nor has anybody in the sender's name. One refusal refuses; otherwise as many must agree as the policy needs.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from collections.abc import Set as AbstractSet
from dataclasses import dataclass
from enum import StrEnum
from typing import Final

COMMENT_LENGTH: Final = 2_000


class RequestState(StrEnum):
    WAITING = "Waiting"
    AGREED = "Agreed"
    REFUSED = "Refused"
    LAPSED = "Lapsed"  # nobody decided in time
    WITHDRAWN = "Withdrawn"  # cancelled, or the transfer was changed and asks anew


@dataclass(frozen=True, slots=True)
class Vote:
    """`approver_id`: whose voice it is; `voter_id`: who gave it."""

    approver_id: str
    voter_id: str
    agrees: bool


Voices = Mapping[str, frozenset[str]]  # by approver, those who may give that voice


def voices(
    approvers: Collection[str], sender_id: str, working: AbstractSet[str], substitutes: Mapping[str, AbstractSet[str]]
) -> Voices:
    """Voices that somebody can give now. `working`: accounts that are neither disabled nor still invited."""
    able = {
        approver: frozenset(({approver} | substitutes.get(approver, set())) & working - {sender_id})
        for approver in approvers
        if approver != sender_id
    }
    return {approver: voters for approver, voters in able.items() if voters}


def voice_of(voter_id: str, able: Voices, votes: Sequence[Vote]) -> str | None:
    """Return the approver whose voice this person would give: their own before another's; None when it is not their turn."""
    if any(vote.voter_id == voter_id for vote in votes):
        return None
    given = {vote.approver_id for vote in votes}
    free = sorted(approver for approver, voters in able.items() if voter_id in voters and approver not in given)
    return voter_id if voter_id in free else next(iter(free), None)


def waits_for(able: Voices, votes: Sequence[Vote]) -> set[str]:
    """Everyone who could decide now."""
    everyone = {voter for voters in able.values() for voter in voters}
    return {voter for voter in everyone if voice_of(voter, able, votes) is not None}


def judge(votes: Sequence[Vote], needed: int) -> RequestState:
    if any(not vote.agrees for vote in votes):
        return RequestState.REFUSED
    return RequestState.AGREED if len(votes) >= needed else RequestState.WAITING


def is_reachable(able: Voices, votes: Sequence[Vote], needed: int) -> bool:
    """Whether enough people are there who could still agree: distinct persons for distinct voices."""
    given, voted = {vote.approver_id for vote in votes}, {vote.voter_id for vote in votes}
    left = {approver: voters - voted for approver, voters in able.items() if approver not in given}
    return len(votes) + _most_pairs(left) >= needed


def _most_pairs(able: Voices) -> int:
    """Size of a maximum matching of voices and voters, by augmenting paths."""
    taken: dict[str, str] = {}

    def place(approver: str, seen: set[str]) -> bool:
        for voter in sorted(able[approver] - seen):
            seen.add(voter)
            if voter not in taken or place(taken[voter], seen):
                taken[voter] = approver
                return True
        return False

    return sum(place(approver, set()) for approver in sorted(able))

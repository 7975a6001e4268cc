"""States of a transfer and which step may follow which (architecture.md §6). Pure."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from typing import Final


class TransferState(StrEnum):
    DRAFT = "Draft"
    AWAITING_FILES = "AwaitingFiles"
    AWAITING_APPROVAL = "AwaitingApproval"
    HELD = "Held"
    DELIVERED = "Delivered"
    EXPIRED = "Expired"
    RECALLED = "Recalled"
    DELETED = "Deleted"


OPEN_FOR_FILES: Final = frozenset({TransferState.DRAFT})
BEFORE_DELIVERY: Final = frozenset(
    {TransferState.DRAFT, TransferState.AWAITING_FILES, TransferState.AWAITING_APPROVAL, TransferState.HELD},
)
SENT: Final = frozenset(
    {
        TransferState.AWAITING_FILES,
        TransferState.AWAITING_APPROVAL,
        TransferState.HELD,
        TransferState.DELIVERED,
    },
)
OVER: Final = frozenset({TransferState.EXPIRED, TransferState.RECALLED, TransferState.DELETED})

_PASSED: Final = frozenset({"Clean", "Released"})
_REFUSED: Final = frozenset({"Infected", "Unscannable", "Refused"})


@dataclass(frozen=True, slots=True)
class Standing:
    """What is stored now of one transfer, and what its sender's policy asks for.

    `approved`: the people it needs have agreed to exactly what it now holds. `holds`: the policy delays delivery.
    """

    state: str
    file_states: Sequence[str]
    needs_approval: bool
    approved: bool
    holds: bool
    held_until: datetime | None


def next_state(standing: Standing, now: datetime) -> TransferState | None:
    """The one step that a transfer takes by itself, or None while it waits.

    Asked again after each step. Every step asks for a positive verdict on every file (§6 rule 1): a file that newer
    signatures found while the transfer waited for an approver or was held is not delivered either.
    """
    if not _all_passed(standing.file_states):
        return None
    if standing.state == TransferState.AWAITING_FILES and standing.needs_approval and not standing.approved:
        return TransferState.AWAITING_APPROVAL
    if standing.state == TransferState.AWAITING_FILES or (
        standing.state == TransferState.AWAITING_APPROVAL and standing.approved
    ):
        return TransferState.HELD if standing.holds else TransferState.DELIVERED
    due = standing.held_until is not None and standing.held_until <= now
    return TransferState.DELIVERED if standing.state == TransferState.HELD and due else None


def _all_passed(file_states: Sequence[str]) -> bool:
    return bool(file_states) and all(state in _PASSED for state in file_states)


def is_blocked(file_states: Sequence[str]) -> bool:
    """A refused file keeps the whole transfer from delivery: a part would not be what the sender sent."""
    return any(state in _REFUSED for state in file_states)


def may_send(state: str, file_states: Sequence[str], *, releases: bool) -> bool:
    """`releases`: an administrator may let Unscannable files out, so it waits for that, however quick the scanner was."""
    hopeless = _REFUSED - {"Unscannable"} if releases else _REFUSED
    return state == TransferState.DRAFT and bool(file_states) and hopeless.isdisjoint(file_states)


def may_cancel(state: str) -> bool:
    return state in BEFORE_DELIVERY


def may_recall(state: str) -> bool:
    return state == TransferState.DELIVERED

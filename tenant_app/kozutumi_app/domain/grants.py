"""Whether someone may read a file: the one place that decides it. Pure.

Asked at each request and at each segment of a running download. How often a file may be downloaded is
decided where a download is opened, not here: a download that was opened may end.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from typing import Final

from kozutumi_app.domain.transfers import TransferState


class Capacity(StrEnum):
    """As what someone reads."""

    RECIPIENT = "recipient"
    MEMBER = "member"  # who asked for the files by a receive request
    APPROVER = "approver"  # who is asked to approve the transfer, and looks into it before


@dataclass(frozen=True, slots=True)
class Reader:
    """`id` is of a recipient, or of a user in the two other capacities."""

    capacity: Capacity
    id: str


@dataclass(frozen=True, slots=True)
class Facts:
    """What is stored now about one reader and one file.

    `entitled`: a recipient of this transfer, its asker, or one of its approvers, with an account that works.
    `readable`: by its verdict or its release (use_cases.readability).
    """

    transfer_state: str
    transfer_expires_at: datetime
    entitled: bool
    revoked: bool
    file_deleted_at: datetime | None
    readable: bool


@dataclass(frozen=True, slots=True)
class Allowed:
    pass


@dataclass(frozen=True, slots=True)
class Denied:
    """`over`: it was once there for the reader, who may be told so; otherwise it does not exist for them."""

    reason: str
    over: bool


_ENDED: Final = frozenset({TransferState.EXPIRED, TransferState.RECALLED})
_OPEN: Final = {
    Capacity.RECIPIENT: TransferState.DELIVERED,
    Capacity.MEMBER: TransferState.DELIVERED,
    Capacity.APPROVER: TransferState.AWAITING_APPROVAL,
}


def may_read(capacity: Capacity, facts: Facts | None, now: datetime) -> Allowed | Denied:
    """`facts` is None when there is no such file."""
    if facts is None or not facts.entitled:
        return Denied("not_granted", over=False)
    if facts.transfer_state in _ENDED or facts.revoked:
        return Denied("recalled_or_expired", over=True)
    if facts.transfer_state != _OPEN[capacity]:
        return Denied("not_open", over=False)
    if now >= facts.transfer_expires_at or facts.file_deleted_at is not None:
        return Denied("recalled_or_expired", over=True)
    return Allowed() if facts.readable else Denied("not_readable", over=False)

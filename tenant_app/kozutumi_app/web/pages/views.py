"""From what is stored to what a template shows. Pure."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Final

from kozutumi_app.domain import transfers as rules
from kozutumi_app.domain.files import FileState
from kozutumi_app.domain.transfers import TransferState
from kozutumi_app.use_cases.readability import RELEASED
from kozutumi_app.use_cases.receipts import Receipt
from kozutumi_app.use_cases.transfer_views import FileView, TransferView

_POLL_WHILE_CHECKED: Final = 2  # seconds
_POLL_WHILE_DELIVERED: Final = 10


@dataclass(frozen=True, slots=True)
class ShownFile:
    """`path`: the name with its folders inside the transfer."""

    id: str
    name: str
    path: str
    size: int
    offset: int
    state: str
    sha256: str | None
    signature: str | None
    reason: str = ""
    unscanned: bool = False


@dataclass(frozen=True, slots=True)
class ShownTransfer:
    """`polling` is how often (seconds) the page asks again; None once nothing changes by itself."""

    id: str
    state: str
    blocked: bool
    subject: str
    message: str
    created_at: datetime
    delivered_at: datetime | None
    recalled_at: datetime | None
    expires_at: datetime
    expires_in: int
    max_downloads: int
    authentication: str
    has_password: bool
    hold_for: int
    held_until: datetime | None
    files: Sequence[ShownFile]
    recipients: Sequence[Receipt]
    polling: int | None

    @property
    def size(self) -> int:
        return sum(file.size for file in self.files)


def transfer(view: TransferView) -> ShownTransfer:
    """Files taken out of a draft are left out; those of a transfer that is over stay as a record."""
    over = view.state in rules.OVER
    listed = [file for file in view.files if over or file.deleted_at is None]
    return ShownTransfer(
        id=view.id,
        state=view.state,
        blocked=view.state in rules.BEFORE_DELIVERY and rules.is_blocked([_state(file) for file in listed]),
        subject=view.subject,
        message=view.message,
        created_at=view.created_at,
        delivered_at=view.delivered_at,
        recalled_at=view.recalled_at,
        expires_at=view.expires_at,
        expires_in=view.expires_in,
        max_downloads=view.max_downloads,
        authentication=view.authentication,
        has_password=view.has_password,
        hold_for=view.hold_for,
        held_until=view.held_until,
        files=[shown_file(file) for file in listed],
        recipients=view.recipients,
        polling=_polling(view.state),
    )


def shown_file(file: FileView) -> ShownFile:
    return ShownFile(
        file.id,
        file.name,
        file.path,
        file.size,
        file.offset,
        _state(file),
        file.sha256,
        _signature(file),
        reason=_reason(file),
        unscanned=file.unscanned,
    )


def _state(file: FileView) -> str:
    return RELEASED if file.unscanned else file.state


def _reason(file: FileView) -> str:
    """Why no scanner has looked inside."""
    if file.state != FileState.UNSCANNABLE or file.verdict is None:
        return ""
    return str(json.loads(file.verdict).get("reason") or "")


def _signature(file: FileView) -> str | None:
    if file.state != FileState.INFECTED or file.verdict is None:
        return None
    return json.loads(file.verdict).get("signature") or None


def _polling(state: str) -> int | None:
    if state == TransferState.DELIVERED:
        return _POLL_WHILE_DELIVERED
    return None if state in rules.OVER or state == TransferState.DRAFT else _POLL_WHILE_CHECKED

"""Answers that several routes give."""

from __future__ import annotations

from collections.abc import Sequence

from pydantic import Field

from kozutumi_app.use_cases import audit
from kozutumi_app.use_cases.audit import OpenedEvent
from kozutumi_app.web.api.documented import Shown


class Id(Shown):
    id: str


class InState(Shown):
    id: str
    state: str


class Event(Shown):
    """An event of the audit log; `details` is null where the audit key can no longer open it. Hexadecimal: the last three."""

    sequence: int
    time: str
    type: str
    actor_id: str
    object_id: str
    outcome: str
    details: dict[str, str] | None
    sealed: str = Field(pattern="^([0-9a-f]{2})*$")
    previous_hash: str = Field(pattern="^[0-9a-f]{64}$")
    hash: str = Field(pattern="^[0-9a-f]{64}$")


class Events(Shown):
    """Newest first; `next` is the `before` of the following page."""

    events: list[Event]
    next: int | None


def events_shown(opened: Sequence[OpenedEvent], limit: int) -> Events:
    following = opened[-1].event.sequence if len(opened) == limit else None
    return Events(events=[Event.model_validate(audit.as_json(event)) for event in opened], next=following)

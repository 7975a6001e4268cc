"""From a grant, the clock and what there is to the next step. Each step is idempotent and resumable."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum
from typing import Final

from kozutumi_operator.grants.grant import AccessGrant

# Who approves should know why; a request that nobody has looked at for a day is asked anew.
APPROVE_WITHIN: Final = timedelta(hours=24)


class Step(StrEnum):
    AWAIT_APPROVAL = "AwaitApproval"
    GIVE_UP = "GiveUp"  # nobody approved it in time
    NOTE_APPROVAL = "NoteApproval"  # from here on the duration counts
    ADD_FINALIZER = "AddFinalizer"  # before anything is given
    AWAIT_ORGANIZATION = "AwaitOrganization"
    AUDIT_OPENING = "AuditOpening"  # in the organization's own log, before there is a binding
    BIND = "Bind"
    TELL_ACTIVE = "TellActive"
    KEEP = "Keep"  # until it expires
    UNBIND = "Unbind"
    AUDIT_CLOSING = "AuditClosing"  # then told like TELL_ENDED
    TELL_ENDED = "TellEnded"
    REMOVE_FINALIZER = "RemoveFinalizer"
    REST = "Rest"  # nothing is left to do


@dataclass(frozen=True, slots=True, kw_only=True)
class Found:
    """`organization`: it exists, is not being deleted and has its namespace. `bound`: there is a binding of the grant's.

    `right`: that binding gives exactly what the grant says.
    """

    organization: bool
    bound: bool
    right: bool


def next_step(grant: AccessGrant, found: Found, now: datetime) -> Step:
    progress = grant.progress
    if grant.deleting or progress.phase in {"Expired", "Revoked"} or _is_over(grant, now):
        return _ending(grant, found)
    if grant.approved_by is None:
        return Step.GIVE_UP if now >= grant.created + APPROVE_WITHIN else Step.AWAIT_APPROVAL
    if progress.expires_at is None:
        return Step.GIVE_UP if now >= grant.created + APPROVE_WITHIN else Step.NOTE_APPROVAL
    return _giving(grant, found)


def due(grant: AccessGrant) -> datetime:
    """When the next thing happens by itself: its end, or the end of the time to approve it."""
    return grant.progress.expires_at or grant.created + APPROVE_WITHIN


def _is_over(grant: AccessGrant, now: datetime) -> bool:
    return grant.progress.expires_at is not None and now >= grant.progress.expires_at


def _giving(grant: AccessGrant, found: Found) -> Step:
    if not grant.has_finalizer:
        return Step.ADD_FINALIZER
    if not found.organization:
        return Step.AWAIT_ORGANIZATION
    if grant.progress.audited_at is None:
        return Step.AUDIT_OPENING
    if not found.right:
        return Step.BIND
    return Step.KEEP if grant.progress.phase == "Active" else Step.TELL_ACTIVE


def _ending(grant: AccessGrant, found: Found) -> Step:
    """The binding first: that the audit log cannot be told of the end must not make the access last longer."""
    progress = grant.progress
    if found.bound:
        return Step.UNBIND
    if progress.ended_at is None:
        told = progress.audited_at is not None and found.organization
        return Step.AUDIT_CLOSING if told else Step.TELL_ENDED
    return Step.REMOVE_FINALIZER if grant.has_finalizer else Step.REST

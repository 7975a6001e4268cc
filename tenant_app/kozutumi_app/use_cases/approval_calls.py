"""A transfer's request for approval: what it is bound to, who may decide, and where it stands. Decides nothing itself."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any, Final

import sqlalchemy as sa
from sqlalchemy import Connection

from kozutumi_app.adapters.database.schema import (
    approval_requests,
    approval_votes,
    files,
    group_members,
    recipients,
    substitutes,
    users,
)
from kozutumi_app.domain import approvals
from kozutumi_app.domain.accounts import Role
from kozutumi_app.domain.approvals import RequestState, Voices, Vote
from kozutumi_app.domain.identifiers import new_id
from kozutumi_app.domain.transfers import TransferState
from kozutumi_app.errors import ApprovalNeeded
from kozutumi_app.services import Services
from kozutumi_app.use_cases import approval_jobs, audit, jobs, policies, sending_rules

GRACE: Final = timedelta(days=1)  # between a request's end and the transfer's, so that the request ends first


@dataclass(frozen=True, slots=True)
class Deciding:
    """Who may decide on one request, and what was decided."""

    voices: Voices
    votes: Sequence[Vote]

    def waits_for(self) -> set[str]:
        return approvals.waits_for(self.voices, self.votes)


def is_needed(tx: Connection, services: Services, transfer: Any) -> bool:
    policy = policies.effective(tx, services, transfer.sender_id)
    return sending_rules.needs_approval(tx, services, policy, sending_rules.addresses_of(tx, services, transfer.id))


def is_given(tx: Connection, services: Services, transfer: Any) -> bool:
    """Whether the last request was agreed to, and the transfer is still what was agreed to."""
    request = last(tx, transfer.id)
    return (
        request is not None
        and request.state == RequestState.AGREED
        and request.content == content(tx, services, transfer)
    )


def require_free(tx: Connection, services: Services, transfer: Any, addresses: Sequence[str]) -> None:
    """ApprovalNeeded when a transfer that passed its approvers would now go to, or longer to, people they must agree to."""
    if transfer.state not in {TransferState.HELD, TransferState.DELIVERED}:
        return
    policy = policies.effective(tx, services, transfer.sender_id)
    if sending_rules.needs_approval(tx, services, policy, addresses):
        raise ApprovalNeeded


def ask(tx: Connection, services: Services, transfer: Any, now: datetime) -> datetime:
    """Open a request for what the transfer holds now; returns when it lapses."""
    close(tx, transfer.id, RequestState.WITHDRAWN, now)
    policy = policies.effective(tx, services, transfer.sender_id)
    request = {
        "id": new_id(services.random),
        "transfer_id": transfer.id,
        "state": RequestState.WAITING.value,
        "content": content(tx, services, transfer),
        "needed": policy.approvals_needed,
        "created_at": now,
        "expires_at": now + timedelta(seconds=policy.approval_expiry),
    }
    tx.execute(sa.insert(approval_requests).values(request))
    jobs.enqueue(tx, approval_jobs.KIND, transfer.id, now)
    details = {"request": str(request["id"]), "needed": str(policy.approvals_needed)}
    audit.append(
        tx, services, type="approval.requested", actor_id=transfer.sender_id, object_id=transfer.id, details=details
    )
    return now + timedelta(seconds=policy.approval_expiry)


def close(tx: Connection, transfer_id: str, state: RequestState, now: datetime) -> None:
    waits = sa.and_(
        approval_requests.c.transfer_id == transfer_id, approval_requests.c.state == RequestState.WAITING.value
    )
    tx.execute(sa.update(approval_requests).where(waits).values(state=state.value, decided_at=now))


def last(tx: Connection, transfer_id: str) -> Any:
    query = sa.select(approval_requests).where(approval_requests.c.transfer_id == transfer_id)
    newest = query.order_by(approval_requests.c.created_at.desc(), sa.literal_column("rowid").desc()).limit(1)
    return tx.execute(newest).one_or_none()


def deciding(tx: Connection, services: Services, request: Any, sender_id: str) -> Deciding:
    """By the policy that is in force now: an approver who was taken out or disabled meanwhile decides nothing."""
    policy = policies.effective(tx, services, sender_id)
    people = users.c.role.in_([Role.ADMINISTRATOR.value, Role.MEMBER.value])
    working = sa.select(users.c.id).where(users.c.disabled.is_(False), users.c.accepted_at.is_not(None), people)
    able = approvals.voices(
        _approvers(tx, policy.approvers),
        sender_id,
        set(tx.execute(working).scalars()),
        _substitutes(tx, services.clock.now()),
    )
    query = sa.select(approval_votes).where(approval_votes.c.request_id == request.id)
    votes = [Vote(row.approver_id, row.voter_id, row.agrees) for row in tx.execute(query)]
    return Deciding(able, votes)


def content(tx: Connection, services: Services, transfer: Any) -> bytes:
    """Digest of everything that the approvers are shown, so that they agree to this and nothing else."""
    live = sa.and_(files.c.transfer_id == transfer.id, files.c.deleted_at.is_(None), files.c.manifest_id.is_not(None))
    listed = [[row.id, row.manifest_id] for row in tx.execute(sa.select(files).where(live).order_by(files.c.id))]
    to = sa.and_(recipients.c.transfer_id == transfer.id, recipients.c.revoked_at.is_(None))
    addressed = sorted(index.hex() for index in tx.execute(sa.select(recipients.c.email_index).where(to)).scalars())
    opened = [
        services.columns.open("transfers", name, transfer.id, getattr(transfer, name))
        for name in ("subject_sealed", "message_sealed")
    ]
    shown = [listed, addressed, opened, transfer.lifetime, transfer.max_downloads]
    return hashlib.sha256(json.dumps(shown, ensure_ascii=True).encode()).digest()


def _approvers(tx: Connection, entries: frozenset[str]) -> set[str]:
    people = {entry.partition(":")[2] for entry in entries if entry.startswith("user:")}
    named = [entry.partition(":")[2] for entry in entries if entry.startswith("group:")]
    of_groups = sa.select(group_members.c.user_id).where(group_members.c.group_id.in_(named))
    return people | set(tx.execute(of_groups).scalars())


def _substitutes(tx: Connection, now: datetime) -> dict[str, set[str]]:
    found: dict[str, set[str]] = {}
    active = sa.and_(substitutes.c.begins_at <= now, substitutes.c.ends_at > now)
    for row in tx.execute(sa.select(substitutes).where(active)):
        found.setdefault(row.user_id, set()).add(row.substitute_id)
    return found

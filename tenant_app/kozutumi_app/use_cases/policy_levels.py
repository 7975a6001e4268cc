"""Reading what is stated about a member, level by level, and the policy that follows."""

from __future__ import annotations

import json
from typing import Any, Final

import sqlalchemy as sa
from sqlalchemy import Connection

from kozutumi_app.adapters.database.schema import group_members, policies
from kozutumi_app.domain import policies as rules
from kozutumi_app.domain import policy_documents
from kozutumi_app.domain.networks import admits
from kozutumi_app.domain.policies import Approval, Levels, Policy, Scope, Statement
from kozutumi_app.services import Services
from kozutumi_contract.settings import AppSettings

OF_ALL: Final = ""  # subject of the two levels that are nobody's in particular


def effective(tx: Connection, services: Services, user_id: str) -> Policy:
    """What is in force for this member now."""
    return rules.resolve(levels(tx, services, user_id))


def levels(tx: Connection, services: Services, user_id: str) -> Levels:
    of_user = sa.select(group_members.c.group_id).where(group_members.c.user_id == user_id)
    mine = sa.or_(
        policies.c.subject_id == OF_ALL,
        sa.and_(policies.c.scope == Scope.USER, policies.c.subject_id == user_id),
        sa.and_(policies.c.scope == Scope.GROUP, policies.c.subject_id.in_(of_user)),
    )
    stated: dict[Scope, list[Statement]] = {scope: [] for scope in Scope}
    for row in tx.execute(sa.select(policies).where(mine).order_by(policies.c.id)).all():
        scope = Scope(row.scope)
        stated[scope].append(policy_documents.parse(document_of(services, row), scope))
    return Levels(
        user=next(iter(stated[Scope.USER]), Statement()),
        groups=stated[Scope.GROUP],
        organization=next(iter(stated[Scope.ORGANIZATION]), Statement()),
        ceilings=[*stated[Scope.CEILING], provider_ceiling(services.settings)],
    )


def provider_ceiling(settings: AppSettings) -> Statement:
    """What the Organization's manifest allows at most."""
    return Statement(
        allowed_domains=policy_documents.lists([domain.lower() for domain in settings.allowed_domains]),
        blocked_domains=frozenset(domain.lower() for domain in settings.blocked_domains),
        max_file_size=settings.max_file_size,
        max_expiry=settings.max_expiry,
        max_downloads=settings.max_downloads,
        approval=Approval(settings.approval),
        hold_for=settings.hold_for,
    )


def admits_from(tx: Connection, services: Services, user_id: str, client: str) -> bool:
    """Whether this member may sign in from the address `client`."""
    return admits(effective(tx, services, user_id), client)


def document_of(services: Services, row: Any) -> dict[str, Any]:
    document: dict[str, Any] = json.loads(
        services.columns.open("policies", "document_sealed", row.id, row.document_sealed)
    )
    return document

"""What members may send, and who must agree before it leaves."""

from __future__ import annotations

from typing import Final

import sqlalchemy as sa

from kozutumi_app.adapters.database.schema.columns import (
    ID_LENGTH,
    count,
    id_column,
    instant,
    metadata,
    reference,
    sealed,
)

groups: Final = sa.Table(
    "groups",
    metadata,
    id_column(),
    sealed("name_sealed", nullable=False),
    sa.Column("name_index", sa.LargeBinary, nullable=False, unique=True),
    instant("created_at", nullable=False),
)

group_members: Final = sa.Table(
    "group_members",
    metadata,
    sa.Column("group_id", sa.String(ID_LENGTH), sa.ForeignKey("groups.id", ondelete="CASCADE"), primary_key=True),
    sa.Column("user_id", sa.String(ID_LENGTH), sa.ForeignKey("users.id", ondelete="CASCADE"), primary_key=True),
    sa.Index("ix_group_members_user_id", "user_id"),
)

policies: Final = sa.Table(
    "policies",
    metadata,
    id_column(),
    sa.Column("scope", sa.String(16), nullable=False),  # domain.policies.Scope
    sa.Column("subject_id", sa.String(ID_LENGTH), nullable=False),  # of the group or user; empty for the organization
    sealed("document_sealed", nullable=False),  # JSON of what this level states
    instant("updated_at", nullable=False),
    sa.UniqueConstraint("scope", "subject_id"),
)

substitutes: Final = sa.Table(
    "substitutes",
    metadata,
    id_column(),
    reference("user_id", "users"),
    reference("substitute_id", "users"),
    instant("begins_at", nullable=False),
    instant("ends_at", nullable=False),
    instant("created_at", nullable=False),
)

approval_requests: Final = sa.Table(
    "approval_requests",
    metadata,
    id_column(),
    reference("transfer_id", "transfers"),
    sa.Column("state", sa.String(16), nullable=False, index=True),  # domain.approvals.RequestState
    sa.Column("content", sa.LargeBinary, nullable=False),  # digest of what is to be agreed to
    count("needed"),  # how many must agree
    instant("created_at", nullable=False),
    instant("expires_at", nullable=False),
    instant("decided_at"),
    instant("shortage_at"),  # since when fewer people could decide than must agree
)

approval_votes: Final = sa.Table(
    "approval_votes",
    metadata,
    id_column(),
    reference("request_id", "approval_requests"),
    sa.Column("approver_id", sa.String(ID_LENGTH), nullable=False),  # whose voice it is
    sa.Column("voter_id", sa.String(ID_LENGTH), nullable=False),  # who gave it: the approver or a substitute
    sa.Column("agrees", sa.Boolean, nullable=False),
    sealed("comment_sealed", nullable=False),
    instant("created_at", nullable=False),
    sa.UniqueConstraint("request_id", "approver_id"),
    sa.UniqueConstraint("request_id", "voter_id"),
)

approval_notices: Final = sa.Table(
    "approval_notices",
    metadata,
    id_column(),
    reference("request_id", "approval_requests"),
    sa.Column("user_id", sa.String(ID_LENGTH), nullable=False),
    sa.Column("kind", sa.String(16), nullable=False),  # request | shortage
    instant("created_at", nullable=False),
    sa.UniqueConstraint("request_id", "user_id", "kind"),
)

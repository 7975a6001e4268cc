"""What the policy in force says of one transfer or file. Each raises the refusal that tells what to change."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

import sqlalchemy as sa
from sqlalchemy import Connection

from kozutumi_app.adapters.database.schema import recipients, users
from kozutumi_app.domain import media_types
from kozutumi_app.domain.accounts import domain_of, is_at
from kozutumi_app.domain.policies import Approval, Policy
from kozutumi_app.errors import InvalidInput, RecipientRefused, TypeRefused, UploadTooLarge
from kozutumi_app.services import Services
from kozutumi_app.use_cases.sessions import email_index


def require_recipients(tx: Connection, services: Services, policy: Policy, addresses: Iterable[str]) -> None:
    """RecipientRefused for a domain that is not allowed or blocked, and for an outsider where sending outside is not allowed."""
    listed = list(addresses)
    for address in listed:
        domain = domain_of(address)
        if not all(is_at(domain, rule) for rule in policy.allowed_domains) or is_at(domain, policy.blocked_domains):
            raise RecipientRefused(f"Addresses at {domain} are not allowed.")
    if not policy.may_send_outside and outside(tx, services, policy, listed):
        raise RecipientRefused("You may send only to people of your organization.")


def require_terms(policy: Policy, *, lifetime: int, downloads: int) -> None:
    if not 0 < lifetime <= policy.max_expiry or not 0 < downloads <= policy.max_downloads:
        raise InvalidInput(f"At most {policy.max_expiry} seconds until expiry and {policy.max_downloads} downloads.")


def require_file(policy: Policy, name: str, size: int) -> None:
    """Before the upload starts. What the file turns out to be is judged with its verdict (`content_rules`)."""
    if size > policy.max_file_size:
        raise UploadTooLarge(f"at most {policy.max_file_size} bytes")
    if not media_types.passes(media_types.by_name(name), policy.allowed_types, policy.blocked_types):
        raise TypeRefused


def outside(tx: Connection, services: Services, policy: Policy, addresses: Sequence[str]) -> list[str]:
    """Addresses that are neither at one of the organization's own domains nor of a member with a working account."""
    elsewhere = [address for address in addresses if not is_at(domain_of(address), policy.internal_domains)]
    return [address for address in elsewhere if not _is_member(tx, services, address)]


def needs_approval(tx: Connection, services: Services, policy: Policy, addresses: Sequence[str]) -> bool:
    if policy.approval is Approval.EXTERNAL:
        return bool(outside(tx, services, policy, addresses))
    return policy.approval is Approval.ALWAYS


def addresses_of(tx: Connection, services: Services, transfer_id: str) -> list[str]:
    """Everyone the transfer goes to, as it stands now."""
    query = sa.select(recipients.c.id, recipients.c.email_sealed).where(
        recipients.c.transfer_id == transfer_id, recipients.c.revoked_at.is_(None)
    )
    opened = services.columns.open
    return [opened("recipients", "email_sealed", row.id, row.email_sealed) for row in tx.execute(query)]


def _is_member(tx: Connection, services: Services, address: str) -> bool:
    found = sa.exists().where(
        users.c.email_index == email_index(services, address),
        users.c.disabled.is_(False),
        users.c.accepted_at.is_not(None),
    )
    return tx.execute(sa.select(found)).scalar_one()

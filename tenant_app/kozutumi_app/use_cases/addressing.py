"""Whom a transfer goes to: each has a row, a link and a grant of their own, also who is added or removed after sending."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import timedelta
from typing import Any

import sqlalchemy as sa
from sqlalchemy import Connection

from kozutumi_app.adapters.database.schema import (
    download_sessions,
    recipient_sessions,
    recipients,
    users,
)
from kozutumi_app.domain import sending
from kozutumi_app.domain import transfers as rules
from kozutumi_app.domain.accounts import look_up_form, parse_email, parse_locale
from kozutumi_app.domain.authentication import Authentication
from kozutumi_app.domain.identifiers import new_id
from kozutumi_app.domain.policies import Policy
from kozutumi_app.domain.transfers import TransferState
from kozutumi_app.errors import (
    AlreadyRecipient,
    InvalidInput,
    LastRecipient,
    NotFound,
    RecipientRefused,
    TransferClosed,
)
from kozutumi_app.services import Services
from kozutumi_app.use_cases import approval_calls, delivering, jobs, policies, sending_rules
from kozutumi_app.use_cases.own_transfers import record, refusals, sent_by
from kozutumi_app.use_cases.sessions import email_index


@dataclass(frozen=True, slots=True)
class NewRecipient:
    email: str
    locale: str | None = None


def parsed(wanted: Sequence[NewRecipient]) -> dict[str, str]:
    """Addresses with their locales, each once. InvalidInput for none, too many, or what is no address."""
    if not 1 <= len(wanted) <= sending.RECIPIENTS:
        raise InvalidInput(f"A transfer has 1 to {sending.RECIPIENTS} recipients.")
    found: dict[str, tuple[str, str]] = {}
    for recipient in wanted:
        address = parse_email(recipient.email)
        found.setdefault(look_up_form(address), (address, parse_locale(recipient.locale)))
    return dict(found.values())


def require_allowed(
    tx: Connection, services: Services, policy: Policy, addresses: Iterable[str], proof: Authentication
) -> None:
    """RecipientRefused by the sender's policy, or where an account is asked for and there is none."""
    listed = list(addresses)
    sending_rules.require_recipients(tx, services, policy, listed)
    if proof is Authentication.ACCOUNT and any(member_of(tx, services, address) is None for address in listed):
        raise RecipientRefused("With this proof, only people who have an account here can receive.")


def member_of(tx: Connection, services: Services, address: str) -> str | None:
    """Id of the working account that has this address."""
    query = sa.select(users.c.id).where(
        users.c.email_index == email_index(services, address),
        users.c.disabled.is_(False),
        users.c.accepted_at.is_not(None),
    )
    found: str | None = tx.execute(query).scalar_one_or_none()
    return found


def insert(tx: Connection, services: Services, transfer_id: str, email: str, locale: str) -> str:
    recipient_id = new_id(services.random)
    row = {
        "id": recipient_id,
        "transfer_id": transfer_id,
        "link_id": new_id(services.random),
        "email_sealed": services.columns.seal("recipients", "email_sealed", recipient_id, email),
        "email_index": index_of(services, email),
        "locale": locale,
    }
    tx.execute(sa.insert(recipients).values(row))
    return recipient_id


def replace_all(tx: Connection, services: Services, transfer_id: str, addresses: Mapping[str, str]) -> None:
    """Make these the recipients of a draft, of whom nobody was told anything yet."""
    wanted = {index_of(services, email): (email, locale) for email, locale in addresses.items()}
    of_transfer = recipients.c.transfer_id == transfer_id
    gone = sa.or_(recipients.c.email_index.not_in(list(wanted)), recipients.c.revoked_at.is_not(None))
    tx.execute(sa.delete(recipients).where(of_transfer, gone))
    known = set(tx.execute(sa.select(recipients.c.email_index).where(of_transfer)).scalars())
    for index, (email, locale) in wanted.items():
        if index in known:
            tx.execute(
                sa.update(recipients).where(of_transfer, recipients.c.email_index == index).values(locale=locale)
            )
        else:
            insert(tx, services, transfer_id, email, locale)


def add(services: Services, user_id: str, transfer_id: str, recipient: NewRecipient) -> str:
    """Give one more person a grant; returns the recipient's id. Of a delivered transfer they are told at once.

    Who was removed before gets a new link; what they downloaded until then still counts. Policy and approval are asked
    as for a new transfer, and where the organization holds transfers back, the mail waits as long.
    """
    with refusals(services, "add_recipient", user_id, transfer_id), services.database.write() as tx:
        row = _changeable(tx, services, user_id, transfer_id)
        [(email, locale)] = parsed([recipient]).items()
        policy = policies.effective(tx, services, user_id)
        require_allowed(tx, services, policy, [email], Authentication(row.authentication))
        approval_calls.require_free(tx, services, row, [email])
        recipient_id = _granted(tx, services, transfer_id, email, locale)
        now = services.clock.now()
        if row.state == TransferState.DELIVERED:
            jobs.enqueue(tx, "mail", f"delivery:{recipient_id}", now + timedelta(seconds=policy.hold_for))
        reconsider(tx, services, row)
        record(tx, services, "recipient.added", user_id, transfer_id, {"email": email})
        return recipient_id


def remove(services: Services, user_id: str, transfer_id: str, recipient_id: str) -> None:
    """Revoke one person's grant at once: a download that runs ends at its next segment. LastRecipient for the only one."""
    with refusals(services, "remove_recipient", user_id, transfer_id), services.database.write() as tx:
        row = _changeable(tx, services, user_id, transfer_id)
        leaving = live_recipient(tx, transfer_id, recipient_id)
        if _live(tx, transfer_id) == 1:
            raise LastRecipient
        now = services.clock.now()
        tx.execute(sa.delete(recipient_sessions).where(recipient_sessions.c.recipient_id == recipient_id))
        if row.state == TransferState.DRAFT:
            tx.execute(sa.delete(recipients).where(recipients.c.id == recipient_id))
        else:
            tx.execute(sa.update(recipients).where(recipients.c.id == recipient_id).values(revoked_at=now))
            running = sa.and_(download_sessions.c.recipient_id == recipient_id, download_sessions.c.expires_at > now)
            tx.execute(sa.update(download_sessions).where(running).values(expires_at=now))
        reconsider(tx, services, row)
        email = services.columns.open("recipients", "email_sealed", recipient_id, leaving.email_sealed)
        record(tx, services, "recipient.removed", user_id, transfer_id, {"email": email})


def reconsider(tx: Connection, services: Services, row: Any) -> None:
    """Approvers who are being asked are asked anew, or no more: what they were shown has changed."""
    if row.state == TransferState.AWAITING_APPROVAL:
        delivering.advance(tx, services, row.id)


def live_recipient(tx: Connection, transfer_id: str, recipient_id: str) -> Any:
    """Return the row of one who has a grant; NotFound for anybody else."""
    query = sa.select(recipients).where(
        recipients.c.id == recipient_id,
        recipients.c.transfer_id == transfer_id,
        recipients.c.revoked_at.is_(None),
    )
    row = tx.execute(query).one_or_none()
    if row is None:
        raise NotFound
    return row


def index_of(services: Services, email: str) -> bytes:
    return services.columns.index("recipient email", look_up_form(email))


def _changeable(tx: Connection, services: Services, user_id: str, transfer_id: str) -> Any:
    row = sent_by(tx, services, user_id, transfer_id)
    if row.state in rules.OVER or (row.state == TransferState.DELIVERED and services.clock.now() >= row.expires_at):
        raise TransferClosed
    return row


def _granted(tx: Connection, services: Services, transfer_id: str, email: str, locale: str) -> str:
    same = sa.and_(recipients.c.transfer_id == transfer_id, recipients.c.email_index == index_of(services, email))
    known = tx.execute(sa.select(recipients).where(same)).one_or_none()
    if known is not None and known.revoked_at is None:
        raise AlreadyRecipient
    if _live(tx, transfer_id) >= sending.RECIPIENTS:
        raise InvalidInput(f"A transfer has 1 to {sending.RECIPIENTS} recipients.")
    if known is None:
        return insert(tx, services, transfer_id, email, locale)
    fresh = {"link_id": new_id(services.random), "revoked_at": None, "mailed_at": None, "locale": locale}
    tx.execute(sa.update(recipients).where(same).values(fresh))
    return str(known.id)


def _live(tx: Connection, transfer_id: str) -> int:
    live = sa.and_(recipients.c.transfer_id == transfer_id, recipients.c.revoked_at.is_(None))
    return tx.execute(sa.select(sa.func.count()).select_from(recipients).where(live)).scalar_one()

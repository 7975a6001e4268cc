"""What a sender fills in, checked against the policy in force for them, stored, and changed until it is sent."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import timedelta
from typing import Any

import sqlalchemy as sa
from sqlalchemy import Connection

from kozutumi_app.adapters.database.schema import recipients, transfers
from kozutumi_app.domain import authentication, passwords, sending
from kozutumi_app.domain.authentication import Authentication
from kozutumi_app.domain.identifiers import new_id
from kozutumi_app.domain.policies import Policy
from kozutumi_app.domain.sending import Notify
from kozutumi_app.domain.transfers import TransferState
from kozutumi_app.errors import Draining, InvalidInput, ProofTooWeak, TransferClosed, WeakPassword
from kozutumi_app.services import Services
from kozutumi_app.use_cases import addressing, jobs, policies, sending_rules, settings_store
from kozutumi_app.use_cases.addressing import NewRecipient
from kozutumi_app.use_cases.own_transfers import record, refusals, sent_by


@dataclass(frozen=True, slots=True)
class Draft:
    """`expires_in` is seconds from delivery; `hold_for` and `warn_before` are seconds, too. None takes the default.

    `password` is only for the proof by password, and one is drawn where it is missing.
    """

    recipients: Sequence[NewRecipient]
    subject: str = ""
    message: str = ""
    expires_in: int | None = None
    max_downloads: int | None = None
    authentication: str | None = None
    password: str | None = None
    hold_for: int = 0
    notify: str = Notify.FIRST
    warn_before: int | None = None


@dataclass(frozen=True, slots=True)
class Created:
    """`password`: the one that was drawn, to be told to the recipients by another channel. It is not stored."""

    id: str
    password: str | None = None


@dataclass(frozen=True, slots=True)
class _Secret:
    hash: str | None
    drawn: str | None = None


def create(services: Services, sender_id: str, draft: Draft) -> Created:
    """Store a draft. InvalidInput, RecipientRefused, ProofTooWeak or WeakPassword say what to change."""
    with refusals(services, "create", sender_id):
        addresses = addressing.parsed(draft.recipients)
        proof = _proof(services, draft)
        secret = _secret(services, draft, proof, addresses, known=False)
        now = services.clock.now()
        transfer_id = new_id(services.random)
        with services.database.write() as tx:
            if settings_store.is_draining(tx):
                raise Draining
            policy = policies.effective(tx, services, sender_id)
            addressing.require_allowed(tx, services, policy, addresses, proof)
            chosen = _chosen(services, policy, transfer_id, draft, proof)
            given_up = sending.given_up_at(now, chosen["lifetime"], draft.hold_for)
            row = {
                "id": transfer_id,
                "sender_id": sender_id,
                "state": TransferState.DRAFT.value,
                "created_at": now,
                "expires_at": given_up,
                "password_hash": secret.hash,
            }
            tx.execute(sa.insert(transfers).values(row | chosen))
            for address, locale in addresses.items():
                addressing.insert(tx, services, transfer_id, address, locale)
            jobs.enqueue(tx, "expire", transfer_id, given_up)
            record(tx, services, "transfer.created", sender_id, transfer_id, _details(draft, addresses, proof))
    return Created(transfer_id, secret.drawn)


def edit(services: Services, user_id: str, transfer_id: str, changes: Mapping[str, Any]) -> Created:
    """Change fields of a draft, named as in Draft; what is not named stays. TransferClosed once it was sent."""
    with refusals(services, "edit", user_id, transfer_id):
        with services.database.read() as tx:
            row = _editable(tx, services, user_id, transfer_id)
            stored = _stored(tx, services, row)
        draft = replace(stored, **changes)
        addresses = addressing.parsed(draft.recipients)
        proof = _proof(services, draft)
        secret = _secret(services, draft, proof, addresses, known=row.password_hash is not None)
        with services.database.write() as tx:
            row = _editable(tx, services, user_id, transfer_id)
            policy = policies.effective(tx, services, user_id)
            addressing.require_allowed(tx, services, policy, addresses, proof)
            chosen = _chosen(services, policy, transfer_id, draft, proof)
            given_up = sending.given_up_at(row.created_at, chosen["lifetime"], draft.hold_for)
            chosen["expires_at"] = max(given_up, services.clock.now() + timedelta(seconds=sending.SHORTEST_LIFE))
            chosen["password_hash"] = secret.hash or (row.password_hash if proof is Authentication.PASSWORD else None)
            tx.execute(sa.update(transfers).where(transfers.c.id == transfer_id).values(chosen))
            addressing.replace_all(tx, services, transfer_id, addresses)
            jobs.enqueue(tx, "expire", transfer_id, chosen["expires_at"])
            record(tx, services, "transfer.edited", user_id, transfer_id, _details(draft, addresses, proof))
    return Created(transfer_id, secret.drawn)


def require_sendable(tx: Connection, services: Services, row: Any) -> None:
    """What was allowed when the draft was written must still be: policy and floor may have changed since."""
    policy = policies.effective(tx, services, row.sender_id)
    proof = Authentication(row.authentication)
    if not authentication.is_enough(proof, floor(services)):
        raise ProofTooWeak
    addresses = sending_rules.addresses_of(tx, services, row.id)
    addressing.require_allowed(tx, services, policy, addresses, proof)
    sending_rules.require_terms(policy, lifetime=row.lifetime, downloads=row.max_downloads)


def floor(services: Services) -> Authentication:
    return Authentication(services.settings.recipient_authentication)


def chosen_password(services: Services, password: str | None, personal: Sequence[str]) -> tuple[str, str | None]:
    """Hash of a sender's password, or of one that is drawn and returned beside it. WeakPassword; takes a while."""
    if password is None:
        drawn = authentication.new_password(services.random)
        return services.passwords.hash(drawn), drawn
    password = password.strip()
    if not passwords.is_acceptable(password, personal=personal):
        raise WeakPassword
    return services.passwords.hash(password), None


def _proof(services: Services, draft: Draft) -> Authentication:
    lowest = floor(services)
    if draft.authentication is None:
        return lowest
    try:
        chosen = authentication.parse(draft.authentication)
    except ValueError:
        raise InvalidInput("Check: authentication.") from None
    if not authentication.is_enough(chosen, lowest):
        raise ProofTooWeak
    return chosen


def _secret(
    services: Services, draft: Draft, proof: Authentication, addresses: Mapping[str, str], *, known: bool
) -> _Secret:
    """Before the write lock is taken: argon2id takes its time."""
    if proof is not Authentication.PASSWORD:
        if draft.password is not None:
            raise InvalidInput("Only a transfer that is opened by a password has one.")
        return _Secret(None)
    if draft.password is None and known:
        return _Secret(None)
    return _Secret(*chosen_password(services, draft.password, [*addresses, draft.subject]))


def _chosen(
    services: Services, policy: Policy, transfer_id: str, draft: Draft, proof: Authentication
) -> dict[str, Any]:
    settings, seal = services.settings, services.columns.seal
    subject, message = draft.subject.strip(), draft.message.strip()
    too_long = len(subject) > sending.SUBJECT_LENGTH or len(message) > sending.MESSAGE_LENGTH
    if too_long or not subject.isprintable():
        raise InvalidInput(
            f"At most {sending.SUBJECT_LENGTH} characters of subject and {sending.MESSAGE_LENGTH} of message."
        )
    usual = min(settings.default_expiry, policy.max_expiry)
    lifetime = usual if draft.expires_in is None else draft.expires_in
    downloads = policy.max_downloads if draft.max_downloads is None else draft.max_downloads
    sending_rules.require_terms(policy, lifetime=lifetime, downloads=downloads)
    if not 0 <= draft.hold_for <= sending.LONGEST_HOLD or not 0 <= (draft.warn_before or 0) <= policy.max_expiry:
        raise InvalidInput("A transfer is held for at most 30 days, and the warning is given within its lifetime.")
    if draft.notify not in set(Notify):
        raise InvalidInput("Check: notify.")
    return {
        "subject_sealed": seal("transfers", "subject_sealed", transfer_id, subject),
        "message_sealed": seal("transfers", "message_sealed", transfer_id, message),
        "lifetime": lifetime,
        "max_downloads": downloads,
        "authentication": proof.value,
        "hold_for": draft.hold_for,
        "notify": draft.notify,
        "warn_before": draft.warn_before,
    }


def _editable(tx: Connection, services: Services, user_id: str, transfer_id: str) -> Any:
    row = sent_by(tx, services, user_id, transfer_id)
    if row.state != TransferState.DRAFT:
        raise TransferClosed
    return row


def _stored(tx: Connection, services: Services, row: Any) -> Draft:
    opened = services.columns.open
    live = sa.and_(recipients.c.transfer_id == row.id, recipients.c.revoked_at.is_(None))
    query = sa.select(recipients).where(live).order_by(recipients.c.id)
    to = [
        NewRecipient(opened("recipients", "email_sealed", each.id, each.email_sealed), each.locale)
        for each in tx.execute(query)
    ]
    return Draft(
        recipients=to,
        subject=opened("transfers", "subject_sealed", row.id, row.subject_sealed),
        message=opened("transfers", "message_sealed", row.id, row.message_sealed),
        expires_in=row.lifetime,
        max_downloads=row.max_downloads,
        authentication=row.authentication,
        hold_for=row.hold_for,
        notify=row.notify,
        warn_before=row.warn_before,
    )


def _details(draft: Draft, addresses: Mapping[str, str], proof: Authentication) -> dict[str, str]:
    return {"subject": draft.subject.strip(), "recipients": ", ".join(addresses), "authentication": proof.value}

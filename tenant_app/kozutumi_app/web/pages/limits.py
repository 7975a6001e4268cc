"""What may be sent, as shown before anyone starts."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

from kozutumi_app.domain import authentication
from kozutumi_app.domain.policies import Policy, common_domains
from kozutumi_app.services import Services
from kozutumi_app.use_cases import allowance, drafts, policies, readability, scanner_facts, usage

_DAY: Final = 86_400
_HOLDS: Final = (0, 600, 3600, 6 * 3600, _DAY, 3 * _DAY)
_CHOICES: Final = (_DAY, 3 * _DAY, 7 * _DAY, 14 * _DAY, 30 * _DAY, 90 * _DAY)


@dataclass(frozen=True, slots=True)
class Limits:
    """Sizes in bytes, durations in seconds."""

    max_file_size: int
    quota_left: int
    default_expiry: int
    max_expiry: int
    max_downloads: int
    expiries: tuple[int, ...]
    max_scannable_size: int  # larger is Unscannable
    may_release: bool  # and then an administrator may let it through
    proofs: tuple[str, ...]  # how recipients may prove themselves, weakest first
    hold_for: int  # what the organization holds everything back
    holds: tuple[int, ...]
    policy: Policy
    month_left: int | None  # of what the organization may send in this calendar month

    @property
    def takes_unscannable(self) -> bool:
        return self.max_file_size > self.max_scannable_size

    @property
    def allowed_domains(self) -> list[str]:
        return common_domains(self.policy.allowed_domains)

    @property
    def allowed_types(self) -> list[list[str]]:
        """Each list must let a file through."""
        return sorted(map(sorted, self.policy.allowed_types))


def expiries(default: int, longest: int) -> tuple[int, ...]:
    """Round choices up to the longest allowed, which is one of them, as is the default."""
    return tuple(sorted({choice for choice in (*_CHOICES, default, longest) if choice <= longest}))


def of(services: Services, user_id: str | None = None) -> Limits:
    """By the policy in force for this member; the organization's where it is for nobody in particular."""
    settings = services.settings
    with services.database.read() as tx:
        used = usage.measure(tx).bytes
        policy = policies.effective(tx, services, user_id or "")
        month = allowance.measure(tx, services)
    default = min(settings.default_expiry, policy.max_expiry)
    return Limits(
        max_file_size=min(settings.max_file_size, policy.max_file_size),
        quota_left=max(0, settings.quota_storage - used),
        default_expiry=default,
        max_expiry=policy.max_expiry,
        max_downloads=policy.max_downloads,
        expiries=expiries(default, policy.max_expiry),
        max_scannable_size=scanner_facts.largest(services),
        may_release=readability.may_release(services),
        proofs=tuple(proof.value for proof in authentication.allowed(drafts.floor(services))),
        hold_for=policy.hold_for,
        holds=_HOLDS,
        policy=policy,
        month_left=month.left,
    )

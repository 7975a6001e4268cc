"""Requests from where a member's policy lets nobody in: each is refused, and told once an hour for each session or token."""

from __future__ import annotations

from typing import Final

from kozutumi_app.domain.rate_limits import Limit
from kozutumi_app.errors import NetworkNotAllowed
from kozutumi_app.services import Services
from kozutumi_app.use_cases import audit, policy_levels
from kozutumi_app.use_cases.sessions import SignedIn

_TOLD: Final = Limit(burst=1, seconds=3600)


def admits(services: Services, caller: SignedIn, client: str) -> bool:
    """Whether the caller's policy lets them in from the address `client`; if not, it is recorded."""
    with services.database.read() as tx:
        if policy_levels.admits_from(tx, services, caller.user_id, client):
            return True
    services.metrics.refusals.labels(NetworkNotAllowed.code).inc()
    key = caller.token_id or caller.session_hash.hex()
    if not services.limits.retry_after("network", key, _TOLD, services.clock.now()):
        _tell(services, caller, client)
    return False


def _tell(services: Services, caller: SignedIn, client: str) -> None:
    with services.database.write() as tx:
        audit.append(
            tx,
            services,
            type="session.refused" if caller.token_id is None else "token.refused",
            actor_id=caller.user_id,
            object_id=caller.token_id or caller.user_id,
            outcome=NetworkNotAllowed.code,
            details={"ip": client},
        )

"""The platform's rules for rollouts, from the environment (docs/operations/fleet.md)."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import timedelta
from typing import Final

from kozutumi_operator.organizations import quantities
from kozutumi_operator.organizations.waves import Policy
from kozutumi_operator.platform import PlatformError

PREFIX: Final = "KOZUTUMI_FLEET_"
ON_FAILURE: Final = ("RollBack", "Halt")


def read(environment: Mapping[str, str]) -> Policy:
    """Raises PlatformError, which names the variable and what to write."""
    usual = Policy()
    on_failure = environment.get(f"{PREFIX}ON_FAILURE") or "RollBack"
    if on_failure not in ON_FAILURE:
        raise PlatformError(f"{PREFIX}ON_FAILURE={on_failure!r}; write RollBack or Halt")
    return Policy(
        canaries=_count(environment, "CANARIES", usual.canaries),
        soak=_duration(environment, "SOAK", usual.soak),
        patience=_duration(environment, "PATIENCE", usual.patience),
        max_unavailable=_share(environment, "MAX_UNAVAILABLE", usual.max_unavailable),
        failure_ratio=_share(environment, "FAILURE_RATIO", usual.failure_ratio),
        roll_back=on_failure == "RollBack",
    )


def _count(environment: Mapping[str, str], name: str, usual: int) -> int:
    text = environment.get(PREFIX + name) or str(usual)
    if not text.isdecimal() or int(text) < 1:
        raise PlatformError(f"{PREFIX}{name}={text!r}; write a number of organizations, at least 1")
    return int(text)


def _duration(environment: Mapping[str, str], name: str, usual: timedelta) -> timedelta:
    text = environment.get(PREFIX + name)
    if not text:
        return usual
    try:
        return timedelta(seconds=quantities.duration(text))
    except ValueError as error:
        raise PlatformError(f"{PREFIX}{name}: {error}") from None


def _share(environment: Mapping[str, str], name: str, usual: float) -> float:
    text = environment.get(PREFIX + name)
    if not text:
        return usual
    number = text.removesuffix("%")
    if not text.endswith("%") or not number.isdecimal() or int(number) > 100:
        raise PlatformError(f"{PREFIX}{name}={text!r}; write a percentage, such as 25%")
    return int(number) / 100

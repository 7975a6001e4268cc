"""How a release reaches the fleet: canaries, then growing waves, and back when too many fail. Pure.

`next_step` says what may happen now; `rollout.after` gives the rollout once it has happened. Between the two the
rollout is written down, so that an operator that dies there goes on where it stopped.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from typing import Final

from kozutumi_operator.organizations.rollout import (
    Finish,
    Halt,
    Member,
    Move,
    Phase,
    RollBack,
    Rollout,
    Step,
    Wait,
    some,
)

GROWTH: Final = 2


@dataclass(frozen=True, slots=True, kw_only=True)
class Policy:
    """`soak`: how long a wave must be Ready before the next; `patience`: how long it may take to become so.

    `max_unavailable` and `failure_ratio` are shares (0 to 1) of the fleet and of the organizations moved so far.
    """

    canaries: int = 1
    soak: timedelta = timedelta(minutes=5)
    patience: timedelta = timedelta(minutes=10)
    max_unavailable: float = 0.25
    failure_ratio: float = 0.1
    roll_back: bool = True


def next_step(rollout: Rollout, members: Sequence[Member], policy: Policy, now: datetime) -> Step:
    """What may happen now. Call `noted` first, so that the time of being healthy is known."""
    if rollout.phase is Phase.SETTLED:
        return _unpin(rollout, members)
    if rollout.phase is not Phase.ROLLING:
        return Wait(rollout.message)
    failed = failing(rollout, members, policy, now)
    counted = [each for each in members if _counts(rollout, each)]
    if counted and len(failed) > policy.failure_ratio * len(counted):
        why = f"{len(failed)} of {len(counted)} organizations failed with {rollout.target}: {some(failed)}."
        return RollBack(why, failed) if policy.roll_back else Halt(why, failed)
    if pending := _pending(rollout, members, failed):
        until = None if rollout.wave_started is None else rollout.wave_started + policy.patience
        return Wait(f"Wave {rollout.wave}: waiting for {some(pending)}.", until)
    if rollout.moved and counted:
        soaked = (rollout.healthy_since or now) + policy.soak
        if now < soaked:
            return Wait(f"Wave {rollout.wave}: soaking until {soaked:%H:%M:%S} UTC.", soaked)
    return _onward(rollout, members, policy, now)


def _onward(rollout: Rollout, members: Sequence[Member], policy: Policy, now: datetime) -> Step:
    left = [each for each in members if each.name not in rollout.moved and not each.paused]
    if not left:
        return Finish()
    wave = _next_wave(rollout, left, policy, now, total=len(members))
    return Move(wave) if wave else Wait("Waiting for organizations to become Ready before they move.")


def noted(rollout: Rollout, members: Sequence[Member], policy: Policy, now: datetime) -> Rollout:
    """The rollout with the time since when every moved organization has been healthy."""
    failed = failing(rollout, members, policy, now)
    if not rollout.moved or _pending(rollout, members, failed):
        return replace(rollout, healthy_since=None)
    return rollout if rollout.healthy_since is not None else replace(rollout, healthy_since=now)


def failing(rollout: Rollout, members: Iterable[Member], policy: Policy, now: datetime) -> frozenset[str]:
    """Moved organizations that were Ready before and are not in time, or whose rollout Kubernetes has given up.

    Who became Ready and stops being so has that time again: what ails it may pass, and may not be the release.
    """
    return frozenset(
        each.name
        for each in members
        if _counts(rollout, each)
        and not _healthy(rollout, each)
        and (_late(rollout, each, policy, now) or (each.stuck and each.release == rollout.target))
    )


def _late(rollout: Rollout, member: Member, policy: Policy, now: datetime) -> bool:
    since = max((each for each in (rollout.wave_started, member.unwell_since) if each is not None), default=None)
    return since is not None and now >= since + policy.patience


def _unpin(rollout: Rollout, members: Sequence[Member]) -> Step:
    paused = {each.name for each in members if each.paused}
    free = frozenset(rollout.at.keys() - paused)
    return Move(free) if free else Wait("Paused organizations keep their release.")


def _next_wave(
    rollout: Rollout, left: Sequence[Member], policy: Policy, now: datetime, *, total: int
) -> frozenset[str]:
    """Those that are Ready come first, by name. Empty where the right ones may yet become so: then it is waited.

    Who has not been well for long has nothing to say about the release, comes last and is not counted. An operator
    that just started has seen nobody well yet: it must not take that for such a fleet and move it unwatched.
    """
    ready = sorted((each for each in left if each.ready), key=lambda each: (not each.canary, each.name))
    ailing = sorted(each.name for each in left if not each.ready and _long_unwell(each, policy, now))
    hopeful = [each for each in left if not each.ready and each.name not in ailing]
    if rollout.wave == 0:
        labelled = [each.name for each in ready if each.canary]
        if labelled or any(each.canary for each in hopeful):
            return frozenset(labelled)
        first = [each.name for each in ready] or ([] if hopeful else ailing)
        return frozenset(first[: policy.canaries])
    most = max(1, math.ceil(policy.max_unavailable * total))
    size = min(most, max(1, len(rollout.moved)) * GROWTH)
    return frozenset([*(each.name for each in ready), *([] if hopeful else ailing)][:size])


def _long_unwell(member: Member, policy: Policy, now: datetime) -> bool:
    return member.unwell_since is None or now >= member.unwell_since + policy.patience


def _healthy(rollout: Rollout, member: Member) -> bool:
    return member.release == rollout.target and member.complete and member.ready


def _counts(rollout: Rollout, member: Member) -> bool:
    moved = rollout.moved.get(member.name)
    return moved is not None and moved.counted


def _pending(rollout: Rollout, members: Iterable[Member], failed: frozenset[str]) -> frozenset[str]:
    waited = (each for each in members if _counts(rollout, each) and not _healthy(rollout, each))
    return frozenset(each.name for each in waited if each.name not in failed)

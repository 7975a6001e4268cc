"""Where a rollout stands, and how each step changes it. Pure.

What is written down here is all that an operator which starts anew has to know.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime
from enum import StrEnum

from kozutumi_operator.organizations.releases import Release


class Phase(StrEnum):
    SETTLED = "Settled"
    ROLLING = "Rolling"
    HALTED = "Halted"
    ROLLED_BACK = "RolledBack"


@dataclass(frozen=True, slots=True, kw_only=True)
class Member:
    """An organization. `release`: what its Deployments carry; `complete`: their rollout is through; `stuck`: given up.

    `ready`: its condition Ready is True, or it is suspended and so has nothing to run. `unwell_since`: when it was last
    seen to stop being ready and complete, None while it is both.
    """

    name: str
    canary: bool = False
    paused: bool = False
    release: str = ""
    ready: bool = False
    complete: bool = False
    stuck: bool = False
    unwell_since: datetime | None = None


@dataclass(frozen=True, slots=True)
class Moved:
    """`counted`: it was Ready when it was let go, so that its failure is the release's. `before`: where it goes back."""

    counted: bool
    before: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Rollout:
    """`at` names the organizations that are not on `stable`. `target` is set while rolling, and after a failure.

    `healthy_since` is of this process: after a restart a wave soaks anew.
    """

    releases: Mapping[str, Release]
    stable: str
    target: str = ""
    phase: Phase = Phase.SETTLED
    at: Mapping[str, str] = field(default_factory=dict)
    moved: Mapping[str, Moved] = field(default_factory=dict)
    wave: int = 0
    wave_started: datetime | None = None
    healthy_since: datetime | None = None
    message: str = ""

    def release_of(self, name: str) -> Release:
        return self.releases[self.at.get(name, self.stable)]

    @property
    def open(self) -> bool:
        """Whether anything is left to decide."""
        return self.phase is Phase.ROLLING or (self.phase is Phase.SETTLED and bool(self.at))


@dataclass(frozen=True, slots=True)
class Move:
    names: frozenset[str]


@dataclass(frozen=True, slots=True)
class Wait:
    """`until`: when to look again, or None for when something changes."""

    why: str
    until: datetime | None = None


@dataclass(frozen=True, slots=True)
class Halt:
    why: str
    failed: frozenset[str]


@dataclass(frozen=True, slots=True)
class RollBack:
    why: str
    failed: frozenset[str]


@dataclass(frozen=True, slots=True)
class Finish:
    pass


Step = Move | Wait | Halt | RollBack | Finish


def begin(recorded: Rollout | None, wanted: Release, *, retry: str = "") -> Rollout:
    """The rollout when an operator starts with settings that make `wanted`. `retry` names a refused release to try again.

    Without a record the fleet is taken to be on `wanted`: nothing tells what came before.
    """
    if recorded is None:
        return Rollout(releases={wanted.id: wanted}, stable=wanted.id, message="First release.")
    if wanted.id == recorded.stable:
        return _pruned(_back(recorded)) if recorded.target else recorded
    if wanted.id == recorded.target and (recorded.phase is Phase.ROLLING or retry != wanted.id):
        return recorded
    before = _back(recorded) if wanted.id == recorded.target else recorded
    fresh = replace(
        before,
        releases={**recorded.releases, wanted.id: wanted},
        target=wanted.id,
        phase=Phase.ROLLING,
        moved={},
        wave=0,
        wave_started=None,
        healthy_since=None,
        message=f"Rolling {wanted.id} out.",
    )
    return _pruned(fresh)


def after(rollout: Rollout, step: Step, now: datetime, members: Sequence[Member] = ()) -> Rollout:
    """The rollout once `step` has been written down."""
    match step:
        case Move(names=names) if rollout.phase is Phase.SETTLED:
            at = {name: held for name, held in rollout.at.items() if name not in names}
            return _pruned(replace(rollout, at=at))
        case Move(names=names):
            return _moved(rollout, names, members, now)
        case Finish():
            return _finished(rollout, members)
        case Halt(why=why):
            return replace(rollout, phase=Phase.HALTED, message=why)
        case RollBack(why=why):
            return replace(_back(rollout), phase=Phase.ROLLED_BACK, target=rollout.target, message=why)
        case Wait(why=why):
            return replace(rollout, message=why)


def _moved(rollout: Rollout, names: frozenset[str], members: Sequence[Member], now: datetime) -> Rollout:
    known = {each.name: each for each in members}
    moved = {name: Moved(name in known and known[name].ready, rollout.at.get(name, rollout.stable)) for name in names}
    return replace(
        rollout,
        at={**rollout.at, **dict.fromkeys(names, rollout.target)},
        moved={**rollout.moved, **moved},
        wave=rollout.wave + 1,
        wave_started=now,
        healthy_since=None,
        message=f"Wave {rollout.wave + 1}: {some(names)}.",
    )


def _finished(rollout: Rollout, members: Iterable[Member]) -> Rollout:
    """The target becomes what everybody is on. A paused organization stays pinned to the release it is on."""
    stays = {each.name: rollout.at.get(each.name, rollout.stable) for each in members if each.paused}
    finished = replace(
        rollout,
        stable=rollout.target,
        target="",
        phase=Phase.SETTLED,
        at={name: held for name, held in stays.items() if held != rollout.target},
        moved={},
        wave=0,
        wave_started=None,
        healthy_since=None,
        message=f"On {rollout.target}.",
    )
    return _pruned(finished)


def _back(rollout: Rollout) -> Rollout:
    at = {**rollout.at, **{name: moved.before for name, moved in rollout.moved.items()}}
    return replace(
        rollout,
        target="",
        phase=Phase.SETTLED,
        at={name: held for name, held in at.items() if held != rollout.stable},
        moved={},
        wave=0,
        wave_started=None,
        healthy_since=None,
        message=f"Back on {rollout.stable}.",
    )


def _pruned(rollout: Rollout) -> Rollout:
    used = {rollout.stable, rollout.target, *rollout.at.values(), *(each.before for each in rollout.moved.values())}
    return replace(rollout, releases={name: each for name, each in rollout.releases.items() if name in used})


def some(names: Iterable[str]) -> str:
    listed = sorted(names)
    return ", ".join(listed[:3]) + (f" and {len(listed) - 3} more" if len(listed) > 3 else "")

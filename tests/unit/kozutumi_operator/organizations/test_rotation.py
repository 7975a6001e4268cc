"""The stages of a rotation, in any order with an app that lags, restarts and is asked too rarely."""

from __future__ import annotations

import os
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from kozutumi_contract import keyring
from kozutumi_contract.keyring import KeyRing
from kozutumi_operator.organizations import rotation
from kozutumi_operator.organizations.rotation import (
    Activate,
    Add,
    Loaded,
    Record,
    Remove,
    Rest,
    Retire,
    Stage,
    Step,
    next_step,
)

NOW = "2026-01-01T00:00:00Z"
ONE = keyring.generate(os.urandom, NOW)
TWO = keyring.with_new_version(ONE, os.urandom, NOW)
TURNED = keyring.activated(TWO, 2)
RETIRED = keyring.retired(TURNED, 1, NOW)


def app(versions: set[int], active: int, in_use: set[int]) -> Loaded:
    return Loaded(frozenset(versions), active, frozenset(in_use))


CASES: list[tuple[str, KeyRing, Loaded | None, set[int], str, Step]] = [
    ("at rest", ONE, None, {1}, "", Rest(Stage.NONE)),
    ("not recorded yet", ONE, None, set(), "", Record()),
    ("asked for", ONE, None, {1}, "asked", Add()),
    ("added, not recorded", TWO, app({1, 2}, 1, {1}), {1}, "asked", Record()),
    ("recorded, app not heard", TWO, None, {1, 2}, "asked", Rest(Stage.DISTRIBUTING)),
    ("recorded, not loaded", TWO, app({1}, 1, {1}), {1, 2}, "asked", Rest(Stage.DISTRIBUTING)),
    ("loaded", TWO, app({1, 2}, 1, {1}), {1, 2}, "asked", Activate(2)),
    ("active, app behind", TURNED, app({1, 2}, 1, {1}), {1, 2}, "", Rest(Stage.DISTRIBUTING)),
    ("being re-wrapped", TURNED, app({1, 2}, 2, {1, 2}), {1, 2}, "", Rest(Stage.REWRAPPING)),
    ("use unknown", TURNED, app({1, 2}, 2, set()), {1, 2}, "", Rest(Stage.REWRAPPING)),
    ("unused", TURNED, app({1, 2}, 2, {2}), {1, 2}, "", Retire(1)),
    ("unused, but held", TURNED, app({1, 2}, 2, {2}), {1, 2}, "held", Rest(Stage.HELD)),
    ("held, and asked for again", TURNED, app({1, 2}, 2, {2}), {1, 2}, "asked, held", Add()),
    ("asked for again meanwhile", TURNED, app({1, 2}, 2, {1, 2}), {1, 2}, "asked", Rest(Stage.REWRAPPING)),
    ("retired, still recorded", RETIRED, app({1, 2}, 2, {2}), {1, 2}, "", Record()),
    ("retired", RETIRED, app({1, 2}, 2, {2}), {2}, "", Remove(1)),
    ("retired, used again after all", RETIRED, app({1, 2}, 2, {1, 2}), {2}, "", Rest(Stage.REWRAPPING)),
]


@pytest.mark.parametrize(
    ("ring", "loaded", "recorded", "asked", "expected"), [case[1:] for case in CASES], ids=[case[0] for case in CASES]
)
def test_step(ring: KeyRing, loaded: Loaded | None, recorded: set[int], asked: str, expected: Step) -> None:
    requested, held = "asked" in asked, "held" in asked
    assert next_step(ring, loaded, recorded=recorded, requested=requested, held=held) == expected


@dataclass
class World:
    """What is stored (ring, record, files), one app process, and what the operator last heard of it."""

    ring: KeyRing = ONE
    recorded: set[int] = field(default_factory=lambda: {1})
    mounted: KeyRing = ONE
    files: list[int] = field(default_factory=list)
    rewrapped_to: int = 0
    heard: Loaded | None = None
    requested: bool = False
    rotations: int = 0

    def request(self) -> None:
        self.requested = True

    def operate(self) -> None:
        """One step; an operator that is killed has done some of them."""
        step = next_step(self.ring, self.heard, recorded=self.recorded, requested=self.requested)
        match step:
            case Add():
                self.ring, self.requested = keyring.with_new_version(self.ring, os.urandom, NOW), False
            case Record():
                self.recorded = {number for number, key in self.ring.keys.items() if key.retired is None}
            case Activate(number):
                assert number in self.mounted.keys
                assert number in self.recorded
                self.ring = keyring.activated(self.ring, number)
            case Retire(number):
                self.ring = keyring.retired(self.ring, number, NOW)
            case Remove(number):
                self.ring = keyring.removed(self.ring, number)
                self.rotations += 1

    def forget(self) -> None:
        """A new operator has heard nothing."""
        self.heard = None

    def mount(self) -> None:
        self.mounted = self.ring

    def write(self) -> None:
        self.files.append(self.mounted.active)

    def rewrap(self) -> None:
        """One file; when none is left, the pass has ended."""
        target = self.mounted.active
        old = [index for index, version in enumerate(self.files) if version != target]
        if old:
            self.files[old[0]] = target
        else:
            self.rewrapped_to = target

    def hear(self) -> None:
        active = self.mounted.active
        done = self.rewrapped_to == active
        in_use = {active} if done else {number for number in self.mounted.keys if number <= active}
        self.heard = Loaded(frozenset(self.mounted.keys), active, frozenset(in_use))

    def check(self) -> None:
        assert self.ring.keys[self.ring.active].retired is None
        assert set(self.files) <= self.ring.keys.keys()
        assert set(self.files) <= self.mounted.keys.keys()
        assert self.recorded <= self.ring.keys.keys()
        assert self.ring.active in self.recorded
        live = [number for number, key in self.ring.keys.items() if key.retired is None]
        assert len(live) <= 2
        assert keyring.parse(keyring.serialize(self.ring)) == self.ring


# A rotation takes a dozen acts in order: those that lead on come oftener.
ACTS = st.sampled_from(
    [World.request, World.forget, World.write, World.rewrap, *[World.mount, World.hear] * 2, *[World.operate] * 4]
)


@settings(max_examples=80, deadline=None)
@given(st.lists(ACTS, min_size=60, max_size=120))
def test_no_file_is_ever_unreadable_and_each_rotation_comes_to_its_end(acts: list[object]) -> None:
    world = World()
    for act in acts:
        assert callable(act)
        act(world)
        world.check()
    for _ in range(40):
        for settle in (World.mount, World.rewrap, World.hear, World.operate):
            settle(world)
            world.check()
        for _ in world.files:
            world.rewrap()
    assert list(world.ring.keys) == [world.ring.active]
    assert world.recorded == {world.ring.active}
    assert world.rotations == world.ring.active - 1


def test_a_token_is_acted_on_once_and_the_schedule_counts_from_the_newest_version() -> None:
    day = 86400
    made = datetime(2026, 1, 1, tzinfo=UTC)
    early = made + timedelta(days=1)
    assert not rotation.is_requested(ONE, token="", handled="", period=30 * day, now=early)
    assert rotation.is_requested(ONE, token="a", handled="", period=30 * day, now=early)
    assert not rotation.is_requested(ONE, token="a", handled="a", period=30 * day, now=early)
    assert rotation.due(ONE, 30 * day) == made + timedelta(days=30)
    late = made + timedelta(days=30)
    assert rotation.is_requested(ONE, token="", handled="", period=30 * day, now=late)
    newer = keyring.with_new_version(ONE, os.urandom, "2026-01-31T00:00:00Z")
    assert not rotation.is_requested(newer, token="", handled="", period=30 * day, now=late)


def test_versions_only_go_forwards() -> None:
    with pytest.raises(keyring.KeyRingError):
        keyring.activated(TURNED, 1)
    with pytest.raises(keyring.KeyRingError):
        keyring.retired(TURNED, 2, NOW)
    with pytest.raises(keyring.KeyRingError):
        keyring.removed(TURNED, 1)
    assert keyring.removed(RETIRED, 1).keys.keys() == {2}

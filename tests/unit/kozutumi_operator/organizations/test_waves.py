"""Rollouts over a simulated fleet: good and broken releases, pauses, crashes, forward fixes."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from kozutumi_operator.organizations import fleet_record, rollout, waves
from kozutumi_operator.organizations.releases import Release
from kozutumi_operator.organizations.rollout import Finish, Halt, Member, Move, Phase, RollBack, Rollout, Step, Wait
from kozutumi_operator.organizations.waves import Policy

START = datetime(2026, 1, 1, tzinfo=UTC)
OLD, NEW, NEWER = (Release({"image_app": f"app:{version}"}, "r") for version in ("1", "2", "3"))
QUICK = Policy(soak=timedelta(seconds=30), patience=timedelta(seconds=60))
TICK = timedelta(seconds=10)


@dataclass
class FleetWorld:
    """Organizations that take over their release one tick after they may; `fails` says which break on which."""

    names: list[str]
    wanted: Release = NEW
    policy: Policy = QUICK
    fails: Callable[[str, str], bool] = lambda _name, _release: False
    canaries: set[str] = field(default_factory=set)
    paused: set[str] = field(default_factory=set)
    unwell: set[str] = field(default_factory=set)
    now: datetime = START
    most_down: int = 0
    unwell_since: dict[str, datetime] = field(default_factory=dict)
    steps: list[Step] = field(default_factory=list)

    def __post_init__(self) -> None:
        self.rollout = rollout.begin(rollout.begin(None, OLD), self.wanted)
        self.on = dict.fromkeys(self.names, OLD.id)

    def member(self, name: str) -> Member:
        allowed = self.rollout.release_of(name).id
        fine = not self.fails(name, self.on[name]) and name not in self.unwell
        if fine:
            self.unwell_since.pop(name, None)
        else:
            self.unwell_since.setdefault(name, self.now)
        return Member(
            name=name,
            canary=name in self.canaries,
            paused=name in self.paused,
            release=self.on[name],
            ready=fine,
            complete=fine and self.on[name] == allowed,
            unwell_since=self.unwell_since.get(name),
        )

    def tick(self, *, restart: bool = False) -> Step:
        if restart:
            self.rollout = fleet_record.parse(fleet_record.render(self.rollout, "fleet-release"))
            self.rollout = rollout.begin(self.rollout, self.wanted)
        members = [self.member(name) for name in self.names]
        self.most_down = max(self.most_down, sum(not each.ready for each in members))
        current = waves.noted(self.rollout, members, self.policy, self.now)
        step = waves.next_step(current, members, self.policy, self.now)
        self.rollout = rollout.after(current, step, self.now, members)
        if not isinstance(step, Wait):
            self.steps.append(step)
        for name in self.names:
            self.on[name] = self.rollout.release_of(name).id
        self.now += TICK
        return step

    def run(self, ticks: int = 200) -> None:
        for _ in range(ticks):
            self.tick()
            if not self.rollout.open:
                return

    def waves(self) -> list[list[str]]:
        return [sorted(step.names) for step in self.steps if isinstance(step, Move)]


def named(count: int) -> list[str]:
    return [f"org-{number:02}" for number in range(count)]


def test_a_good_release_reaches_everybody_canaries_first_in_growing_waves() -> None:
    world = FleetWorld(named(20), canaries={"org-07", "org-12"})
    world.run()
    assert world.waves()[0] == ["org-07", "org-12"]
    assert [len(wave) for wave in world.waves()] == [2, 4, 5, 5, 4]
    assert isinstance(world.steps[-1], Finish)
    assert set(world.on.values()) == {NEW.id}
    assert (world.rollout.phase, world.rollout.stable, world.rollout.at) == (Phase.SETTLED, NEW.id, {})


def test_without_a_label_the_first_by_name_are_the_canaries() -> None:
    world = FleetWorld(named(5), policy=replace(QUICK, canaries=2))
    world.run()
    assert world.waves()[0] == ["org-00", "org-01"]


def test_a_broken_release_stops_at_the_canaries_and_goes_back() -> None:
    world = FleetWorld(named(20), canaries={"org-03"}, fails=lambda _, release: release == NEW.id)
    world.run()
    assert world.waves() == [["org-03"]]
    [back] = [step for step in world.steps if isinstance(step, RollBack)]
    assert back.failed == {"org-03"}
    assert set(world.on.values()) == {OLD.id}
    assert (world.rollout.phase, world.rollout.target) == (Phase.ROLLED_BACK, NEW.id)
    assert world.most_down == 1


def test_a_refused_release_is_not_tried_again_by_itself_and_is_when_asked() -> None:
    world = FleetWorld(named(3), fails=lambda _, release: release == NEW.id)
    world.run()
    recorded = world.rollout
    assert rollout.begin(recorded, NEW) == recorded
    again = rollout.begin(recorded, NEW, retry=NEW.id)
    assert (again.phase, again.target, again.moved) == (Phase.ROLLING, NEW.id, {})


def test_with_halt_instead_the_moved_ones_stay_and_nobody_follows() -> None:
    world = FleetWorld(named(4), policy=replace(QUICK, roll_back=False), fails=lambda _, release: release == NEW.id)
    world.run()
    assert isinstance(world.steps[-1], Halt)
    assert [world.on[name] for name in world.names] == [NEW.id, OLD.id, OLD.id, OLD.id]
    world.wanted = NEWER
    world.tick(restart=True)
    world.run()
    assert set(world.on.values()) == {NEWER.id}


def test_one_failure_within_the_budget_does_not_stop_the_rest() -> None:
    world = FleetWorld(
        named(20),
        policy=replace(QUICK, failure_ratio=0.25),
        fails=lambda name, release: (name, release) == ("org-10", NEW.id),
    )
    world.run()
    assert set(world.on.values()) == {NEW.id}
    assert world.rollout.phase is Phase.SETTLED


def test_who_was_not_ready_before_comes_last_and_is_not_held_against_the_release() -> None:
    world = FleetWorld(named(6), unwell={"org-00"})
    world.run()
    assert "org-00" not in world.waves()[0]
    assert "org-00" in world.waves()[-1]
    assert world.rollout.phase is Phase.SETTLED


def test_an_operator_that_just_started_and_has_seen_nobody_well_moves_nobody_unwatched() -> None:
    world = FleetWorld(named(6), fails=lambda _, release: release == NEW.id, canaries={"org-04"})
    world.unwell.update(world.names)
    for _ in range(4):
        world.tick()
    assert world.steps == []
    world.unwell.clear()
    world.run()
    assert world.waves() == [["org-04"]]
    assert world.rollout.phase is Phase.ROLLED_BACK


def test_a_wave_that_breaks_while_it_soaks_goes_back() -> None:
    broken: set[str] = set()
    world = FleetWorld(named(4), fails=lambda name, release: release == NEW.id and name in broken)
    world.tick()
    world.tick()
    broken.add("org-00")
    world.run()
    assert world.waves() == [["org-00"]]
    assert set(world.on.values()) == {OLD.id}


def test_what_passes_within_the_patience_is_not_held_against_the_release() -> None:
    world = FleetWorld(named(4))
    for _ in range(12):
        world.tick()
    assert world.rollout.phase is Phase.ROLLING
    world.unwell.add("org-00")
    world.tick()
    world.tick()
    assert world.rollout.phase is Phase.ROLLING
    world.unwell.clear()
    world.run()
    assert (world.rollout.phase, set(world.on.values())) == (Phase.SETTLED, {NEW.id})


def test_a_paused_organization_keeps_its_release_through_the_next_rollout_too() -> None:
    world = FleetWorld(named(4), paused={"org-01"})
    world.run()
    world.tick()
    assert world.on["org-01"] == OLD.id
    assert world.rollout.stable == NEW.id
    world.wanted = NEWER
    world.tick(restart=True)
    for _ in range(60):
        world.tick()
    assert world.on == {**dict.fromkeys(world.names, NEWER.id), "org-01": OLD.id}
    world.paused.clear()
    world.run()
    assert set(world.on.values()) == {NEWER.id}
    assert world.rollout.releases.keys() == {NEWER.id}


def test_settings_taken_back_while_it_rolls_take_the_moved_ones_back() -> None:
    world = FleetWorld(named(8))
    for _ in range(6):
        world.tick()
    assert NEW.id in world.on.values()
    world.wanted = OLD
    world.tick(restart=True)
    assert set(world.on.values()) == {OLD.id}
    assert not world.rollout.open


def test_a_newer_release_in_the_middle_takes_nobody_back_first() -> None:
    world = FleetWorld(named(8))
    for _ in range(6):
        world.tick()
    moved = [name for name, release in world.on.items() if release == NEW.id]
    world.wanted = NEWER
    world.tick(restart=True)
    assert all(world.on[name] in {NEW.id, NEWER.id} for name in moved)
    world.run()
    assert set(world.on.values()) == {NEWER.id}


def test_the_first_record_moves_nobody() -> None:
    assert rollout.begin(None, NEW) == Rollout(releases={NEW.id: NEW}, stable=NEW.id, message="First release.")


@settings(max_examples=150, deadline=None)
@given(
    count=st.integers(1, 24),
    broken=st.sets(st.integers(0, 23)),
    canaries=st.sets(st.integers(0, 23), max_size=3),
    paused=st.sets(st.integers(0, 23), max_size=4),
    restarts=st.sets(st.integers(0, 150)),
    ratio=st.sampled_from([0.0, 0.1, 0.5]),
)
def test_whatever_breaks_and_whenever_the_operator_dies(
    count: int, broken: set[int], canaries: set[int], paused: set[int], restarts: set[int], ratio: float
) -> None:
    """It ends; never more than the budget and one wave are down; a settled fleet is on one release but for the paused."""
    fails = {f"org-{number:02}" for number in broken}
    world = FleetWorld(
        named(count),
        policy=replace(QUICK, failure_ratio=ratio),
        fails=lambda name, release: release == NEW.id and name in fails,
        canaries={f"org-{number:02}" for number in canaries},
        paused={f"org-{number:02}" for number in paused},
    )
    wave = max(len(world.canaries & set(world.names)), 1, -(-count // 4))
    for turn in range(600):
        world.tick(restart=turn in restarts)
        assert world.most_down <= ratio * count + wave
        if world.rollout.phase is not Phase.ROLLING:
            break
    world.tick()
    free = set(world.names) - world.paused
    assert world.rollout.phase in {Phase.SETTLED, Phase.ROLLED_BACK}
    assert len({world.on[name] for name in free}) <= 1
    assert {world.on[name] for name in world.paused & set(world.names)} <= {OLD.id}
    if world.rollout.phase is Phase.ROLLED_BACK:
        assert set(world.on.values()) == {OLD.id}


@pytest.mark.parametrize(
    "damaged",
    [
        {"metadata": {"name": "fleet-release"}, "data": {}},
        {"metadata": {"name": "fleet-release"}, "data": {"fleet.json": "{"}},
        {"metadata": {"name": "fleet-release"}, "data": {"fleet.json": '{"format": 2}'}},
    ],
)
def test_a_record_that_cannot_be_read_stops_the_operator(damaged: dict[str, object]) -> None:
    with pytest.raises(fleet_record.RecordError, match="fleet-release"):
        fleet_record.parse(damaged)

"""One operator at a time."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest

from fake_cluster import FakeCluster
from kozutumi_operator.cluster import lease
from kozutumi_operator.cluster.kinds import LEASE, Object
from kozutumi_operator.cluster.lease import DURATION, Leadership, may_take

START = datetime(2026, 1, 1, tzinfo=UTC)


def held_by(identity: str, at: datetime = START) -> Object:
    return lease.render(identity, at)


@pytest.mark.parametrize(
    ("found", "later", "may"),
    [
        (held_by("us"), timedelta(0), True),
        (held_by("them"), timedelta(0), False),
        (held_by("them"), DURATION, False),
        (held_by("them"), DURATION + timedelta(seconds=1), True),
        (held_by(""), timedelta(0), True),
        ({"spec": {}}, timedelta(0), True),
    ],
)
def test_who_may_take_it(found: Object, later: timedelta, may: object) -> None:
    assert may_take(found, "us", START, START + later) is may


async def test_a_holder_s_clock_that_is_wrong_does_not_end_its_lease() -> None:
    cluster = FakeCluster()
    behind, second = Leadership(cluster.as_cluster(), "behind"), Leadership(cluster.as_cluster(), "second")
    hour = timedelta(hours=1)
    for seconds in range(0, 60, 5):
        assert await behind.hold(START - hour + timedelta(seconds=seconds))
        assert not await second.hold(START + timedelta(seconds=seconds))
    assert await second.hold(START + timedelta(seconds=55) + DURATION + timedelta(seconds=1))


async def test_each_shard_has_a_lease_of_its_own() -> None:
    cluster = FakeCluster()
    for shard in ("east", "west"):
        assert await Leadership(cluster.as_cluster(), shard, lease.name_of(shard)).hold(START)
    assert {name for _, _, name in cluster.objects} == {"kozutumi-operator-east", "kozutumi-operator-west"}


async def test_it_is_taken_renewed_given_up_and_taken_over() -> None:
    cluster = FakeCluster()
    first, second = Leadership(cluster.as_cluster(), "first"), Leadership(cluster.as_cluster(), "second")
    assert await first.hold(START)
    assert not await second.hold(START)
    assert await first.hold(START + timedelta(seconds=5))
    await first.release(START + timedelta(seconds=6))
    assert await second.hold(START + timedelta(seconds=7))
    spec = cluster.objects[LEASE.name, "kozutumi-system", lease.NAME]["spec"]
    assert (spec["holderIdentity"], spec["leaseTransitions"]) == ("second", 3)


async def test_losing_a_race_is_told() -> None:
    cluster = FakeCluster()
    first, second = Leadership(cluster.as_cluster(), "first"), Leadership(cluster.as_cluster(), "second")
    await first.hold(START)
    late = START + DURATION + timedelta(seconds=1)
    assert not await second.hold(START)
    assert await second.hold(late)
    assert not await first.hold(late)  # its resource version is old: the API server refuses
    assert not await first.hold(late)


async def test_a_renewal_whose_answer_was_lost_is_no_loss() -> None:
    cluster = FakeCluster()
    ours = Leadership(cluster.as_cluster(), "ours")
    await ours.hold(START)
    before = ours.held
    await ours.hold(START + timedelta(seconds=5))
    ours.held = before
    assert await ours.hold(START + timedelta(seconds=10))

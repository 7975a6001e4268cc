"""Archives of departed organizations: kept while locked, then removed, also by an operator that starts later."""

from __future__ import annotations

from datetime import datetime, timedelta

import operator_builders as builders
from fake_cluster import FakeCluster
from fake_store import FakeStore
from kozutumi_contract import labels
from kozutumi_operator.organizations.disposal_record import config_map
from kozutumi_operator.reconcile.archives import RETRY, Archives
from kozutumi_operator.reconcile.effects import Effects
from kozutumi_operator.reconcile.storage import Storage
from kozutumi_operator.reconcile.storage_names import tags_of
from kozutumi_operator.storage.ports import Bucket
from operator_world import NOW

ARCHIVE = "kozutumi-acme-archive"
ORGANIZATION = builders.organization()
DAY = timedelta(days=1)
PLACE = ("ConfigMap", labels.SYSTEM_NAMESPACE, "disposal-acme")


class World:
    def __init__(self, until: datetime) -> None:
        self.now = NOW
        self.store = FakeStore(now=lambda: self.now)
        self.store.buckets[ARCHIVE] = Bucket(tags_of(ORGANIZATION), True, True, None, "ap-northeast-1")
        self.store.objects[ARCHIVE] = {"head": until, "loose": None}
        self.cluster = FakeCluster()
        written = until.isoformat()
        annotations = {labels.ARCHIVE_BUCKET: ARCHIVE, labels.ARCHIVE_UNTIL: written}
        self.cluster.objects[PLACE] = config_map(ORGANIZATION, {"disposal.json": "signed"}, annotations)
        self.cluster.objects[PLACE]["metadata"]["resourceVersion"] = "1"

    def process(self) -> Archives:
        effects = Effects()
        storage = Storage(self.store, builders.settings(), effects)
        return Archives(self.cluster.as_cluster(), effects, storage, lambda: self.now)

    def annotations(self) -> dict[str, str]:
        annotations: dict[str, str] = self.cluster.objects[PLACE]["metadata"]["annotations"]
        return annotations


async def test_nothing_is_asked_of_the_store_before_the_date_and_all_is_gone_after_it() -> None:
    world = World(NOW + DAY / 2)
    archives = world.process()
    assert await archives.sweep() == DAY / 2
    assert world.store.calls == []
    world.now += DAY / 2
    assert await world.process().sweep() is None  # another process: the record is all it needs
    assert world.store.buckets == {}
    assert labels.ARCHIVE_REMOVED in world.annotations()
    assert world.cluster.objects[PLACE]["data"] == {"disposal.json": "signed"}
    world.store.calls.clear()
    assert await world.process().sweep() is None
    assert world.store.calls == []


async def test_what_was_locked_anew_meanwhile_stays_and_the_date_moves() -> None:
    world = World(NOW)
    world.store.objects[ARCHIVE]["late head"] = NOW + 10 * DAY
    assert await world.process().sweep() == DAY  # timers are short, dates are not
    assert world.store.objects[ARCHIVE] == {"late head": NOW + 10 * DAY}
    assert world.annotations()[labels.ARCHIVE_UNTIL] == "2026-01-11T00:00:01Z"
    world.now += 10 * DAY + timedelta(seconds=1)
    assert await world.process().sweep() is None
    assert world.store.buckets == {}


async def test_a_bucket_of_another_is_left_alone_and_a_store_that_is_away_is_tried_again() -> None:
    world = World(NOW)
    world.store.away = True
    archives = world.process()
    assert await archives.sweep() == RETRY
    world.store.away = False
    theirs = Bucket({"service-code": "acme", "organization-uid": "another"}, True, True, None)
    world.store.buckets[ARCHIVE] = theirs
    assert await archives.sweep() is None
    assert world.store.buckets == {ARCHIVE: theirs}
    assert labels.ARCHIVE_REMOVED in world.annotations()


async def test_a_record_written_later_is_found_when_woken() -> None:
    world = World(NOW + DAY / 2)
    record = world.cluster.objects.pop(PLACE)
    archives = world.process()
    assert await archives.sweep() is None
    world.cluster.objects[PLACE] = record
    assert await archives.sweep() is None
    archives.consider()
    assert await archives.sweep() == DAY / 2

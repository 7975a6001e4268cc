"""Announcements on their way to the apps: whom they concern, apps that are away, what is over or edited."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Any, cast

import pytest

from fake_cluster import FakeCluster
from kozutumi_operator.announcements.announcement import parse
from kozutumi_operator.cluster.kinds import ANNOUNCEMENT, ORGANIZATION, Object
from kozutumi_operator.errors import TenantUnavailable
from kozutumi_operator.reconcile.announcing import Announcing
from kozutumi_operator.reconcile.effects import Effect
from kozutumi_operator.reconcile.following import Following
from kozutumi_operator.reconcile.memory import Memories
from kozutumi_operator.reconcile.relisting import Kept, Relisting
from operator_world import Crashing, surviving

NOW = datetime(2026, 11, 24, 12, 0, tzinfo=UTC)
CODES: dict[str, dict[str, str]] = {"aoi": {"tier": "gold"}, "kaede": {}, "momiji": {"tier": "gold"}}


def body(
    name: str = "a1", *, audience: dict[str, Any] | None = None, until: str | None = None, title: str = "t"
) -> Object:
    words = {"title": title, "body": "b"}
    return {
        "apiVersion": ANNOUNCEMENT.api_version,
        "kind": ANNOUNCEMENT.name,
        "metadata": {"name": name, "uid": f"uid-{name}", "generation": 1, "resourceVersion": "1"},
        "spec": {
            "type": "Maintenance",
            "audience": audience or {"all": True},
            "schedule": {"until": until} if until else {},
            "text": {"ja": words, "en": words},
        },
    }


@dataclass
class App:
    has: dict[str, str] = field(default_factory=dict)
    away: bool = False
    calls: int = 0

    def _answer(self) -> None:
        self.calls += 1
        if self.away:
            raise TenantUnavailable("away")

    async def announcements(self) -> dict[str, str]:
        self._answer()
        return dict(self.has)

    async def announce(self, document: Mapping[str, Any]) -> None:
        self._answer()
        self.has[document["id"]] = document["digest"]

    async def withdraw(self, name: str) -> None:
        self._answer()
        self.has.pop(name, None)


@dataclass
class World:
    cluster: FakeCluster = field(default_factory=FakeCluster)
    apps: dict[str, App] = field(default_factory=lambda: {code: App() for code in CODES})
    performed: list[Effect] = field(default_factory=list)
    time: datetime = NOW
    queue: list[str] = field(default_factory=list)
    announcing: Announcing = field(init=False)

    def put(self, announcement: Object) -> None:
        name = announcement["metadata"]["name"]
        old = self.cluster.objects.get(("Announcement", "", name))
        if old is not None:
            announcement["metadata"]["generation"] = old["metadata"]["generation"] + 1
            announcement["status"] = old.get("status", {})
        self.cluster.objects["Announcement", "", name] = announcement
        self.announcing.seen("MODIFIED", announcement)

    def status(self, name: str = "a1") -> tuple[str, int, int]:
        status = self.cluster.objects["Announcement", "", name]["status"]
        return status["phase"], status["delivered"], status["concerned"]

    async def start(self, crash_after: Effect | None = None) -> None:
        """A new operator process, with what its watches tell it first."""
        self.queue.clear()
        following = Following(cast("Any", None), Memories(), lambda _: None, lambda: 0.5)
        following._tenants.update({code: (b"", cast("Any", app)) for code, app in self.apps.items()})
        self.announcing = Announcing(
            cluster=self.cluster.as_cluster(),
            effects=Crashing(crash_after, self.performed),
            following=following,
            add=self.queue.append,
            add_later=lambda name, _: self.queue.append(name),
            mine=lambda organization: "foreign" not in organization["metadata"].get("labels", {}),
            now=lambda: self.time,
        )
        await self.announcing.load()
        for code, labels in CODES.items():
            self.announcing.organization_seen(None, {"metadata": {"name": code, "labels": labels}})
        for place, found in self.cluster.objects.items():
            if place[0] == "Announcement":
                self.announcing.seen(None, found)

    async def work(self) -> float | None:
        """Until the queue is empty; the last answer for an announcement."""
        answer = None
        for _ in range(200):
            if not self.queue:
                return answer
            name = self.queue.pop(0)
            after = await self.announcing.look(name)
            answer = after if name.startswith("announcement/") else answer
        raise AssertionError(self.queue)


@pytest.fixture
async def world() -> World:
    world = World()
    await world.start()
    await world.work()
    return world


async def test_what_went_while_a_watch_was_broken_is_withdrawn(world: World) -> None:
    world.put(body())
    await world.work()
    assert who_has(world) == set(CODES)
    del world.cluster.objects["Announcement", "", "a1"]
    await world.work()
    assert who_has(world) == set(CODES), "nobody told"
    kept = Kept(ANNOUNCEMENT, world.announcing.shown, world.announcing.seen)
    await Relisting(world.cluster.as_cluster(), [kept]).look()
    await world.work()
    assert who_has(world) == set()


async def test_a_new_process_tells_nothing_as_delivered_before_it_has_seen_whom_it_concerns(world: World) -> None:
    for code, labels in CODES.items():
        organization = {"apiVersion": ORGANIZATION.api_version, "kind": ORGANIZATION.name}
        metadata = {"name": code, "labels": labels, "uid": code, "resourceVersion": "1"}
        world.cluster.objects["Organization", "", code] = {**organization, "metadata": metadata}
    world.cluster.objects["Announcement", "", "a1"] = body()
    world.announcing._labels.clear()
    await world.announcing.load()
    world.announcing.seen(None, body())
    await world.announcing.look("announcement/a1")
    assert (world.status(), delivered(world)) == (("Shown", 0, 3), "False")
    await world.work()
    assert (who_has(world), delivered(world)) == (set(CODES), "True")


def delivered(world: World) -> str:
    conditions = world.cluster.objects["Announcement", "", "a1"]["status"]["conditions"]
    return str(next(each["status"] for each in conditions if each["type"] == "Delivered"))


def who_has(world: World, name: str = "a1") -> set[str]:
    return {code for code, app in world.apps.items() if name in app.has}


@pytest.mark.parametrize(
    ("audience", "concerned"),
    [
        ({"all": True}, {"aoi", "kaede", "momiji"}),
        ({"codes": ["kaede", "nobody"]}, {"kaede"}),
        ({"labels": {"tier": "gold"}}, {"aoi", "momiji"}),
        ({"labels": {"tier": "gold", "more": "x"}}, set()),
    ],
)
async def test_it_reaches_whom_it_concerns_and_says_so(
    world: World, audience: dict[str, Any], concerned: set[str]
) -> None:
    world.put(body(audience=audience))
    await world.work()
    assert who_has(world) == concerned
    assert world.status() == ("Shown", len(concerned), len(concerned))


async def test_an_app_that_is_away_gets_it_when_it_answers_again(world: World) -> None:
    world.apps["kaede"].away = True
    world.put(body())
    await world.work()
    assert world.status() == ("Shown", 2, 3)
    world.apps["kaede"].away = False
    world.announcing.answered("kaede")
    await world.work()
    assert world.status() == ("Shown", 3, 3)


async def test_an_app_that_has_it_is_not_asked_again(world: World) -> None:
    world.put(body())
    await world.work()
    calls = world.apps["aoi"].calls
    for _ in range(3):
        world.announcing.answered("aoi")
        world.announcing.seen("MODIFIED", world.cluster.objects["Announcement", "", "a1"])
    await world.work()
    assert world.apps["aoi"].calls == calls


async def test_edited_it_is_brought_again_and_to_whom_it_no_longer_concerns_taken_back(world: World) -> None:
    world.put(body())
    await world.work()
    edited = body(title="later", audience={"codes": ["aoi"]})
    world.put(edited)
    await world.work()
    assert who_has(world) == {"aoi"}
    assert world.apps["aoi"].has["a1"] == parse(edited).digest
    assert world.status() == ("Shown", 1, 1)


async def test_over_it_is_taken_back(world: World) -> None:
    world.put(body(until="2026-11-24T13:00:00Z"))
    assert await world.work() == 3600
    world.time = NOW + timedelta(hours=1)
    world.queue.append("announcement/a1")
    await world.work()
    assert who_has(world) == set()
    assert world.status() == ("Over", 3, 3)


async def test_deleted_while_the_operator_was_away_it_is_taken_back(world: World) -> None:
    world.put(body())
    await world.work()
    del world.cluster.objects["Announcement", "", "a1"]
    await world.start()
    await world.work()
    assert who_has(world) == set()


async def test_deleted_it_is_taken_back(world: World) -> None:
    world.put(body())
    await world.work()
    gone = world.cluster.objects.pop(("Announcement", "", "a1"))
    world.announcing.seen("DELETED", gone)
    await world.work()
    assert who_has(world) == set()


async def test_a_restart_brings_nothing_anew_and_takes_nothing_back(world: World) -> None:
    world.put(body())
    await world.work()
    world.performed.clear()
    await world.start()
    await world.work()
    assert {Effect.PUSH_ANNOUNCEMENT, Effect.WITHDRAW_ANNOUNCEMENT} & set(world.performed) == set()
    assert world.status() == ("Shown", 3, 3)


@pytest.mark.parametrize("effect", [Effect.PUSH_ANNOUNCEMENT, Effect.WRITE_ANNOUNCEMENT_STATUS])
async def test_killed_on_the_way_it_ends_the_same(effect: Effect) -> None:
    world = World()
    await world.start(crash_after=effect)
    world.put(body())
    await surviving(world.work)
    assert effect in world.performed
    await world.start()
    await world.work()
    assert (who_has(world), world.status()) == ({"aoi", "kaede", "momiji"}, ("Shown", 3, 3))


async def test_an_organization_that_comes_goes_or_is_relabelled_is_followed(world: World) -> None:
    world.put(body(audience={"labels": {"tier": "gold"}}))
    await world.work()
    world.announcing.organization_seen("MODIFIED", {"metadata": {"name": "kaede", "labels": {"tier": "gold"}}})
    await world.work()
    assert who_has(world) == {"aoi", "kaede", "momiji"}
    world.announcing.organization_seen("DELETED", {"metadata": {"name": "kaede"}})
    world.announcing.organization_seen("ADDED", {"metadata": {"name": "x", "labels": {"foreign": "", "tier": "gold"}}})
    await world.work()
    assert world.status() == ("Shown", 2, 2)

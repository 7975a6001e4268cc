"""What is gone without an event: deleted after it was listed at the start, and before the watch began."""

from __future__ import annotations

import asyncio
from typing import Any

import pytest

import operator_builders as builders
from fake_cluster import FakeCluster
from kozutumi_operator.cluster.kinds import ORGANIZATION, ORGANIZATION_PLAN, Kind, Object
from kozutumi_operator.errors import ClusterUnavailable
from kozutumi_operator.reconcile import relisting
from kozutumi_operator.reconcile.effects import Effects
from kozutumi_operator.reconcile.planning import Planning
from kozutumi_operator.reconcile.relisting import Kept, Relisting
from kozutumi_operator.reconcile.resolving import Resolving
from operator_world import now


def put(cluster: FakeCluster, kind: Kind, name: str, **fields: Any) -> Object:
    body = {**fields, "metadata": {"name": name, "uid": name, "resourceVersion": "0", "generation": 1}}
    body |= {"apiVersion": kind.api_version, "kind": kind.name}
    cluster.objects[kind.name, "", name] = body
    return body


@pytest.fixture
def cluster() -> FakeCluster:
    cluster = FakeCluster()
    put(cluster, ORGANIZATION_PLAN, "small", spec={"default": True})
    put(cluster, ORGANIZATION_PLAN, "large", spec={})
    put(cluster, ORGANIZATION, "acme", spec=builders.body()["spec"])
    return cluster


async def test_a_plan_and_an_organization_that_went_unseen_are_forgotten(cluster: FakeCluster) -> None:
    queued: list[str] = []
    resolving = Resolving(builders.settings(), queued.append)
    planning = Planning(cluster.as_cluster(), Effects(), resolving, now=now, random=lambda: 0.5)
    relisting = Relisting(
        cluster.as_cluster(),
        (
            Kept(ORGANIZATION_PLAN, lambda: resolving.plans, planning.seen),
            Kept(ORGANIZATION, lambda: resolving.organizations, resolving.organization_seen),
        ),
    )
    await resolving.load(cluster.as_cluster())
    await relisting.look()
    assert (set(resolving.plans), queued) == ({"small", "large"}, [])
    del cluster.objects["OrganizationPlan", "", "small"]
    await relisting.look()
    assert set(resolving.plans) == {"large"}
    assert queued == ["acme"], "it went by the default plan"
    del cluster.objects["Organization", "", "acme"]
    await relisting.look()
    assert set(resolving.organizations) == set()


async def test_what_is_made_during_the_listing_is_not_gone(
    cluster: FakeCluster, monkeypatch: pytest.MonkeyPatch
) -> None:
    names, told = {"small", "large"}, list[str]()
    listing = cluster.list

    async def meanwhile(kind: Kind, namespace: str | None = None, *, label_selector: str = "") -> list[Object]:
        found = await listing(kind, namespace, label_selector=label_selector)
        names.add("new")
        return found

    monkeypatch.setattr(cluster, "list", meanwhile)
    kept = Kept(ORGANIZATION_PLAN, lambda: names, lambda _, found: told.append(found["metadata"]["name"]))
    await Relisting(cluster.as_cluster(), [kept]).look()
    assert told == []


async def test_a_listing_that_fails_makes_nothing_gone(cluster: FakeCluster, monkeypatch: pytest.MonkeyPatch) -> None:
    async def failing(*_: object, **__: object) -> list[Object]:
        raise ClusterUnavailable("503")

    monkeypatch.setattr(cluster, "list", failing)
    told: list[str] = []
    kept = [
        Kept(kind, lambda: ["one"], lambda _, found: told.append(found["metadata"]["name"]))
        for kind in (ORGANIZATION, ORGANIZATION_PLAN)
    ]
    await Relisting(cluster.as_cluster(), kept).look()
    assert told == []


async def test_it_lists_after_its_start_and_each_listing_of_a_watch_and_never_at_rest(
    cluster: FakeCluster, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(relisting, "SETTLING", 0.0)
    looks = asyncio.Queue[None]()
    again = Relisting(cluster.as_cluster(), [Kept(ORGANIZATION_PLAN, lambda: ["small"], lambda *_: None)])

    async def look() -> None:
        looks.put_nowait(None)

    monkeypatch.setattr(again, "look", look)
    running = asyncio.create_task(again.run())
    try:
        await asyncio.wait_for(looks.get(), 30)
        for event in ("ADDED", "MODIFIED", "DELETED"):
            again.seen(event, {})
        await asyncio.sleep(0.05)
        assert looks.empty()
        again.seen(None, {})
        await asyncio.wait_for(looks.get(), 30)
        await asyncio.sleep(0.05)
        assert looks.empty()
    finally:
        running.cancel()


async def test_a_listing_that_fails_is_tried_again(cluster: FakeCluster, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(relisting, "SETTLING", 0.0)
    told = asyncio.Queue[str]()
    listing, failures = cluster.list, [ClusterUnavailable("503"), ClusterUnavailable("503")]

    async def failing(kind: Kind, namespace: str | None = None, *, label_selector: str = "") -> list[Object]:
        if failures:
            raise failures.pop()
        return await listing(kind, namespace, label_selector=label_selector)

    monkeypatch.setattr(cluster, "list", failing)
    kept = Kept(ORGANIZATION_PLAN, lambda: ["gone"], lambda _, found: told.put_nowait(found["metadata"]["name"]))
    running = asyncio.create_task(Relisting(cluster.as_cluster(), [kept]).run())
    try:
        assert await asyncio.wait_for(told.get(), 30) == "gone"
    finally:
        running.cancel()

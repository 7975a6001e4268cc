"""A walk over the network matrix: pods out, results in, pods away, whatever happens."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Sequence
from datetime import timedelta
from typing import Any

import pytest

import operator_builders as builders
from fake_cluster import FakeCluster
from kozutumi_operator.cluster.kinds import POD, Object
from kozutumi_operator.errors import ClusterUnavailable
from kozutumi_operator.organizations.facts import Isolation
from kozutumi_operator.organizations.observed import observe
from kozutumi_operator.probe import attempts
from kozutumi_operator.probe.matrix import Addresses, Cell
from kozutumi_operator.reconcile import isolation, probing
from kozutumi_operator.reconcile.effects import Effects
from kozutumi_operator.reconcile.isolation import Isolating
from kozutumi_operator.reconcile.memory import Memories
from kozutumi_operator.reconcile.probing import Probing
from operator_world import now

AT = Addresses(**{name: f"10.96.1.{number}" for number, name in enumerate(Addresses.__dataclass_fields__)})


class Nodes(FakeCluster):
    """Runs each pod to its end at once. `leak` is a source whose closed doors stand open."""

    leak = ""
    broken = False

    async def create(self, obj: Object, *, dry_run: bool = False, namespace: str | None = None) -> Object:
        made = await super().create(obj, dry_run=dry_run, namespace=namespace)
        targets = json.loads(obj["spec"]["containers"][0]["env"][0]["value"])["targets"]
        leaking = self.leak == obj["metadata"]["name"]
        message = "".join("d" if expected == "closed" and not leaking else "c" for _, _, expected in targets)
        terminated = {} if self.broken else {"message": message}
        place = (POD.name, obj["metadata"]["namespace"], obj["metadata"]["name"])
        self.objects[place]["status"] = {
            "phase": "Succeeded",
            "containerStatuses": [{"state": {"terminated": terminated}}],
        }
        return made


@pytest.fixture(autouse=True)
def no_network(monkeypatch: pytest.MonkeyPatch) -> None:
    real = asyncio.sleep

    async def at_once(_: float) -> None:
        await real(0)

    async def resolve(*_: object) -> Addresses:
        return AT

    async def judge(cells: Sequence[Cell]) -> dict[Cell, str]:
        return {cell: "c" if cell.expected == "open" else "d" for cell in cells}

    monkeypatch.setattr("kozutumi_operator.reconcile.probing.asyncio.sleep", at_once)
    monkeypatch.setattr(probing, "resolve", resolve)
    monkeypatch.setattr(attempts, "judge", judge)


def walks(cluster: FakeCluster) -> Probing:
    return Probing(cluster.as_cluster(), Effects(), builders.settings(), now)


def pods(cluster: FakeCluster) -> list[str]:
    return [place[2] for place in cluster.objects if place[0] == POD.name]


async def test_five_pods_and_the_operator_itself_walk_and_nothing_stays() -> None:
    cluster = Nodes()
    result = await walks(cluster).walk("acme")
    assert (result.open_cells, result.blocked_cells) == ((), ())
    assert result.allowed == 13
    assert result.denied > 35
    created = [line.split()[-1] for line in cluster.log if line.startswith("create Pod")]
    assert sorted(created) == ["probe-acme", "probe-acme", "probe-app", "probe-other", "probe-scanner"]
    assert pods(cluster) == []


async def test_an_open_door_is_named() -> None:
    cluster = Nodes()
    cluster.leak = "probe-scanner"
    result = await walks(cluster).walk("acme")
    assert "scanner -> S3" in result.open_cells
    assert all(cell.startswith("scanner -> ") for cell in result.open_cells)


async def test_a_pod_left_by_a_cut_off_walk_makes_way() -> None:
    cluster = Nodes()
    cluster.objects[POD.name, "kz-acme", "probe-app"] = {"metadata": {"name": "probe-app", "uid": "old"}}
    assert (await walks(cluster).walk("acme")).blocked_cells == ()


async def test_a_pod_without_a_result_proves_nothing_and_still_goes() -> None:
    cluster = Nodes()
    cluster.broken = True
    with pytest.raises(ClusterUnavailable, match="without a result"):
        await walks(cluster).walk("acme")
    assert pods(cluster) == []


def policy(**metadata: Any) -> Object:
    described = {"name": "default-deny", "namespace": "kz-acme", "uid": "u", "generation": 1, **metadata}
    return {"apiVersion": "networking.k8s.io/v1", "kind": "NetworkPolicy", "metadata": described}


def test_what_may_change_the_network_calls_for_a_walk() -> None:
    before = probing.fingerprint(observe([policy()]))
    assert probing.fingerprint(observe([policy(labels={"a": "b"}, resourceVersion="9")])) == before
    for changed in (policy(uid="again"), policy(generation=2), policy(name="other")):
        assert probing.fingerprint(observe([changed])) != before
    assert probing.due("old", "new", now() + timedelta(hours=1), now())
    assert probing.due("same", "same", None, now())
    assert not probing.due("same", "same", now() + timedelta(seconds=1), now())
    assert probing.due("same", "same", now(), now())


def test_a_good_result_outlives_the_operator_and_a_bad_one_does_not() -> None:
    figures = {"probedAt": "2026-01-01T00:00:00Z", "allowed": 7, "denied": 32}
    for status, expected in (
        ("True", Isolation(probed_at="2026-01-01T00:00:00Z", allowed=7, denied=32)),
        ("False", None),
        ("Unknown", None),
    ):
        conditions = [{"type": "NetworkIsolated", "status": status}]
        assert isolation.recorded({"status": {"isolation": figures, "conditions": conditions}}) == expected
    assert isolation.recorded({}) is None


async def test_one_walk_at_a_time_and_its_result_is_remembered() -> None:
    cluster, memories, changed = Nodes(), Memories(), list[str]()
    isolating = Isolating(walks(cluster), memories, changed.append, now=now, random=lambda: 0.5)
    organization, observed = builders.organization(), observe([policy()])
    isolating.consider({}, organization, observed)
    isolating.consider({}, organization, observed)
    await isolating.finished("acme")
    assert changed == ["acme"]
    assert cluster.log.count("create Pod probe-app") == 1
    memory = memories.of("acme")
    assert memory.isolation is not None
    assert memory.isolation_due == now() + timedelta(seconds=probing.INTERVAL)
    isolating.consider({}, organization, observed)
    await isolating.finished("acme")
    assert changed == ["acme"]


async def test_a_bad_result_is_looked_at_again_soon() -> None:
    cluster, memories = Nodes(), Memories()
    cluster.leak = "probe-app"
    isolating = Isolating(walks(cluster), memories, lambda _: None, now=now, random=lambda: 0.5)
    isolating.consider({}, builders.organization(), observe([policy()]))
    await isolating.finished("acme")
    assert memories.of("acme").isolation_due == now() + timedelta(seconds=probing.RETRY)

"""What the operator leans on goes away and comes back: its own leader, the API server, the object store, the last word."""

from __future__ import annotations

import os
import signal
import threading
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

import pytest

import fleet_world
from e2e_world import AOI, KAEDE, World, wait_until
from kozutumi_cluster import processes
from kozutumi_cluster.demo import organizations
from kozutumi_cluster.errors import ClusterError
from kozutumi_contract import labels

SYSTEM = labels.SYSTEM_NAMESPACE
RETAIN = {"spec": {"deletionPolicy": "Retain", "retainFor": "720h"}}
DELETE = {"spec": {"deletionPolicy": "Delete", "retainFor": None}}


def is_heard(world: World, code: str) -> bool:
    """Whether the operator has seen the newest manifest."""
    found = world.kubectl.json("get", "organization", code)
    return bool(found.get("status", {}).get("observedGeneration") == found["metadata"]["generation"])


def change_and_wait(world: World, code: str, *, seconds: float = 120) -> None:
    """A change that touches no pod, and back; each time the operator must notice."""
    for patch in (RETAIN, DELETE):
        world.patch("organization", code, patch=patch)
        wait_until(f"the change of {code} being seen", lambda: is_heard(world, code), seconds=seconds)


def answers(world: World) -> bool:
    """Also for what the definitions add, which an API server learns a moment after it is ready."""
    try:
        return "ok" in world.kubectl("get", "--raw", "/readyz", timeout=10) and world.kubectl.exists("organizations")
    except ClusterError:
        return False


def restart_api_server(world: World) -> int:
    """SIGKILL; the node's supervisor starts it again. Returns the process id that was killed."""
    [server] = [
        process for process in processes.of_cluster(world.layout) if Path(process.argv[0]).name == "kube-apiserver"
    ]
    os.kill(server.pid, signal.SIGKILL)
    return server.pid


def restarts(world: World) -> dict[str, int]:
    words = ("get", "pods", "-n", SYSTEM, "-l", f"{labels.COMPONENT}=operator")
    pods = world.kubectl.json(*words)["items"]
    return {
        pod["metadata"]["name"]: sum(each["restartCount"] for each in pod["status"]["containerStatuses"])
        for pod in pods
    }


def test_a_killed_leader_is_replaced_and_nobody_outside_notices(world: World) -> None:
    killed = world.leader()
    with fleet_world.polling(world, [AOI, KAEDE]) as polls:
        world.kubectl("delete", "pod", killed, "-n", SYSTEM, "--grace-period=0", "--force")
        wait_until("the standby leading", lambda: world.leader() not in {"", killed}, seconds=60)
        change_and_wait(world, KAEDE)
    assert polls.failures == []
    organizations.wait_ready(world.kubectl, KAEDE)


def test_an_api_server_killed_and_back_costs_at_most_a_restart(world: World) -> None:
    world.wait_rolled_out(SYSTEM, fleet_world.OPERATOR)  # the one that was killed before has its successor
    before, leader = restarts(world), world.leader()
    with fleet_world.polling(world, [AOI, KAEDE]) as polls:
        restart_api_server(world)
        wait_until("the API server being back", lambda: answers(world), seconds=120)
        wait_until("a leader", lambda: world.leader() != "", seconds=60)
        change_and_wait(world, KAEDE, seconds=180)
    assert polls.failures == []
    again = restarts(world)
    print(f"leader {leader} → {world.leader()}, restarts {before} → {again}")
    assert again.keys() == before.keys()
    assert all(again[name] - before[name] <= 1 for name in before)


@contextmanager
def no_store(world: World) -> Iterator[None]:
    """The store's pods gone: its Service answers nobody."""
    [store] = world.kubectl.json("get", "deployments", "-n", labels.STORAGE_NAMESPACE)["items"]
    name = store["metadata"]["name"]
    words = ("scale", "-n", labels.STORAGE_NAMESPACE, f"deployment/{name}")
    world.kubectl(*words, "--replicas=0")
    try:
        yield
    finally:
        world.kubectl(*words, "--replicas=1")
        world.wait_rolled_out(labels.STORAGE_NAMESPACE, name)


@pytest.mark.slow
def test_created_without_an_object_store_it_waits_and_is_ready_once_that_is_back(world: World, spare: str) -> None:
    with no_store(world):
        world.create(spare)
        wait_until(
            "StorageUnavailable being told",
            lambda: world.kubectl.condition(spare, "StorageReady").get("reason") == "StorageUnavailable",
            seconds=120,
        )
        namespace = labels.namespace(spare)
        assert world.kubectl.exists("networkpolicy", "default-deny", "-n", namespace)
        assert not world.kubectl.exists("deployment", "app", "-n", namespace)
    organizations.wait_ready(world.kubectl, spare, seconds=300)
    for code in (AOI, KAEDE):
        organizations.wait_ready(world.kubectl, code, seconds=300)


def contend(world: World, code: str, done: threading.Event) -> None:
    """Write to the Organization again and again, so that the operator's compare-and-set meets 409."""
    number = 0
    while not done.wait(0.05):
        number += 1
        with suppress(ClusterError):  # whoever writes so much is refused now and then
            world.kubectl("annotate", "organization", code, f"kozutumi.com/test-contention={number}", "--overwrite")


@pytest.mark.slow
def test_created_and_deleted_with_others_writing_all_the_time(world: World, spare: str) -> None:
    done = threading.Event()
    world.create(spare)
    others = [threading.Thread(target=contend, args=(world, spare, done), daemon=True) for _ in range(3)]
    for other in others:
        other.start()
    try:
        organizations.wait_ready(world.kubectl, spare, seconds=300)
    finally:
        done.set()
    for other in others:
        other.join(timeout=30)
    world.dispose(spare)
    assert not world.kubectl.exists("namespace", labels.namespace(spare))


@pytest.mark.slow
@pytest.mark.timeout(900)
def test_created_and_deleted_through_changes_of_leader_and_api_server(world: World, spare: str) -> None:
    world.create(spare)
    wait_until("a leader", lambda: world.leader() != "", seconds=60)
    world.kubectl("delete", "pod", world.leader(), "-n", SYSTEM, "--grace-period=0", "--force")
    wait_until("a leader", lambda: world.leader() != "", seconds=60)
    restart_api_server(world)
    wait_until("the API server being back", lambda: answers(world), seconds=120)
    organizations.wait_ready(world.kubectl, spare, seconds=400)
    world.confirm_deletion(spare)
    world.kubectl("delete", "organization", spare, "--wait=false")
    wait_until("a leader", lambda: world.leader() != "", seconds=60)
    world.kubectl("delete", "pod", world.leader(), "-n", SYSTEM, "--wait=false", "--ignore-not-found")
    restart_api_server(world)
    wait_until("the API server being back", lambda: answers(world), seconds=120)
    world.kubectl("wait", "--for=delete", f"organization/{spare}", "--timeout=400s", timeout=430)
    assert not world.kubectl.exists("namespace", labels.namespace(spare))

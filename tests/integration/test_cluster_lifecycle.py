"""The development cluster itself: killed at any stage of its start, it goes on with `up` and leaves nothing by `down`.

A cluster of another name is used, beside the one that the other tests share.
"""

from __future__ import annotations

import contextlib
import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator

import pytest

from kozutumi_cluster import cleanup, processes
from kozutumi_cluster.layout import Layout

pytestmark = pytest.mark.timeout(1800)
LAYOUT = Layout.of("e2e-kill")
PROGRAM = [sys.executable, "-m", "kozutumi_cluster"]
PATIENCE_SECONDS = 400.0
TICK_SECONDS = 0.02


def has_pods() -> bool:
    return any(process.argv[0].endswith("coredns") for process in processes.of_cluster(LAYOUT))


def has_component(name: str) -> bool:
    return any(process.argv[0].endswith(f"/{name}") for process in processes.of_cluster(LAYOUT))


STAGES: dict[str, Callable[[], bool]] = {
    "certificates": LAYOUT.pki.exists,
    "network namespace": LAYOUT.netns.exists,
    "supervisor": lambda: processes.supervisor(LAYOUT) is not None,
    "etcd": lambda: has_component("etcd"),
    "kubelet": lambda: has_component("kubelet"),
    "first pod": has_pods,
}


def run(command: str) -> subprocess.CompletedProcess[str]:
    words = [*PROGRAM, command, f"--name={LAYOUT.name}"]
    return subprocess.run(words, capture_output=True, text=True, check=False)  # noqa: S603 - our own program


@pytest.fixture(autouse=True)
def nothing_before_and_after() -> Iterator[None]:
    run("down")
    yield
    run("down")


def kill_at(reached: Callable[[], bool]) -> None:
    """Start the cluster and SIGKILL the program and every process of the cluster once a stage is reached."""
    command = [*PROGRAM, "up", f"--name={LAYOUT.name}"]
    with subprocess.Popen(command, stdout=subprocess.DEVNULL) as starting:  # noqa: S603 - our own program
        deadline = time.monotonic() + PATIENCE_SECONDS
        while not reached():
            assert starting.poll() is None, "up ended before the stage was seen"
            assert time.monotonic() < deadline, "the stage never came"
            time.sleep(TICK_SECONDS)
        starting.kill()
    for process in processes.of_cluster(LAYOUT):
        with contextlib.suppress(ProcessLookupError):
            os.kill(process.pid, signal.SIGKILL)


@pytest.mark.parametrize("stage", STAGES)
def test_down_leaves_nothing_of_a_cluster_killed_halfway_through_up(stage: str) -> None:
    kill_at(STAGES[stage])
    assert cleanup.leftovers(LAYOUT.name), "nothing was there to be removed: the test proves nothing"
    ended = run("down")
    assert ended.returncode == 0, ended.stderr
    assert cleanup.leftovers(LAYOUT.name) == []


def test_up_goes_on_from_a_cluster_killed_halfway_and_may_be_run_again() -> None:
    kill_at(STAGES["kubelet"])
    for _ in range(2):
        ended = run("up")
        assert ended.returncode == 0, ended.stderr
    assert run("status").returncode == 0
    run("down")
    assert run("status").returncode == 1
    assert cleanup.leftovers(LAYOUT.name) == []

"""A cluster whose network plugin enforces nothing is caught, and told apart from one that does."""

from __future__ import annotations

import time

import pytest

import admission_world
import policy_engine
from e2e_world import KAEDE, World, wait_until
from kozutumi_cluster.demo import organizations
from kozutumi_contract import labels


@pytest.mark.slow
@pytest.mark.timeout(900)
def test_a_network_plugin_that_enforces_nothing_is_caught(world: World) -> None:
    kubectl = world.kubectl
    assert kubectl.condition(KAEDE, "NetworkIsolated")["reason"] == "MatrixEnforced"
    with policy_engine.stopped(world.layout):
        walk_again(world)
        started = time.monotonic()
        wait_until(
            "the open network being noticed",
            lambda: kubectl.condition(KAEDE, "NetworkIsolated")["reason"] == "PolicyNotEnforced",
            seconds=240,
        )
        print(f"PolicyNotEnforced {time.monotonic() - started:.0f} s after a walk was due")
        isolated, ready = kubectl.condition(KAEDE, "NetworkIsolated"), kubectl.condition(KAEDE, "Ready")
        assert (isolated["status"], ready["status"]) == ("False", "False")
        assert "Open on the wire although denied" in isolated["message"]
        assert "See that the cluster's network plugin enforces NetworkPolicy" in isolated["message"]
    organizations.wait_ready(kubectl, KAEDE, seconds=300)
    assert kubectl.condition(KAEDE, "NetworkIsolated")["reason"] == "MatrixEnforced"


def walk_again(world: World) -> None:
    """A policy that is put back is a reason for a walk."""
    with admission_world.past(world.kubectl, KAEDE):
        world.kubectl("delete", "networkpolicy", "scanner-egress", "-n", labels.namespace(KAEDE))

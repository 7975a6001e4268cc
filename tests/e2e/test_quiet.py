"""At rest the operator asks the API server for nothing: watches and its Lease, by the server's own audit log."""

from __future__ import annotations

import json
import time
from collections import Counter

import pytest

import fleet_world
from e2e_world import World, wait_until

OPERATOR = "system:serviceaccount:kozutumi-system:kozutumi-operator"
REST_SECONDS = 600


def requests_by_operator(world: World, start: int) -> Counter[str]:
    counted: Counter[str] = Counter()
    with world.layout.audit_log.open(encoding="utf-8") as file:
        file.seek(start)
        for line in file:
            event = json.loads(line)
            if event["user"]["username"] == OPERATOR and event["stage"] in {"RequestReceived", "ResponseComplete"}:
                resource = event.get("objectRef", {}).get("resource", event["requestURI"])
                counted[f"{event['verb']} {resource}"] += 1
    return counted


def walked(world: World) -> set[str]:
    """Whose network the operator at work has tried, by its log."""
    events = [json.loads(line) for line in world.operator_said().splitlines() if line.startswith("{")]
    return {event["service_code"] for event in events if event["event"] == "probed"}


@pytest.mark.slow
@pytest.mark.timeout(3600)
def test_at_rest_with_twenty_organizations_only_watches_and_the_lease(world: World, twenty: list[str]) -> None:
    """Each is touched first: its status is then new, and the hourly write of rounded figures not due meanwhile."""
    for code in twenty:
        world.patch("organization", code, patch={"spec": {"deletionPolicy": "Retain", "retainFor": "720h"}})
        world.patch("organization", code, patch={"spec": {"deletionPolicy": "Delete", "retainFor": None}})
    fleet_world.restart_operator(world)  # it walks every network anew, and the next walks are due in an hour
    wait_until("every network walked", lambda: set(twenty) <= walked(world), seconds=900, interval=5)
    time.sleep(60)  # the last status settles
    start = world.layout.audit_log.stat().st_size
    time.sleep(REST_SECONDS)
    counted = requests_by_operator(world, start)
    print(f"operator's requests in {REST_SECONDS} s with {len(twenty)} organizations: {dict(counted)}")
    assert counted
    others = {name: count for name, count in counted.items() if not name.startswith("watch ") and "leases" not in name}
    assert others == {}

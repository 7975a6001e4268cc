"""The provider opens a way out for an organization's data: nothing is opened until the organization says so."""

from __future__ import annotations

import json
from typing import Any

from e2e_world import KAEDE, World, wait_until
from kozutumi_cluster.demo.public import Public
from kozutumi_contract import labels

ELSEWHERE = "203.0.113.0/24"  # TEST-NET-3 (RFC 5737)


def change(world: World, egress: list[dict[str, Any]]) -> None:
    world.patch("organization", KAEDE, patch={"spec": {"network": {"extraEgress": egress}}})


def is_open(world: World) -> bool:
    return ELSEWHERE in json.dumps(world.kubectl.json("get", "networkpolicy", "-n", labels.namespace(KAEDE)))


def waiting(world: World) -> dict[str, str] | None:
    conditions = world.kubectl.json("get", "organization", KAEDE)["status"]["conditions"]
    return next((each for each in conditions if each["type"] == "ChangePending"), None)


def asked(administrator: Public) -> list[dict[str, Any]]:
    listed: list[dict[str, Any]] = administrator.json("GET", "/api/v1/changes")["changes"]
    return [each for each in listed if each["state"] == "pending"]


def wait_asked(world: World, administrator: Public) -> dict[str, Any]:
    wait_until("the app showing the change", lambda: len(asked(administrator)) == 1, seconds=60)
    wait_until("the condition showing it", lambda: waiting(world) is not None, seconds=30)
    return asked(administrator)[0]


def confirm(world: World, administrator: Public, change_id: str) -> None:
    administrator.json("POST", f"/api/v1/changes/{change_id}/confirm", {})
    wait_until("the change taking effect", lambda: waiting(world) is None, seconds=60)


def test_a_way_out_is_opened_only_by_the_organization(world: World) -> None:
    with world.administrator(KAEDE) as administrator:
        change(world, [{"cidr": ELSEWHERE, "port": 443}])
        try:
            shown = wait_asked(world, administrator)
            condition = waiting(world)
            assert condition is not None
            assert (condition["status"], condition["reason"]) == ("True", "AwaitingConsent")
            assert shown["id"] in condition["message"]
            assert (shown["kind"], ELSEWHERE in shown["summary"]) == ("spec.network.extraEgress", True)
            assert not is_open(world)
            confirm(world, administrator, shown["id"])
            wait_until("the way out being open", lambda: is_open(world), seconds=30)
        finally:
            change(world, [])
        confirm(world, administrator, wait_asked(world, administrator)["id"])
        wait_until("the way out being closed", lambda: not is_open(world), seconds=30)
        listed = administrator.json("GET", "/api/v1/audit?type=change.")["events"]
    assert [event["type"] for event in listed[:4]] == ["change.confirmed", "change.requested"] * 2

"""Deleting an organization: never by accident, key first, nothing left but what is named."""

from __future__ import annotations

import json
import time
from pathlib import Path

import pytest

from e2e_world import World
from kozutumi_cluster.demo import organizations
from kozutumi_cluster.errors import ClusterError
from kozutumi_contract import labels


def test_without_the_confirming_annotation_the_api_server_refuses(world: World, spare: str) -> None:
    world.create(spare)
    with pytest.raises(ClusterError, match=labels.CONFIRM_DELETION):
        world.kubectl("delete", "organization", spare, "--wait=false")
    world.kubectl("annotate", "organization", spare, f"{labels.CONFIRM_DELETION}=someone-else")
    with pytest.raises(ClusterError, match=labels.CONFIRM_DELETION):
        world.kubectl("delete", "organization", spare, "--wait=false")
    assert "deletionTimestamp" not in world.kubectl.json("get", "organization", spare)["metadata"]


def audit_lines(path: Path, start: int) -> list[dict[str, object]]:
    with path.open(encoding="utf-8") as file:
        file.seek(start)
        return [json.loads(line) for line in file if line.endswith("\n")]


def moment(lines: list[dict[str, object]], verb: str, resource: str, name: str) -> int:
    """Position of the first such request that the API server finished, in its own audit log."""
    for index, line in enumerate(lines):
        reference = line.get("objectRef")
        if not isinstance(reference, dict) or (line["stage"], line["verb"]) != ("ResponseComplete", verb):
            continue
        if reference.get("resource") == resource and name in (reference.get("name"), reference.get("namespace")):
            return index
    raise AssertionError(f"no {verb} of {resource} {name} in the audit log")


@pytest.mark.parametrize("cascade", ["foreground", "background"])
def test_the_key_goes_before_everything_else(world: World, spare: str, cascade: str) -> None:
    world.create(spare)
    organizations.wait_ready(world.kubectl, spare)
    start = world.layout.audit_log.stat().st_size
    world.dispose(spare, cascade=cascade)
    time.sleep(1)
    lines = audit_lines(world.layout.audit_log, start)
    namespace = labels.namespace(spare)
    key = next(
        index
        for index, line in enumerate(lines)
        if line["verb"] == "delete"
        and line["stage"] == "ResponseComplete"
        and isinstance(reference := line.get("objectRef"), dict)
        and (reference.get("resource"), reference.get("namespace"), reference.get("name"))
        == ("secrets", namespace, "keyring")
    )
    assert key < moment(lines, "delete", "namespaces", namespace)

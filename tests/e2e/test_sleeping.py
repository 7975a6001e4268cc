"""A scanner with nothing to do is stopped, and started again by the first file: nobody notices but by the wait."""

from __future__ import annotations

import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from e2e_world import KAEDE, World, wait_until
from kozutumi_cluster.demo import organizations, transfers
from kozutumi_cluster.demo.transfers import Outgoing
from kozutumi_contract import labels


@pytest.fixture
def drowsy(world: World) -> Iterator[str]:
    world.patch("organization", KAEDE, patch={"spec": {"scanner": {"scaleToZeroAfter": "1m"}}})
    yield KAEDE
    world.patch("organization", KAEDE, patch={"spec": {"scanner": {"scaleToZeroAfter": None}}})
    world.wait_rolled_out(labels.namespace(KAEDE), "scanner")
    organizations.wait_ready(world.kubectl, KAEDE, seconds=240)


def replicas(world: World, code: str) -> int:
    return int(world.kubectl.json("get", "deployment", "scanner", "-n", labels.namespace(code))["spec"]["replicas"])


def scanner_ready(world: World, code: str) -> tuple[str, str]:
    conditions = world.kubectl.json("get", "organization", code)["status"]["conditions"]
    found = {each["type"]: each for each in conditions}
    assert found["Ready"]["status"] == "True"
    return found["ScannerReady"]["status"], found["ScannerReady"]["reason"]


@pytest.mark.slow
def test_a_scanner_sleeps_and_the_first_file_wakes_it(world: World, drowsy: str, tmp_path: Path) -> None:
    wait_until("the scanner going to sleep", lambda: replicas(world, drowsy) == 0, seconds=240, interval=2)
    wait_until("its being told", lambda: scanner_ready(world, drowsy) == ("True", "Sleeping"), seconds=60)
    pods = ("get", "pods", "-n", labels.namespace(drowsy), "-l", f"{labels.COMPONENT}=scanner")
    wait_until("its pod going", lambda: not world.kubectl.json(*pods)["items"], seconds=90)
    file = tmp_path / "契約書.txt"
    file.write_bytes(b"delivered only after a verdict")
    with world.member(drowsy) as member:
        started = time.monotonic()
        transfer = transfers.send(member, "wake@partner.example", [Outgoing(file, file.name)])
        assert transfers.view(member, transfer)["state"] != "Delivered"
        transfers.wait_file_state(member, transfer, "Clean", seconds=300)
        print(f"a file that found the scanner asleep was Clean after {time.monotonic() - started:.0f} s")
    assert replicas(world, drowsy) == 1

"""Storage on the cluster: drift is put back and told, keys are replaced unnoticed, departed archives go in time."""

from __future__ import annotations

import base64
import secrets
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

import storage_world
from e2e_world import World, wait_until
from kozutumi_cluster.demo import organizations, transfers
from kozutumi_cluster.demo.public import Public
from kozutumi_cluster.demo.transfers import Outgoing
from kozutumi_contract import labels

PATIENCE = 120  # seconds; the development cluster looks every 30
# What can be done to one bucket at once, and what each round is told as.
ROUNDS = {
    (
        "content bucket opened to everybody",
        "archive bucket opened to everybody",
        "content bucket's versioning switched on",
        "archive's lock shortened",
        "IAM policy widened",
        "second access key made",
    ): {
        "Bucket CONTENT: policy set again",
        "Bucket ARCHIVE: policy set again",
        "Bucket CONTENT: versioning switched off again",
        "Bucket CONTENT: old versions removed",
        "Bucket ARCHIVE: lock of new objects set to 365 days again",
        "User CONTENT: policy set again",
        "User CONTENT: unrecorded access key removed",
    },
    ("content bucket's policy deleted", "archive's lock weakened", "IAM policy added"): {
        "Bucket CONTENT: policy set again",
        "Bucket ARCHIVE: lock of new objects set to 365 days again",
        "User CONTENT: policy more taken away",
    },
}


@pytest.fixture(scope="module")
def code(world: World) -> Iterator[str]:
    code = world.fresh_code()
    world.create(code)
    organizations.wait_ready(world.kubectl, code)
    yield code
    world.dispose(code)


@pytest.mark.parametrize("titles", ROUNDS, ids=["first round", "second round"])
def test_drift_of_storage_is_repaired_and_told(world: World, code: str, titles: tuple[str, ...]) -> None:
    names = storage_world.names_of(code)
    lines = {line.replace("CONTENT", names.content).replace("ARCHIVE", names.archive) for line in ROUNDS[titles]}
    before = {line: storage_world.told(world, code, "Repaired").count(line) for line in lines}
    storage_world.cause(world, code, list(titles))
    started = time.monotonic()

    def missing() -> set[str]:
        notes = storage_world.told(world, code, "Repaired")
        return {line for line in lines if notes.count(line) <= before[line]}

    wait_until(f"repair of {', '.join(titles)}", lambda: not missing(), seconds=PATIENCE)
    print(f"{len(titles)} drifts of storage repaired and told after {time.monotonic() - started:.1f} s")
    assert len(storage_world.access_keys(world, code)) == 1
    organizations.wait_ready(world.kubectl, code)


def test_where_the_data_is_and_what_the_clocks_say_is_known(world: World, code: str) -> None:
    all_three = "The clocks of object store, app and API server agree"
    wait_until(
        "every clock being compared",  # the app's counts while its last answer came in time
        lambda: all_three in world.kubectl.condition(code, "ClockInSync").get("message", ""),
        seconds=60,
    )
    shown = {each["type"]: each for each in world.kubectl.json("get", "organization", code)["status"]["conditions"]}
    assert (shown["DataResident"]["status"], shown["DataResident"]["reason"]) == ("True", "InRegion")
    assert (shown["ClockInSync"]["status"], shown["ClockInSync"]["reason"]) == ("True", "ClocksAgree")
    assert "plaintext is denied by policy" in shown["StorageReady"]["message"]


@pytest.mark.slow
@pytest.mark.timeout(600)
def test_an_access_key_is_replaced_while_files_come_and_go(world: World, code: str, scratch: Path) -> None:
    source = scratch / "file.bin"
    source.write_bytes(secrets.token_bytes(200_000))
    [old] = storage_world.access_keys(world, code)
    done: list[bool] = []
    with world.administrator(code) as sender, ThreadPoolExecutor() as pool:
        going = pool.submit(_come_and_go, sender, source, done)
        token = f"{labels.ROTATE_STORAGE}={secrets.token_hex(4)}"
        world.kubectl("annotate", "organization", code, token, "--overwrite")
        try:
            wait_until("the second key", lambda: len(storage_world.access_keys(world, code)) == 2, seconds=60)
            wait_until(
                "the old key going", lambda: old not in storage_world.access_keys(world, code), seconds=400, interval=5
            )
        finally:
            done.append(True)
        uploads = going.result(timeout=60)
    print(f"access key replaced while {uploads} uploads went on")
    assert uploads >= 10
    [new] = storage_world.access_keys(world, code)
    held = world.kubectl.json("get", "secret", "-n", labels.namespace(code), "storage-credential")["data"]
    assert base64.b64decode(held["access-key-id"]).decode() == new
    assert "retiring-access-key-id" not in held
    assert storage_world.told(world, code, "StorageKeyRotated")


def _come_and_go(sender: Public, source: Path, done: list[bool]) -> int:
    """Sends one file after another, each of which is scanned; raises for the first that fails."""
    count = 0
    while not done:
        transfers.send(sender, "mori.storage@partner.example", [Outgoing(source, "file.bin")])
        count += 1
        time.sleep(1)
    return count


@pytest.mark.slow
@pytest.mark.timeout(600)
def test_the_archive_of_a_departed_organization_goes_when_its_lock_ends(world: World) -> None:
    code = world.fresh_code()
    world.create(code, suspend=True)  # its app would seal the audit log's head there, for a year
    world.kubectl("wait", "--for=condition=StorageReady", f"organization/{code}", "--timeout=180s", timeout=210)
    storage_world.put_locked(world, code, seconds=120)
    world.dispose(code)
    archive = storage_world.names_of(code).archive
    record = world.kubectl.json("get", "configmap", "-n", labels.SYSTEM_NAMESPACE, f"disposal-{code}")
    assert record["metadata"]["annotations"][labels.ARCHIVE_BUCKET] == archive
    assert archive in storage_world.buckets(world)
    signed = record["data"]
    leader = world.leader()
    world.kubectl("delete", "pod", "-n", labels.SYSTEM_NAMESPACE, leader)
    wait_until("another leader", lambda: world.leader() not in ("", leader), seconds=120)
    wait_until("the archive going", lambda: archive not in storage_world.buckets(world), seconds=300, interval=5)
    after = world.kubectl.json("get", "configmap", "-n", labels.SYSTEM_NAMESPACE, f"disposal-{code}")
    assert labels.ARCHIVE_REMOVED in after["metadata"]["annotations"]
    assert after["data"] == signed

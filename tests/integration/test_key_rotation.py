"""Rotation as the app sees it: new rings arrive while it serves, and what is stored follows batch by batch."""

from __future__ import annotations

import os
from dataclasses import replace
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
import sqlalchemy as sa

import people_world as people
import upload_world as world
from builders import MemoryBlobs, client, clock_of, make_services, run_jobs
from kozutumi_app.adapters.database.schema import files
from kozutumi_app.crypto import wrapping
from kozutumi_app.crypto.columns import Columns
from kozutumi_app.crypto.live_keys import LiveKeys
from kozutumi_app.errors import KeysOutOfDate, StorageUnavailable
from kozutumi_app.services import Services
from kozutumi_app.use_cases import audit, key_usage, rewrap, rotation, upload_creating
from kozutumi_app.use_cases.upload import Uploader
from kozutumi_app.use_cases.upload_creating import NewFile
from kozutumi_contract import keyring
from kozutumi_contract.keyring import KeyRing, KeyRingError
from upload_world import Sender

CONTENT = b"deliver me unchanged " * 5000
NOW = "2026-02-01T00:00:00Z"


class Mount:
    """The mounted Secret."""

    def __init__(self, ring: KeyRing) -> None:
        self.ring = ring

    def read(self) -> bytes:
        return keyring.serialize(self.ring)


class Stage:
    """A running app and the ring that the operator takes through its stages."""

    def __init__(self, services: Services, sender: Sender) -> None:
        self.services, self.sender = services, sender
        self.mount = Mount(services.keyring)
        self.first = services.keyring
        self.restart()

    def restart(self) -> None:
        self.services = replace(self.services, keys=LiveKeys(self.mount.ring))
        self.follower = rotation.KeyFollower(self.services, self.mount.read)
        self.follower.start()

    def turn(self, ring: KeyRing) -> None:
        self.mount.ring = ring
        self.follower.look()

    def add(self) -> None:
        self.turn(keyring.with_new_version(self.mount.ring, os.urandom, NOW))

    def activate(self) -> None:
        self.turn(keyring.activated(self.mount.ring, max(self.mount.ring.keys)))

    def retire(self, number: int) -> None:
        self.turn(keyring.retired(self.mount.ring, number, NOW))

    def remove(self, number: int) -> None:
        self.turn(keyring.removed(self.mount.ring, number))

    async def status(self) -> dict[str, Any]:
        answer = await client(self.services, "internal").get("/internal/v1/status")
        return dict(answer.json())

    async def arrives(self, file_id: str) -> bool:
        clock_of(self.services).advance(hours=1)  # codes are mailed only so often
        http, link = await world.recipient(self.services)
        answer = await world.open_download(http, link, file_id)
        assert answer.status_code == 201, answer.text
        return (await http.get(answer.json()["url"])).content == CONTENT

    def wrapped(self, file_id: str) -> int:
        return wrapping.version(self.services.blobs.get(wrapping.object_key(file_id)))

    def sealed_with(self) -> set[int]:
        """Key versions of every sealed value in the database."""
        found = set()
        with self.services.database.read() as tx:
            for table in rewrap.sealed_tables():
                for row in tx.execute(sa.select(*(table.c[name] for name in rewrap.sealed_columns(table)))):
                    found |= {int.from_bytes(value[1:5], "big") for value in row if value is not None}
        return found


@pytest.fixture
async def stage(tmp_path: Path) -> Stage:
    return Stage(*await world.world(tmp_path))


def key_events(services: Services) -> list[str]:
    with services.database.read() as tx:
        assert audit.verify(tx) is None
        return [one.event.type for one in audit.page(tx, services, type_prefix="key.", limit=500)][::-1]


async def test_a_file_arrives_at_every_stage_and_the_old_version_opens_nothing_in_the_end(stage: Stage) -> None:
    file_id = await world.delivered(stage.services, stage.sender, CONTENT)
    stage.add()
    assert await stage.arrives(file_id)
    assert (await stage.status())["key_versions"] == [1, 2]
    assert (await stage.status())["key_versions_in_use"] == [1]
    clock_of(stage.services).advance(hours=1)
    http, link = await world.recipient(stage.services)
    stage.activate()
    download = await world.open_download(http, link, file_id)
    assert (await http.get(download.json()["url"])).content == CONTENT
    shown = await stage.status()
    assert (shown["active_key"], shown["key_versions_in_use"], stage.wrapped(file_id)) == (2, [1, 2], 1)
    run_jobs(stage.services)
    assert await stage.arrives(file_id)
    shown = await stage.status()
    assert (shown["key_versions_in_use"], stage.wrapped(file_id), stage.sealed_with()) == ([2], 2, {2})
    assert shown["rewrap"]["version"] == 2
    assert shown["rewrap"]["done"] == shown["rewrap"]["total"] > 0
    stage.retire(1)
    assert await stage.arrives(file_id)
    stage.remove(1)
    assert await stage.arrives(file_id)
    stage.restart()
    assert await stage.arrives(file_id)
    assert key_events(stage.services) == [
        "key.version_added",
        "key.version_activated",
        "key.data_rewrapped",
        "key.version_retired",
        "key.version_removed",
    ]
    tenant, stored = stage.services.settings.service_code, stage.services.blobs.get(wrapping.object_key(file_id))
    with pytest.raises(KeyRingError):
        wrapping.unwrap(stage.first, tenant, file_id, stored)
    with stage.services.database.read() as tx:
        row = tx.execute(sa.select(files)).one()
    with pytest.raises(KeyRingError):
        Columns(stage.first).open("files", "name_sealed", row.id, row.name_sealed)


class Flaky(MemoryBlobs):
    """Dies at the n-th put of a wrapped key."""

    puts_left = 10**9

    def put(self, key: str, data: bytes | bytearray | memoryview) -> None:
        if key.endswith("/key"):
            self.puts_left -= 1
            if self.puts_left < 0:
                raise StorageUnavailable
        super().put(key, data)


@pytest.mark.parametrize("before", [0, 1, 2])
async def test_killed_in_the_middle_it_goes_on(tmp_path: Path, before: int) -> None:
    blobs = Flaky()
    stage = Stage(*await world.world(tmp_path, blobs=blobs))
    ids = [await stage.sender.upload(CONTENT) for _ in range(3)]
    stage.add()
    stage.activate()
    blobs.puts_left = before
    run_jobs(stage.services)
    assert sorted(stage.wrapped(file_id) for file_id in ids) == [1] * (3 - before) + [2] * before
    assert (await stage.status())["key_versions_in_use"] == [1, 2]
    shown = (await stage.status())["rewrap"]
    assert 0 < shown["total"] - shown["done"] <= shown["total"]
    blobs.puts_left = 10**9
    stage.restart()
    clock_of(stage.services).advance(minutes=5)
    run_jobs(stage.services)
    assert [stage.wrapped(file_id) for file_id in ids] == [2, 2, 2]
    assert (await stage.status())["key_versions_in_use"] == [2]


async def test_a_key_that_is_recalled_meanwhile_does_not_come_back(tmp_path: Path) -> None:
    class Racing(MemoryBlobs):
        """The sender cancels while the key is being replaced."""

        armed = False

        def put(self, key: str, data: bytes | bytearray | memoryview) -> None:
            if self.armed and key.endswith("/key"):
                self.armed = False
                with running.services.database.write() as tx:
                    gone = {"deleted_at": running.services.clock.now()}
                    tx.execute(sa.update(files).values(gone))
                self.delete(key)
            super().put(key, data)

    blobs = Racing()
    running = Stage(*await world.world(tmp_path, blobs=blobs))
    file_id = await running.sender.upload(CONTENT)
    running.add()
    running.activate()
    blobs.armed = True
    run_jobs(running.services)
    assert wrapping.object_key(file_id) not in blobs.objects


async def test_what_a_killed_run_put_back_is_taken_away_by_the_next(stage: Stage) -> None:
    file_id = await stage.sender.upload(CONTENT)
    stage.add()
    stage.activate()
    object_key = wrapping.object_key(file_id)
    stored = stage.services.blobs.get(object_key)
    next(rewrap._old_files(stage.services, 2))  # the run is killed right here, having put its key
    with stage.services.database.write() as tx:
        tx.execute(sa.update(files).values(deleted_at=stage.services.clock.now()))
    stage.services.blobs.put(object_key, stored)
    clock_of(stage.services).advance(minutes=5)
    run_jobs(stage.services)
    assert isinstance(stage.services.blobs, MemoryBlobs)
    assert object_key not in stage.services.blobs.objects


async def test_another_process_that_lags_behind_seals_with_the_active_version_or_not_at_all(stage: Stage) -> None:
    behind = replace(stage.services, keys=LiveKeys(stage.mount.ring))
    stage.add()
    stage.activate()
    stage.services.database.guard = lambda tx: key_usage.guard(behind.keys, tx)
    with pytest.raises(KeysOutOfDate), behind.database.write():
        pass
    behind.keys.use(replace(stage.mount.ring, active=1))
    with behind.database.write():
        assert behind.keyring.active == 2


async def test_a_key_wrapped_before_the_turn_is_not_stored_after_it(stage: Stage) -> None:
    class Turning(MemoryBlobs):
        def put(self, key: str, data: bytes | bytearray | memoryview) -> None:
            super().put(key, data)
            stage.activate()

    stage.add()
    blobs = Turning()
    late = replace(stage.services, blobs=blobs)
    user_id = stage.sender.browser.user["id"]
    new = NewFile(stage.sender.transfer_id, "a.pdf", "application/pdf")
    with pytest.raises(KeysOutOfDate):
        upload_creating.create(late, Uploader(user_id, user_id), new, 9)
    assert blobs.objects == {}


async def test_a_ring_that_does_not_continue_this_one_is_not_used(stage: Stage) -> None:
    await stage.sender.upload(CONTENT)
    foreign = keyring.generate(os.urandom, NOW)
    stage.turn(foreign)
    assert stage.services.keyring == stage.first
    stage.mount.ring = stage.first
    stage.add()
    stage.activate()
    lost = replace(stage.mount.ring, keys={2: stage.mount.ring.keys[2]})
    stage.turn(lost)  # files still need version 1
    assert set(stage.services.keyring.keys) == {1, 2}
    run_jobs(stage.services)
    with pytest.raises(KeyRingError, match="older than the data"):
        rotation.adopt(replace(stage.services, keys=LiveKeys(stage.first)), stage.first)


async def test_a_late_mount_that_knows_the_version_uses_it(stage: Stage) -> None:
    stage.add()
    stage.activate()
    rotation.adopt(stage.services, replace(stage.mount.ring, active=1))
    assert stage.services.keyring.active == 2


async def test_signing_in_and_looking_up_work_after_a_rotation(tmp_path: Path) -> None:
    services = make_services(tmp_path)
    stage = Stage(services, None)  # type: ignore[arg-type]  # nobody sends here
    admin = await people.administrator(stage.services)
    stage.add()
    stage.activate()
    run_jobs(stage.services)
    stage.retire(1)
    stage.remove(1)
    fresh = await people.signed_in(stage.services, admin.http.cookies["__Host-session"])
    members = (await fresh.get("/members")).json()["members"]
    assert [member["email"] for member in members] == ["admin@acme.test"]
    assert clock_of(stage.services).now() - stage.services.clock.now() == timedelta(0)


async def test_a_damaged_wrapped_key_blocks_no_rotation_and_is_told(stage: Stage) -> None:
    good, bad = await stage.sender.upload(CONTENT), await stage.sender.upload(CONTENT)
    stage.services.blobs.put(wrapping.object_key(bad), bytes(65))
    stage.add()
    stage.activate()
    run_jobs(stage.services)
    assert (stage.wrapped(good), (await stage.status())["key_versions_in_use"]) == (2, [2])
    with stage.services.database.read() as tx:
        (event,) = audit.page(tx, stage.services, type_prefix="file.key_unusable")
    assert event.event.object_id == bad

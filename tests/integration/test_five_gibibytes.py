"""A file that no scanner can take: said beforehand, stored, refused, and delivered, marked so, by an administrator's release."""

from __future__ import annotations

import hashlib
import json
from collections.abc import AsyncIterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest

import people_world as people
import upload_world as world
from builders import make_settings, outbox, run_jobs
from storage_fixtures import BUCKET, REGION, RunningStorage, running_storage

GIBIBYTE = 2**30
PIECE = 2**20
RANGE = 64 * 2**20


@dataclass
class Generated:
    """`size` bytes that are made while they are sent: no file of them lies anywhere but in the store."""

    size: int
    digest: Any = field(default_factory=hashlib.sha256)

    def piece(self, number: int) -> bytes:
        return hashlib.sha256(number.to_bytes(8, "big")).digest() * (PIECE // 32)

    async def chunks(self) -> AsyncIterator[bytes]:
        for number in range(self.size // PIECE):
            piece = self.piece(number)
            self.digest.update(piece)
            yield piece


@pytest.mark.slow
@pytest.mark.timeout(3600)  # ten gibibytes go through
async def test_five_gibibytes_are_delivered_only_after_a_release(tmp_path: Path) -> None:
    with running_storage() as storage:
        await _whole_road(tmp_path, storage, Generated(5 * GIBIBYTE))


async def _whole_road(tmp_path: Path, storage: RunningStorage, content: Generated) -> None:
    settings = make_settings(
        s3_endpoint=storage.url,
        s3_region=REGION,
        content_bucket=BUCKET,
        max_file_size=6 * GIBIBYTE,
        quota_storage=10 * GIBIBYTE,
        unscannable="AdministratorRelease",
    )
    services, sender = await world.world(tmp_path, settings=settings, blobs=storage.blobs(settings))
    limits = (await sender.browser.get("/limits")).json()
    assert content.size > limits["max_scannable_size"]
    assert content.size <= limits["max_file_size"]
    page = (await sender.browser.http.get(f"/transfers/{sender.transfer_id}?lang=en")).text
    assert "A file larger than 2 GiB cannot be scanned for viruses: it waits until an administrator" in page

    url = await sender.created(content.size)
    answer = await sender.append(url, 0, content.chunks())
    assert (answer.status_code, answer.headers["Upload-Offset"]) == (204, str(content.size))
    await sender.send()
    run_jobs(services)
    shown = await sender.shown()
    assert (shown["state"], shown["files"][0]["state"]) == ("AwaitingFiles", "Unscannable")
    assert json.loads(shown["files"][0]["verdict"])["reason"] == "too_large"
    assert not [mail for mail in outbox(services).mails if mail.to == people.RECIPIENT]

    file_id = world.file_id(url)
    released = await sender.administrator.post(
        f"/quarantine/{file_id}/release", {"comment": "a disk image, agreed by phone"}
    )
    assert released.status_code == 200, released.text
    run_jobs(services)
    assert (await sender.shown())["state"] == "Delivered"
    http, link = await world.recipient(services)
    listed = (await http.get(f"/api/v1/r/{link}/files")).json()["files"][0]
    assert (listed["size"], listed["unscanned"]) == (content.size, True)
    opened = (await world.open_download(http, link, file_id)).json()["url"]
    digest = hashlib.sha256()
    for start in range(0, content.size, RANGE):
        part = await http.get(opened, headers={"Range": f"bytes={start}-{start + RANGE - 1}"})
        assert part.status_code == 206
        digest.update(part.content)
    assert digest.digest() == content.digest.digest()

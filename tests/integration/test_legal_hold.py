"""Under legal hold a recall and an expiry end access and destroy nothing, until the hold ends."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest

import people_world as world
from builders import MemoryBlobs, client, make_services, make_settings, run_jobs


@pytest.mark.parametrize("end", ["recall", "expiry"])
async def test_what_is_recalled_or_expires_is_kept_until_the_hold_ends(tmp_path: Path, end: str) -> None:
    held = make_services(tmp_path, settings=make_settings(legal_hold=1))
    sender = await world.administrator(held)
    transfer_id, link = await world.delivered(held, sender)
    blobs = held.blobs
    assert isinstance(blobs, MemoryBlobs)
    before = dict(blobs.objects)
    assert before
    if end == "recall":
        assert (await sender.post(f"/transfers/{transfer_id}/recall")).status_code == 200
    else:
        world.move(held, days=40)
    run_jobs(held)
    assert (await client(held).get(f"/api/v1/r/{link}")).status_code == 410
    world.move(held, days=400)
    run_jobs(held)
    assert blobs.objects == before
    free = replace(held, settings=make_settings())
    world.move(free, hours=1)
    run_jobs(free)
    assert blobs.objects == {}

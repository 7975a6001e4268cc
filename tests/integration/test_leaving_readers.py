"""A reader who goes away in the middle: what they held is free at once, and what did not leave is not charged."""

from __future__ import annotations

import asyncio
from pathlib import Path

import pytest
import sqlalchemy as sa

import upload_world as world
from crash_reader import Answer, serve
from kozutumi_app.adapters.database.schema import download_sessions
from kozutumi_app.application import create_application
from kozutumi_app.crypto.segments import CHUNK_BYTES

CONTENT = bytes(8 * CHUNK_BYTES)


@pytest.mark.parametrize("hangs_up_after", [0, 1, CHUNK_BYTES + 1])
async def test_place_is_free_and_the_rest_uncharged(tmp_path: Path, hangs_up_after: int) -> None:
    services, sender = await world.world(tmp_path)
    uploaded = await world.delivered(services, sender, CONTENT)
    http, link = await world.recipient(services)
    opened = await world.open_download(http, link, uploaded)
    cookies = "; ".join(f"{name}={value}" for name, value in http.cookies.items())
    application, answer = create_application(services), Answer(hangs_up_after)
    await asyncio.wait_for(serve(application, answer, "GET", opened.json()["url"], {"cookie": cookies}), timeout=60)
    assert answer.status == 200
    assert not application.state.downloads._taken
    with services.database.read() as tx:
        charged = tx.execute(sa.select(download_sessions.c.bytes_sent)).scalar_one()
    assert charged == max(len(answer.content), CHUNK_BYTES)  # the first chunk was on its way

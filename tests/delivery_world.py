"""A transfer that was delivered, and its recipient, for tests of downloads."""

from __future__ import annotations

import random
from pathlib import Path
from typing import Any

import httpx

import upload_world as world
from builders import make_services, run_jobs
from kozutumi_app.services import Services
from kozutumi_app.use_cases import audit
from upload_world import Sender


def content_of(size: int) -> bytes:
    return random.Random(size).randbytes(size)  # noqa: S311 - test content, the same each time


async def sent(tmp_path: Path, contents: dict[str, bytes], **transfer: Any) -> tuple[Services, Sender, list[str]]:
    """A delivered transfer of these files, and their ids in order."""
    services = make_services(tmp_path)
    sender = await world.sender(services, **transfer)
    ids = []
    for name, content in contents.items():
        metadata = sender.metadata(name)
        answer = await sender.request("POST", "/files/", Upload_Length=str(len(content)), Upload_Metadata=metadata)
        assert answer.status_code == 201, answer.text
        url = answer.headers["Location"]
        if content:
            assert (await sender.append(url, 0, content)).status_code == 204
        ids.append(world.file_id(url))
    await sender.send()
    run_jobs(services, limit=1000)
    assert (await sender.shown())["state"] == "Delivered"
    return services, sender, ids


async def open_archive(http: httpx.AsyncClient, link: str) -> httpx.Response:
    return await http.post(f"/api/v1/r/{link}/archive")


def events(services: Services) -> list[str]:
    with services.database.read() as tx:
        assert audit.verify(tx) is None
        return [opened.event.type for opened in audit.page(tx, services, limit=500)]

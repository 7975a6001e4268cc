"""A member with a draft, who uploads by tus, and a recipient who downloads: over HTTP, as their programs do."""

from __future__ import annotations

import base64
from collections.abc import AsyncIterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import httpx

import people_world as people
from builders import client, link_id, make_services, outbox, run_jobs
from kozutumi_app.services import Services

NAME = "見積書 №1.pdf"


@dataclass
class Sender:
    browser: people.Browser
    transfer_id: str
    administrator: people.Browser

    def metadata(self, name: str = NAME, **changes: str) -> str:
        pairs = {"transfer": self.transfer_id, "filename": name, "filetype": "application/pdf"} | changes
        return ",".join(f"{key} {base64.b64encode(value.encode()).decode()}" for key, value in pairs.items())

    async def request(self, method: str, url: str, content: Any = None, **headers: str) -> httpx.Response:
        """One tus request; header names are given with underscores."""
        named = {name.replace("_", "-"): value for name, value in headers.items()}
        every = {"Tus-Resumable": "1.0.0", "X-CSRF-Token": self.browser.csrf} | named
        return await self.browser.http.request(method, url, content=content, headers=every)

    async def create(self, size: int, content: Any = None, **headers: str) -> httpx.Response:
        every = {"Upload_Length": str(size), "Upload_Metadata": self.metadata()} | headers
        return await self.request("POST", "/files/", content, **every)

    async def created(self, size: int) -> str:
        answer = await self.create(size)
        assert answer.status_code == 201, answer.text
        return answer.headers["Location"]

    async def append(self, url: str, offset: int, content: Any, **headers: str) -> httpx.Response:
        every = {"Upload_Offset": str(offset), "Content_Type": "application/offset+octet-stream"} | headers
        return await self.request("PATCH", url, content, **every)

    async def offset(self, url: str) -> int:
        answer = await self.request("HEAD", url)
        assert answer.status_code == 200, answer.text
        return int(answer.headers["Upload-Offset"])

    async def upload(self, content: bytes) -> str:
        """The whole of a file; returns its id."""
        url = await self.created(len(content))
        answer = await self.append(url, 0, content)
        assert (answer.status_code, answer.headers["Upload-Offset"]) == (204, str(len(content)))
        return file_id(url)

    async def send(self) -> None:
        answer = await self.browser.post(f"/transfers/{self.transfer_id}/send")
        assert answer.status_code == 200, answer.text

    async def shown(self) -> Any:
        return (await self.browser.get(f"/transfers/{self.transfer_id}")).json()


async def sender(services: Services, email: str = "member@acme.test", **transfer: Any) -> Sender:
    """A member of their own with a draft to the outside recipient."""
    administrator = await people.administrator(services)
    browser = await people.member(services, administrator, email)
    return Sender(browser, await people.draft(browser, **transfer), administrator)


async def world(tmp_path: Path, **replaced: Any) -> tuple[Services, Sender]:
    services = make_services(tmp_path, **replaced)
    return services, await sender(services)


async def recipient(services: Services) -> tuple[httpx.AsyncClient, str]:
    """The recipient's proven browser, and their link."""
    invited = [mail for mail in outbox(services).mails if mail.to == people.RECIPIENT and "/r/" in mail.text]
    link, http = link_id(invited[-1]), client(services)
    code = await people.ask_for_code(services, http, link)
    assert (await http.post(f"/api/v1/r/{link}/verify", json={"code": code})).status_code == 200
    return http, link


async def open_download(http: httpx.AsyncClient, link: str, file_id: str) -> httpx.Response:
    return await http.post(f"/api/v1/r/{link}/files/{file_id}/download")


async def delivered(services: Services, sender: Sender, content: bytes) -> str:
    """Upload, send and scan one file; returns its id."""
    uploaded = await sender.upload(content)
    await sender.send()
    run_jobs(services)
    assert (await sender.shown())["state"] == "Delivered"
    return uploaded


def file_id(url: str) -> str:
    return url.rsplit("/", 1)[1]


async def in_pieces(content: bytes, size: int) -> AsyncIterator[bytes]:
    for start in range(0, len(content), size):
        yield content[start : start + size]

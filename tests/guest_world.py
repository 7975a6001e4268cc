"""A guest who was asked for files: the member's request, the guest's proven browser, and uploads by tus without an account."""

from __future__ import annotations

import base64
import re
from dataclasses import dataclass
from typing import Any

import httpx

import people_world as people
from builders import client, code, outbox, run_jobs
from kozutumi_app.services import Services

GUEST = "取引先@partner.test"


@dataclass
class Guest:
    """`link` is public; `http` the guest's browser."""

    services: Services
    member: people.Browser
    request_id: str
    link: str
    http: httpx.AsyncClient
    token: str = ""
    transfer_id: str = ""

    async def begin(self) -> None:
        answer = await self.http.post(f"/api/v1/q/{self.link}/uploads")
        assert answer.status_code == 201, answer.text
        self.transfer_id, self.token = answer.json()["transfer_id"], answer.json()["upload_token"]

    async def create(self, name: str, size: int, **headers: str) -> httpx.Response:
        pairs = {"transfer": self.transfer_id, "filename": name, "filetype": "application/octet-stream"}
        metadata = ",".join(f"{key} {base64.b64encode(value.encode()).decode()}" for key, value in pairs.items())
        return await self.tus("POST", "/files/", **{"Upload-Length": str(size), "Upload-Metadata": metadata} | headers)

    async def append(self, url: str, offset: int, content: Any) -> httpx.Response:
        headers = {"Upload-Offset": str(offset), "Content-Type": "application/offset+octet-stream"}
        return await self.tus("PATCH", url, content, **headers)

    async def tus(self, method: str, url: str, content: Any = None, **headers: str) -> httpx.Response:
        every = {"Tus-Resumable": "1.0.0", "Upload-Token": self.token} | headers
        return await self.http.request(method, url, content=content, headers=every)

    async def upload(self, name: str, content: bytes) -> str:
        """The whole of a file; returns its id."""
        created = await self.create(name, len(content))
        assert created.status_code == 201, created.text
        url = created.headers["Location"]
        assert (await self.append(url, 0, content)).status_code == 204
        return str(url.rsplit("/", 1)[1])

    async def send(self, note: str = "") -> httpx.Response:
        return await self.http.post(f"/api/v1/q/{self.link}/send", json={"note": note})

    async def shown(self) -> Any:
        """The member's view."""
        return (await self.member.get(f"/requests/{self.request_id}")).json()


def terms(**changes: Any) -> dict[str, Any]:
    asked = {"email": GUEST, "subject": "契約書", "message": "お願いします", "expires_in": 86_400, "max_bytes": 2**20}
    return asked | changes


async def asked(services: Services, member: people.Browser, **changes: Any) -> tuple[str, str]:
    """Ask; returns the request's id and its public link."""
    answer = await member.post("/requests", terms(**changes))
    assert answer.status_code == 201, answer.text
    run_jobs(services)
    mailed = outbox(services).last_to(changes.get("email", GUEST))
    found = re.search(r"/q/(\S+)", mailed.text)
    assert found is not None
    return str(answer.json()["id"]), found[1]


async def proven(services: Services, link: str, email: str = GUEST) -> httpx.AsyncClient:
    http = client(services)
    assert (await http.post(f"/api/v1/q/{link}/code")).status_code == 202
    run_jobs(services)
    given = code(outbox(services).last_to(email))
    assert (await http.post(f"/api/v1/q/{link}/verify", json={"code": given})).status_code == 200
    return http


async def guest(services: Services, member: people.Browser, **changes: Any) -> Guest:
    request_id, link = await asked(services, member, **changes)
    return Guest(services, member, request_id, link, await proven(services, link, changes.get("email", GUEST)))

"""An organization in small, driven over HTTP: an administrator, a member, and what they do."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

import httpx
import sqlalchemy as sa

from builders import (
    ADMINISTRATOR,
    PASSWORD,
    client,
    clock_of,
    code,
    invitation_token,
    link_id,
    make_administrator,
    outbox,
    run_jobs,
)
from kozutumi_app.adapters.database.schema import files
from kozutumi_app.domain.identifiers import new_id
from kozutumi_app.services import Services
from kozutumi_app.use_cases import delivering
from kozutumi_app.web.security import SESSION_COOKIE

RECIPIENT = "客@outside.test"


@dataclass
class Browser:
    """A client with a session, which sends its token along."""

    http: httpx.AsyncClient
    csrf: str = ""
    user: dict[str, Any] = field(default_factory=dict)

    async def post(self, path: str, json: Any = None) -> httpx.Response:
        return await self.http.post(f"/api/v1{path}", json=json, headers={"X-CSRF-Token": self.csrf})

    async def get(self, path: str) -> httpx.Response:
        return await self.http.get(f"/api/v1{path}")


async def signed_in(services: Services, cookie: str) -> Browser:
    http = client(services)
    http.cookies.set(SESSION_COOKIE, cookie)
    session = (await http.get("/api/v1/session")).json()
    return Browser(http, session["csrf"], session["user"])


async def administrator(services: Services) -> Browser:
    return await signed_in(services, make_administrator(services))


async def member(services: Services, admin: Browser, email: str) -> Browser:
    assert (await admin.post("/members", {"email": email})).status_code == 201
    run_jobs(services)
    token = invitation_token(outbox(services).last_to(email))
    browser = Browser(client(services))
    answer = await browser.post(f"/invitations/{token}/accept", {"name": "会員 花子", "password": PASSWORD})
    assert answer.status_code == 200, answer.text
    browser.csrf, browser.user = answer.json()["csrf"], answer.json()["user"]
    return browser


async def draft(sender: Browser, **changes: Any) -> str:
    body = {"recipients": [{"email": RECIPIENT, "locale": "ja"}], "subject": "資料", "message": "どうぞ", **changes}
    answer = await sender.post("/transfers", body)
    assert answer.status_code == 201, answer.text
    return str(answer.json()["id"])


def add_file(services: Services, transfer_id: str, state: str = "Clean", *, size: int = 5) -> str:
    """Put a file's row there as an upload and a scan would have left it."""
    file_id, now = new_id(services.random), services.clock.now()
    seal = services.columns.seal
    row = {
        "id": file_id,
        "transfer_id": transfer_id,
        "position": int.from_bytes(services.random(3), "big"),
        "name_sealed": seal("files", "name_sealed", file_id, "秘密.txt"),
        "media_type_sealed": seal("files", "media_type_sealed", file_id, "text/plain"),
        "sha256_sealed": seal("files", "sha256_sealed", file_id, "ab" * 32),
        "size": size,
        "offset": size,
        "state": state,
        "manifest_id": "m1",
        "verdict_manifest_id": "m1",
        "key_version": 1,
        "created_at": now,
        "updated_at": now,
    }
    with services.database.write() as tx:
        tx.execute(sa.insert(files).values(row))
    services.blobs.put(f"{file_id}/key", b"wrapped")
    services.blobs.put(f"{file_id}/segment", b"sealed")
    return file_id


def set_file_state(services: Services, transfer_id: str, file_id: str, state: str) -> None:
    with services.database.write() as tx:
        tx.execute(sa.update(files).where(files.c.id == file_id).values(state=state))
        delivering.advance(tx, services, transfer_id)


async def delivered(services: Services, sender: Browser, **changes: Any) -> tuple[str, str]:
    """Return ids of a delivered transfer and of its recipient's link."""
    transfer_id = await draft(sender, **changes)
    add_file(services, transfer_id)
    answer = await sender.post(f"/transfers/{transfer_id}/send")
    assert answer.json()["state"] == "Delivered", answer.text
    run_jobs(services)
    return transfer_id, link_id(outbox(services).last_to(RECIPIENT))


async def ask_for_code(services: Services, http: httpx.AsyncClient, link: str) -> str:
    answer = await http.post(f"/api/v1/r/{link}/code")
    assert answer.status_code == 202, answer.text
    run_jobs(services)
    return code(outbox(services).last_to(RECIPIENT))


def wrong(right: str) -> str:
    return f"{(int(right) + 1) % 10**8:08d}"


def move(services: Services, **duration: float) -> datetime:
    clock_of(services).advance(**duration)
    return services.clock.now()


__all__ = ["ADMINISTRATOR", "PASSWORD", "invitation_token"]

"""The operator's client and the app's port 9443 mean the same by every call."""

from __future__ import annotations

import ssl
from pathlib import Path
from typing import Any, cast

import aiohttp
import httpx
import pytest

import people_world as people
from builders import client, make_services
from kozutumi_app.services import Services
from kozutumi_app.use_cases import audit
from kozutumi_operator.organizations.facts import Rewrapped
from kozutumi_operator.reconcile.following import gist
from kozutumi_operator.reconcile.memory import Memory
from kozutumi_operator.tenant.client import Tenant

CHANGE = "0f" * 16


class OverAsgi(Tenant):
    """The client without its socket."""

    def __init__(self, http: httpx.AsyncClient) -> None:
        super().__init__(cast("aiohttp.ClientSession", None), "acme", cast("ssl.SSLContext", None))
        self._http = http

    async def _send(self, method: str, path: str, data: bytes | None, kind: str) -> dict[str, Any]:
        headers = {"Content-Type": kind}
        answer = await self._http.request(method, f"/internal/v1/{path}", content=data, headers=headers)
        assert answer.is_success, answer.text
        return dict(answer.json())


@pytest.fixture
def services(tmp_path: Path) -> Services:
    return make_services(tmp_path)


@pytest.fixture
def tenant(services: Services) -> Tenant:
    return OverAsgi(client(services, "internal"))


async def test_status(services: Services, tenant: Tenant) -> None:
    await people.administrator(services)
    status = await tenant.status()
    assert (status.key_versions, status.active_key, status.key_versions_in_use) == ((1,), 1, (1,))
    assert (status.rewrapped, status.changes) == (Rewrapped(0, 0, 0), {})


async def test_a_decision_is_news_for_the_operator(services: Services, tenant: Tenant) -> None:
    admin = await people.administrator(services)
    assert await tenant.change(CHANGE, "spec.authentication", "nothing → {}") == "pending"
    before = gist(Memory(tenant=await tenant.status()))
    await admin.post(f"/changes/{CHANGE}/confirm")
    after = await tenant.status()
    assert after.changes == {CHANGE: "confirmed"}
    assert gist(Memory(tenant=after)) != before
    other = "1e" * 16
    assert await tenant.change(other, "spec", "", outcome="withdrawn") == "withdrawn"
    assert await tenant.change(other, "spec.network.extraEgress", "a", outcome="granted", by="incident-7") == "granted"


async def test_an_act_is_in_the_audit_log_once(services: Services, tenant: Tenant) -> None:
    for _ in range(2):
        await tenant.audit("grant.opened", "incident-7", {"subject": "sre@kozutumi.test"}, key="incident-7 opened")
    with services.database.read() as tx:
        (event,) = audit.page(tx, services, type_prefix="grant.")
    assert event.details == {"subject": "sre@kozutumi.test"}


async def test_the_head_that_was_pulled_is_asked_for_again_and_its_loss_is_in_the_log(
    services: Services, tenant: Tenant
) -> None:
    await people.administrator(services)
    first = await tenant.status()
    assert (await tenant.status(first.audit_sequence)).audit_pulled_hash == first.audit_hash
    assert (await tenant.status(first.audit_sequence + 9)).audit_pulled_hash == ""
    assert await tenant.note_head(first.audit_sequence, first.audit_hash)
    assert not await tenant.note_head(99, "ab" * 32)
    with services.database.read() as tx:
        (event,) = audit.page(tx, services, type_prefix="audit.restored")
    assert event.event.object_id == "ab" * 32


async def test_a_report_of_mail_is_taken_as_one(tenant: Tenant) -> None:
    assert await tenant.report(b"Subject: I am on holiday\r\n\r\nback on Monday\r\n") is None

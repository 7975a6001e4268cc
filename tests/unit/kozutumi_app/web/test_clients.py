"""Behind a gateway its own word about the client counts, and nobody else's."""

from __future__ import annotations

import ipaddress
from pathlib import Path

import httpx
import pytest
from hypothesis import given
from hypothesis import strategies as st

import builders
from kozutumi_app.application import create_application
from kozutumi_app.services import Services
from kozutumi_app.web import clients

GATEWAY, OTHER_POD, CLIENT, STRANGER = "10.244.9.7", "10.244.3.3", "203.0.113.5", "198.51.100.1"
SETTINGS = builders.make_settings(
    allowed_clients=("203.0.113.0/24", "2001:db8::/32"),
    excluded_clients=("10.244.0.0/16", "10.96.0.0/16"),
    trusted_gateways=("10.244.9.0/24", "192.0.2.0/24"),
)
ACCESS = clients.access(SETTINGS)


@pytest.mark.parametrize(
    ("peer", "forwarded", "client"),
    [
        (GATEWAY, [CLIENT], CLIENT),
        (GATEWAY, [f"{STRANGER}, {CLIENT}"], CLIENT),
        (GATEWAY, [STRANGER, CLIENT], CLIENT),
        (GATEWAY, [f"{CLIENT}, 192.0.2.8"], CLIENT),
        (GATEWAY, [f"{CLIENT}, 10.244.9.8"], "10.244.9.8"),
        (GATEWAY, [f"{CLIENT}:50123"], CLIENT),
        (GATEWAY, ["[2001:db8::1]:50123"], "2001:db8::1"),
        (GATEWAY, [f"::ffff:{CLIENT}"], CLIENT),
        (f"::ffff:{GATEWAY}", [CLIENT], CLIENT),
        (GATEWAY, [], None),
        (GATEWAY, ["192.0.2.8"], None),
        (GATEWAY, [f"{CLIENT}, unknown"], None),
        (STRANGER, [CLIENT], STRANGER),
        (OTHER_POD, [CLIENT], OTHER_POD),
        ("", [CLIENT], None),
    ],
)
def test_who_sends(peer: str, forwarded: list[str], client: str | None) -> None:
    assert ACCESS.client(peer, forwarded) == (client and ipaddress.ip_address(client))


@given(claim=st.text(alphabet="0123456789abcdef.:,[] ", max_size=60), seen=st.ip_addresses(v=4))
def test_what_a_client_claims_changes_nothing(claim: str, seen: ipaddress.IPv4Address) -> None:
    """The gateway appends what it saw; nothing in front of that counts."""
    if not clients.within(seen, ACCESS.trusted):
        assert ACCESS.client(GATEWAY, [f"{claim}, {seen}"]) == seen


@pytest.mark.parametrize(("address", "admitted"), [(CLIENT, True), (STRANGER, False), (OTHER_POD, False)])
def test_who_is_admitted(address: str, admitted: object) -> None:
    assert ACCESS.admits(ipaddress.ip_address(address)) is admitted


def test_without_a_list_everybody_but_the_cluster_is_admitted() -> None:
    everywhere = clients.access(builders.make_settings(excluded_clients=("10.244.0.0/16",)))
    assert everywhere.admits(ipaddress.ip_address(STRANGER))
    assert not everywhere.admits(ipaddress.ip_address(OTHER_POD))


@pytest.fixture
def services(tmp_path: Path) -> Services:
    return builders.make_services(tmp_path, settings=SETTINGS)


async def ask(
    services: Services, peer: str, path: str = "/sign-in", *, forwarded: str = "", accept: str = "text/html"
) -> httpx.Response:
    transport = httpx.ASGITransport(create_application(services), client=(peer, 1))
    headers = {"Accept": accept} | ({"X-Forwarded-For": forwarded} if forwarded else {})
    async with httpx.AsyncClient(transport=transport, base_url=builders.PUBLIC_URL, headers=headers) as browser:
        return await browser.get(path)


async def test_an_allowed_client_behind_the_gateway_comes_in(services: Services) -> None:
    assert (await ask(services, GATEWAY, forwarded=CLIENT)).status_code == 200


@pytest.mark.parametrize(
    ("peer", "forwarded"),
    [(GATEWAY, STRANGER), (GATEWAY, ""), (STRANGER, CLIENT), (OTHER_POD, CLIENT), (GATEWAY, f"{CLIENT}, {STRANGER}")],
)
async def test_everybody_else_is_refused(services: Services, peer: str, forwarded: str) -> None:
    answer = await ask(services, peer, forwarded=forwarded)
    assert (answer.status_code, answer.headers["Content-Type"]) == (403, "text/html; charset=utf-8")
    assert "ネットワーク" in answer.text
    problem = await ask(services, peer, "/api/v1/me", forwarded=forwarded, accept="*/*")
    assert (problem.status_code, problem.json()["code"]) == (403, "client_not_allowed")


async def test_without_a_gateway_no_header_is_believed(tmp_path: Path) -> None:
    direct = builders.make_services(tmp_path, settings=builders.make_settings(allowed_clients=("192.0.2.0/24",)))
    assert (await ask(direct, STRANGER, forwarded="10.244.9.7")).status_code == 200


async def test_people_behind_one_gateway_do_not_share_one_limit(services: Services) -> None:
    """Else one of them could keep all others out."""

    transport = httpx.ASGITransport(create_application(services), client=(GATEWAY, 1))
    async with httpx.AsyncClient(transport=transport, base_url=builders.PUBLIC_URL) as browser:

        async def status(client: str) -> int:
            return (await browser.get("/r/none", headers={"X-Forwarded-For": client})).status_code

        seen = [await status(CLIENT) for _ in range(61)]
        assert (seen[0], seen[-1], await status("203.0.113.77")) == (404, 429, 404)


@pytest.mark.parametrize(
    ("host", "status"), [("yamada.kozutumi.test", 200), ("files.yamada.example", 200), ("other.example", 421)]
)
async def test_every_host_of_the_organization_is_answered_and_no_other(tmp_path: Path, host: str, status: int) -> None:
    settings = builders.make_settings(public_url="https://yamada.kozutumi.test", hosts=("files.yamada.example",))
    browser = builders.client(builders.make_services(tmp_path, settings=settings))
    async with browser:
        answer = await browser.get("/sign-in", headers={"Host": host})
        assert answer.status_code == status
        form = {"email": "nobody@example.com", "password": "wrong"}
        own = await browser.post("/sign-in", headers={"Host": host, "Origin": f"https://{host}"}, data=form)
        foreign = await browser.post("/sign-in", headers={"Host": host, "Origin": "https://x.test"}, data=form)
        assert (own.status_code == 403, foreign.status_code) == (False, 403 if status == 200 else 421)

"""Bad input and broken parts, through the public endpoint: a clear, typed answer each, and nothing lost."""

from __future__ import annotations

import base64
import hashlib
import os
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import httpx
import pytest

from e2e_world import AOI, KAEDE, World, wait_until
from kozutumi_cluster.demo import organizations, public, transfers
from kozutumi_cluster.demo.public import TUS, Public
from kozutumi_cluster.demo.transfers import Outgoing
from kozutumi_contract import labels

RECIPIENT = "ito@partner.example"
MEBIBYTE = 2**20


def typed(response: httpx.Response) -> tuple[int, str]:
    """Status and code of a problem+json answer (RFC 9457)."""
    assert response.headers["content-type"].startswith("application/problem+json"), response.text
    problem = response.json()
    assert problem["detail"]
    return response.status_code, problem["code"]


def draft(member: Public) -> str:
    body = {"recipients": [{"email": RECIPIENT, "locale": "en"}], "subject": "faults", "message": ""}
    return str(member.json("POST", "/api/v1/transfers", body, expect=201)["id"])


def test_a_wrong_password_is_told_and_locks_nobody_out_at_once(world: World) -> None:
    with world.member(AOI), world.endpoint(AOI).open() as stranger:
        body = {"email": f"member@{AOI}.example", "password": "certainly not this one"}
        assert typed(stranger.request("POST", "/api/v1/session", json=body)) == (401, "wrong_password")
        unknown = {"email": "nobody@nowhere.example", "password": "certainly not this one"}
        assert typed(stranger.request("POST", "/api/v1/session", json=unknown)) == (401, "wrong_password")


def test_an_unknown_invitation_is_told(world: World) -> None:
    with world.endpoint(AOI).open() as stranger:
        body = {"name": "x", "password": "long enough for the rules 1"}
        status, code = typed(stranger.request("POST", "/api/v1/invitations/never-issued/accept", json=body))
        assert (status, code) == (410, "invitation_expired")


def test_upload_rules_are_typed_and_lose_nothing(world: World, tmp_path: Path) -> None:
    data = tmp_path / "data"
    data.write_bytes(os.urandom(3 * MEBIBYTE))
    with world.member(AOI) as member:
        transfer = draft(member)
        metadata = (
            f"transfer {base64.b64encode(transfer.encode()).decode()},filename {base64.b64encode(b'big').decode()}"
        )
        oversize = {**TUS, "Upload-Length": str(5 * 2**30), "Upload-Metadata": metadata}
        assert typed(member.request("POST", "/files/", headers=oversize)) == (413, "upload_too_large")
        upload = public.create_upload(member, transfer, "data", 3 * MEBIBYTE)
        first = data.read_bytes()[:MEBIBYTE]
        patch = {**TUS, "Upload-Offset": "0", "Content-Type": "application/offset+octet-stream"}
        wrong_sum = {**patch, "Upload-Checksum": "sha256 " + base64.b64encode(bytes(32)).decode()}
        assert typed(member.request("PATCH", upload, headers=wrong_sum, content=first)) == (460, "checksum_mismatch")
        assert public.offset(member, upload) == 0
        right_sum = base64.b64encode(hashlib.sha256(first).digest()).decode()
        good = {**patch, "Upload-Checksum": f"sha256 {right_sum}"}
        assert member.request("PATCH", upload, headers=good, content=first).status_code == 204
        assert typed(member.request("PATCH", upload, headers=patch, content=first)) == (409, "offset_mismatch")
        assert public.offset(member, upload) == MEBIBYTE
        public.send_from(member, upload, data, MEBIBYTE)
        member.json("POST", f"/api/v1/transfers/{transfer}/send", {}, expect=200)
        transfers.wait_state(member, transfer, "Delivered")


def test_a_member_who_is_no_party_gets_404_for_everything(world: World, tmp_path: Path) -> None:
    data = tmp_path / "data"
    data.write_bytes(b"private\n" * 1000)
    with world.member(AOI) as member, world.member(AOI, "colleague") as colleague, world.administrator(AOI) as admin:
        transfer = transfers.send(member, RECIPIENT, [Outgoing(data, "data")])
        file = transfers.view(member, transfer)["files"][0]["id"]
        ways = [
            ("GET", f"/api/v1/transfers/{transfer}"),
            ("POST", f"/api/v1/transfers/{transfer}/send"),
            ("POST", f"/api/v1/transfers/{transfer}/recall"),
            ("GET", f"/transfers/{transfer}"),
            ("HEAD", f"/files/{file}"),
            ("PATCH", f"/files/{file}"),
            ("DELETE", f"/files/{file}"),
            ("GET", f"/downloads/{file}"),
        ]
        for other in (colleague, admin):
            headers = {**TUS, "Upload-Offset": "0", "Content-Type": "application/offset+octet-stream"}
            answers = {
                way: other.request(*way, headers=headers if "/files/" in way[1] else {}).status_code for way in ways
            }
            assert answers == dict.fromkeys(ways, 404)
            assert transfer not in other.request("GET", "/api/v1/transfers").text


def test_wrong_codes_run_out_and_a_get_consumes_nothing(world: World, tmp_path: Path) -> None:
    data = tmp_path / "data"
    data.write_bytes(b"for one reader\n" * 1000)
    address = f"codes-{os.urandom(4).hex()}@partner.example"
    with world.member(AOI) as member:
        transfer = transfers.send(member, address, [Outgoing(data, "data")])
        transfers.wait_state(member, transfer, "Delivered")
        link = world.inbox.wait(address, containing="/r/").link("/r/")
        identifier = link.split("/r/", 1)[1]
        with world.endpoint(AOI).open() as crawler:
            for method in ("GET", "HEAD"):
                assert crawler.request(method, f"/r/{identifier}").status_code == 200
            assert crawler.request("GET", f"/api/v1/r/{identifier}/files").status_code in {401, 403}
        with world.endpoint(AOI).open() as thief:
            thief.json("POST", f"/api/v1/r/{identifier}/code", {}, expect=202)
            wait_until("the code being mailed", lambda: len(world.inbox.messages(address)) > 1, seconds=60)
            wrong = [
                typed(thief.request("POST", f"/api/v1/r/{identifier}/verify", json={"code": "00000000"}))
                for _ in range(6)
            ]
        assert wrong[0][1] == "code_wrong"
        assert wrong[-1][1] == "code_exhausted"
        assert transfers.view(member, transfer)["recipients"][0]["downloads"] == 0


def pods(world: World, namespace: str) -> list[object]:
    listed: list[object] = world.kubectl.json("get", "pods", "-n", namespace)["items"]
    return listed


@contextmanager
def stopped(world: World, namespace: str, deployment: str) -> Iterator[None]:
    try:
        world.kubectl("scale", "-n", namespace, f"deployment/{deployment}", "--replicas=0")
        wait_until(f"{deployment} being gone", lambda: not pods(world, namespace), seconds=90)
        yield
    finally:
        world.kubectl("scale", "-n", namespace, f"deployment/{deployment}", "--replicas=1")
        world.wait_rolled_out(namespace, deployment)


def test_with_the_mail_relay_down_the_mail_waits_and_comes(world: World, tmp_path: Path) -> None:
    data = tmp_path / "data"
    data.write_bytes(b"by and by\n" * 1000)
    address = f"later-{os.urandom(4).hex()}@partner.example"
    with world.member(AOI) as member:
        with stopped(world, "kozutumi-mail", "mailpit"):
            transfer = transfers.send(member, address, [Outgoing(data, "data")])
            transfers.wait_state(member, transfer, "Delivered")
            time.sleep(5)
        assert world.inbox.wait(address, containing="/r/", seconds=400).link("/r/")


def test_with_the_object_store_down_what_was_acknowledged_is_kept(world: World, tmp_path: Path) -> None:
    data = tmp_path / "data"
    data.write_bytes(os.urandom(20 * MEBIBYTE))
    store = world.kubectl.json("get", "deployments", "-n", labels.STORAGE_NAMESPACE)["items"][0]["metadata"]["name"]
    with world.member(AOI) as member:
        transfer = draft(member)
        upload = public.create_upload(member, transfer, "data", 20 * MEBIBYTE)
        with pytest.raises(public.Cut):
            public.send_from(member, upload, data, 0, cut_at=10 * MEBIBYTE)
        wait_until("the cut being noticed", lambda: public.offset(member, upload) > 0, seconds=30)
        kept = public.offset(member, upload)
        with stopped(world, labels.STORAGE_NAMESPACE, store):
            headers = {**TUS, "Upload-Offset": str(kept), "Content-Type": "application/offset+octet-stream"}
            answer = member.request("PATCH", upload, headers=headers, content=b"x" * MEBIBYTE, timeout=120)
            assert typed(answer) == (503, "storage_unavailable")
            wait_until(
                "AppReady or StorageReady telling it",
                lambda: (
                    "False"
                    in {world.kubectl.condition(AOI, kind).get("status") for kind in ("AppReady", "StorageReady")}
                ),
                seconds=120,
            )
        assert public.offset(member, upload) == kept
        wait_until("the store taking the rest", lambda: taken(member, upload, data), seconds=60)
        member.json("POST", f"/api/v1/transfers/{transfer}/send", {}, expect=200)
        transfers.wait_state(member, transfer, "Delivered")
    for code in (AOI, KAEDE):
        organizations.wait_ready(world.kubectl, code, seconds=500)


def taken(member: Public, upload: str, data: Path) -> bool:
    """As a client goes on that was told 503: the store's Service may reach nobody yet."""
    try:
        public.resume(member, upload, data)
    except RuntimeError:
        return False
    return True

"""Requests sent twice are done once; each caller has a share, and is told of it."""

from __future__ import annotations

import asyncio
import threading
from pathlib import Path
from typing import Any

import httpx
import pytest
import sqlalchemy as sa

import people_world as world
from builders import client, make_services
from kozutumi_app.adapters.database.schema import idempotency_keys, transfers
from kozutumi_app.services import Services
from kozutumi_app.use_cases import drafts
from kozutumi_app.web import gate

BODY = {"recipients": [{"email": world.RECIPIENT}], "subject": "秘密の件名"}


@pytest.fixture
def services(tmp_path: Path) -> Services:
    return make_services(tmp_path)


async def post(person: world.Browser, key: str, json: Any = None, path: str = "/transfers") -> httpx.Response:
    headers = {"X-CSRF-Token": person.csrf, "Idempotency-Key": key}
    return await person.http.post(f"/api/v1{path}", json=BODY if json is None else json, headers=headers)


def count(services: Services) -> int:
    with services.database.read() as tx:
        return tx.execute(sa.select(sa.func.count()).select_from(transfers)).scalar_one()


def refusal(answer: httpx.Response) -> tuple[int, str]:
    assert answer.headers["content-type"] == "application/problem+json", answer.text
    return answer.status_code, answer.json()["code"]


def on_disk(folder: Path) -> bytes:
    return b"".join(path.read_bytes() for path in folder.iterdir() if path.is_file())


async def test_the_same_request_is_done_once_and_answered_alike(services: Services, tmp_path: Path) -> None:
    person = await world.administrator(services)
    first, second = await post(person, "k1"), await post(person, "k1")
    assert (first.status_code, first.content) == (second.status_code, second.content) == (201, first.content)
    assert second.headers["Idempotent-Replayed"] == "true"
    assert "Idempotent-Replayed" not in first.headers
    assert count(services) == 1
    stored = on_disk(tmp_path)
    assert "秘密の件名".encode() not in stored


async def test_another_request_under_the_key_is_refused(services: Services) -> None:
    person = await world.administrator(services)
    await post(person, "k1")
    assert refusal(await post(person, "k1", BODY | {"subject": "別"})) == (422, "idempotency_key_reused")
    assert refusal(await post(person, "k1", {}, "/members")) == (422, "idempotency_key_reused")
    assert count(services) == 1


async def test_the_key_is_each_callers_own_and_lasts_a_day(services: Services) -> None:
    admin = await world.administrator(services)
    other = await world.member(services, admin, "hanako@acme.test")
    assert (await post(admin, "k1")).json()["id"] != (await post(other, "k1")).json()["id"]
    first = (await post(admin, "k2")).json()["id"]
    world.move(services, hours=11)
    assert (await post(admin, "k2")).json()["id"] == first
    world.move(services, hours=11)
    assert (await post(admin, "k2")).json()["id"] == first
    world.move(services, hours=2)
    assert (await post(admin, "k2")).json()["id"] != first


async def test_a_refusal_is_kept_but_not_one_that_says_nothing_of_the_request(services: Services) -> None:
    person = await world.administrator(services)
    wrong = BODY | {"max_downloads": 0}
    assert refusal(await post(person, "k1", wrong)) == (422, "invalid_input")
    assert (await post(person, "k1", wrong)).headers["Idempotent-Replayed"] == "true"
    csrf, person.csrf = person.csrf, "0" * 64
    assert refusal(await post(person, "k2")) == (403, "csrf_failed")
    person.csrf = csrf
    assert (await post(person, "k2")).status_code == 201
    for key in ("", "a b", "x" * 256):
        assert refusal(await post(person, key)) == (422, "invalid_input")


async def test_a_second_one_meanwhile_is_told_to_wait(services: Services, monkeypatch: pytest.MonkeyPatch) -> None:
    person = await world.administrator(services)
    began, go_on, create = threading.Event(), threading.Event(), drafts.create

    def slow(*arguments: Any) -> drafts.Created:
        began.set()
        assert go_on.wait(30)
        return create(*arguments)

    monkeypatch.setattr(drafts, "create", slow)
    first = asyncio.create_task(post(person, "k1"))
    await asyncio.to_thread(began.wait, 30)
    meanwhile = await post(person, "k1")
    go_on.set()
    assert refusal(meanwhile) == (409, "idempotency_conflict")
    assert meanwhile.headers["Retry-After"] == "1"
    assert (await first).status_code == 201
    assert (await post(person, "k1")).json() == (await first).json()
    assert count(services) == 1


async def test_a_request_that_was_cut_off_is_not_done_again(services: Services) -> None:
    person = await world.administrator(services)
    await post(person, "k1")
    with services.database.write() as tx:  # what a kill between the act and its answer leaves
        tx.execute(sa.update(idempotency_keys).values(status=None, answer_sealed=None))
    world.move(services, minutes=3)
    answer = await post(person, "k1")
    assert refusal(answer) == (409, "idempotency_conflict")
    assert "Retry-After" not in answer.headers
    assert count(services) == 1


async def test_a_fault_frees_the_key(services: Services, monkeypatch: pytest.MonkeyPatch) -> None:
    person = await world.administrator(services)

    def broken(*_: Any) -> str:
        raise RuntimeError

    with monkeypatch.context() as broken_for_now:
        broken_for_now.setattr(drafts, "create", broken)
        assert refusal(await post(person, "k1")) == (500, "internal")
    assert (await post(person, "k1")).status_code == 201


async def test_a_repeated_key_does_not_show_a_token_again(services: Services) -> None:
    person = await world.administrator(services)
    body = {"name": "x", "scopes": ["transfers:read"]}
    first, second = [(await post(person, "k1", body, "/tokens")).json() for _ in range(2)]
    assert first["token"].startswith("kzp_")
    assert second == first | {"token": None}


async def test_each_caller_has_a_share_and_is_told_of_it(services: Services) -> None:
    admin = await world.administrator(services)
    other = await world.member(services, admin, "hanako@acme.test")
    burst, window = gate.API.limit.burst, round(gate.API.limit.burst * gate.API.limit.seconds)
    answer = await admin.get("/session")
    assert answer.headers["RateLimit-Policy"] == f'"api";q={burst};w={window}'
    left = int(answer.headers["RateLimit"].split(";")[1].removeprefix("r="))
    for _ in range(left):
        assert services.limits.take("api", admin.user["id"], gate.API.limit, services.clock.now()).retry_after == 0
    refused = await admin.get("/session")
    assert refusal(refused) == (429, "rate_limited")
    assert refused.headers["Retry-After"] == "1"
    assert refused.headers["RateLimit"].startswith('"api";r=0;t=')
    assert (await other.get("/session")).status_code == 200
    assert (await client(services).get("/api/v1/r/none")).status_code == 404
    world.move(services, seconds=1)
    assert (await admin.get("/session")).status_code == 200

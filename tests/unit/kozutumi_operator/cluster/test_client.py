"""The client of the API server: what it sends, and which error an answer becomes. No socket: the session is a fake."""

from __future__ import annotations

from collections.abc import AsyncIterator, Mapping
from typing import Any, Self, cast

import aiohttp
import orjson
import pytest

from kozutumi_operator.cluster import discovery, kinds
from kozutumi_operator.cluster.client import (
    JSON,
    METADATA_ONLY,
    AlreadyExists,
    Cluster,
    Conflict,
    Forbidden,
    WatchExpired,
)
from kozutumi_operator.errors import ApplyRefused, ClusterUnavailable, OperatorError

SECRET = {"apiVersion": "v1", "kind": "Secret", "metadata": {"name": "s", "namespace": "kz-a"}, "data": {"k": "djE="}}


class Answer:
    headers: Mapping[str, str] = {}

    def __init__(self, status: int, body: Any, lines: list[Any] | None = None) -> None:
        self.status = status
        self._body = body if isinstance(body, bytes) else orjson.dumps(body)
        self._lines = lines or []

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(self, *_: object) -> None:
        return None

    async def read(self) -> bytes:
        return self._body

    @property
    def content(self) -> AsyncIterator[bytes]:
        return self._stream()

    async def _stream(self) -> AsyncIterator[bytes]:
        for line in self._lines:
            yield orjson.dumps(line) + b"\n"


class Session:
    def __init__(self, answer: Answer | Exception) -> None:
        self.answer = answer
        self.sent: list[tuple[str, str, dict[str, Any]]] = []

    def request(self, method: str, url: str, **options: Any) -> Answer:
        self.sent.append((method, url, options))
        if isinstance(self.answer, Exception):
            raise self.answer
        return self.answer

    def get(self, url: str, **options: Any) -> Answer:
        return self.request("GET", url, **options)


async def token() -> str | None:
    return "bearer abc"


def client(answer: Answer | Exception) -> tuple[Cluster, Session]:
    session = Session(answer)
    return Cluster(cast("aiohttp.ClientSession", session), "https://api", token), session


async def test_apply_is_forced_under_our_name_and_carries_the_token() -> None:
    cluster, session = client(Answer(200, SECRET))
    await cluster.apply(SECRET)
    [(method, url, options)] = session.sent
    assert (method, url) == ("PATCH", "https://api/api/v1/namespaces/kz-a/secrets/s")
    assert options["params"] == {"fieldManager": "kozutumi-operator", "force": "true"}
    assert options["headers"]["Content-Type"] == "application/apply-patch+yaml"
    assert options["headers"]["Authorization"] == "bearer abc"
    assert orjson.loads(options["data"]) == SECRET


async def test_status_is_applied_by_another_manager_to_its_subresource() -> None:
    organization = {"apiVersion": "kozutumi.com/v1alpha1", "kind": "Organization", "metadata": {"name": "a"}}
    cluster, session = client(Answer(200, organization))
    await cluster.apply(organization, manager="status", subresource="status")
    assert session.sent[0][1] == "https://api/apis/kozutumi.com/v1alpha1/organizations/a/status"
    assert session.sent[0][2]["params"]["fieldManager"] == "status"


async def test_items_of_a_list_get_the_kind_that_the_api_leaves_out() -> None:
    cluster, _ = client(Answer(200, {"items": [{"metadata": {"name": "s"}}]}))
    assert await cluster.list(kinds.SECRET, "kz-a") == [
        {"apiVersion": "v1", "kind": "Secret", "metadata": {"name": "s"}}
    ]


async def test_what_is_not_there_is_none_and_no_error() -> None:
    cluster, _ = client(Answer(404, {"reason": "NotFound"}))
    assert await cluster.get(kinds.SECRET, "s", "kz-a") is None
    assert await cluster.list(kinds.SECRET, "kz-a") == []
    assert await cluster.delete(kinds.SECRET, "s", "kz-a") is False
    assert await cluster.merge(kinds.SECRET, "s", {}, "kz-a") is None


@pytest.mark.parametrize(
    ("status", "body", "error"),
    [
        (403, {"reason": "Forbidden", "message": "no"}, Forbidden),
        (403, {"details": {"causes": [{"reason": "NamespaceTerminating"}]}}, ClusterUnavailable),
        (409, {"reason": "AlreadyExists"}, AlreadyExists),
        (409, {"reason": "Conflict"}, Conflict),
        (422, {"reason": "Invalid"}, ApplyRefused),
        (400, {"reason": "BadRequest"}, ApplyRefused),
        (429, {"reason": "TooManyRequests"}, ClusterUnavailable),
        (500, b"no json", ClusterUnavailable),
        (401, {"reason": "Unauthorized"}, ClusterUnavailable),
    ],
)
async def test_each_refusal_becomes_an_error_of_ours(status: int, body: Any, error: type[OperatorError]) -> None:
    cluster, _ = client(Answer(status, body))
    with pytest.raises(OperatorError) as caught:
        await cluster.create(SECRET)
    assert type(caught.value) is error
    assert "djE=" not in str(caught.value)


async def test_a_server_that_is_away_is_unavailable() -> None:
    for failure in (aiohttp.ClientConnectionError("refused"), TimeoutError()):
        cluster, _ = client(failure)
        with pytest.raises(ClusterUnavailable):
            await cluster.get(kinds.SECRET, "s", "kz-a")


async def test_a_deletion_may_be_bound_to_one_very_object() -> None:
    cluster, session = client(Answer(200, {}))
    assert await cluster.delete(kinds.POD, "p", "kz-a", uid="u", grace=0)
    sent = orjson.loads(session.sent[0][2]["data"])
    assert sent == {"propagationPolicy": "Background", "preconditions": {"uid": "u"}, "gracePeriodSeconds": 0}


async def test_it_knows_its_own_writes_again() -> None:
    written = {**SECRET, "metadata": {**SECRET["metadata"], "uid": "u", "resourceVersion": "7"}}  # type: ignore[dict-item]
    cluster, _ = client(Answer(200, written))
    assert not cluster.wrote(written)
    await cluster.get(kinds.SECRET, "s", "kz-a")
    assert not cluster.wrote(written)
    await cluster.apply(SECRET)
    assert cluster.wrote(written)
    assert not cluster.wrote({"metadata": {"uid": "u", "resourceVersion": "8"}})
    assert not cluster.wrote({"metadata": {}})


async def test_a_watch_yields_changes_and_asks_for_metadata_only() -> None:
    lines = [{"type": "MODIFIED", "object": {"metadata": {"name": "s", "resourceVersion": "9"}}}]
    cluster, session = client(Answer(200, b"", lines))
    found = [event async for event in cluster.watch(kinds.SECRET, "kz-a", since="8")]
    assert found == [("MODIFIED", lines[0]["object"])]
    assert session.sent[0][2]["params"]["resourceVersion"] == "8"
    assert session.sent[0][2]["headers"]["Accept"] == METADATA_ONLY
    assert session.sent[0][2]["headers"]["Content-Type"] == JSON


@pytest.mark.parametrize(
    "answer",
    [
        Answer(410, {"message": "too old"}),
        Answer(200, b"", [{"type": "ERROR", "object": {"code": 410, "message": "too old"}}]),
    ],
)
async def test_a_watch_from_too_long_ago_says_so(answer: Answer) -> None:
    cluster, _ = client(answer)
    with pytest.raises(WatchExpired):
        [event async for event in cluster.watch(kinds.SECRET, "kz-a", since="1")]


@pytest.mark.parametrize(
    ("answer", "there"),
    [
        (Answer(200, {"resources": [{"name": "httproutes", "kind": "HTTPRoute"}]}), True),
        (Answer(200, {"resources": [{"name": "gateways", "kind": "Gateway"}]}), False),
        (Answer(404, {"reason": "NotFound"}), False),
    ],
)
async def test_a_kind_of_others_is_looked_for_by_discovery(answer: Answer, there: object) -> None:
    cluster, session = client(answer)
    assert await cluster.serves(kinds.HTTP_ROUTE) is there
    assert session.sent[0][1] == "https://api/apis/gateway.networking.k8s.io/v1"


async def test_only_what_is_served_is_watched_and_gathered() -> None:
    cluster, _ = client(Answer(200, {"resources": [{"kind": "HTTPRoute"}, {"kind": "BackendTLSPolicy"}]}))
    assert set(cluster.kinds) == set(kinds.WATCHED)
    await discovery.learn(cluster)
    assert set(cluster.kinds) == {*kinds.WATCHED, kinds.HTTP_ROUTE, kinds.BACKEND_TLS_POLICY}


async def test_an_api_server_that_does_not_answer_is_no_cluster_without_gateways() -> None:
    cluster, _ = client(aiohttp.ClientError("refused"))
    with pytest.raises(ClusterUnavailable):
        await discovery.learn(cluster)

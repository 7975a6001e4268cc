"""`docs/openapi.json` is what the routes say, and says of each how it refuses."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from fastapi import APIRouter

from kozutumi_app.application import openapi_document
from kozutumi_app.domain.tokens import Scope
from kozutumi_app.errors import NotFound, TransferClosed
from kozutumi_app.web import openapi
from kozutumi_app.web.api.callers import ActingMember, Administrator
from kozutumi_app.web.api.documented import Shown, answers

KEPT = Path(__file__).parents[4] / "docs" / "openapi.json"
DOCUMENT: dict[str, Any] = json.loads(openapi_document())
OPERATIONS = [
    (f"{method.upper()} {path}", operation)
    for path, operations in DOCUMENT["paths"].items()
    for method, operation in operations.items()
]


NO_LISTS = {
    "GET /api/v1/approvals/{request_id}": "one request with all that agreeing would let out",
    "GET /api/v1/transfers/{transfer_id}": "one transfer, whose files and recipients are bounded",
    "GET /api/v1/requests/{request_id}": "one request with its answers, which its limits bound",
    "GET /api/v1/r/{link_id}/files": "one delivery, whole, as a recipient takes it",
}
"""Answers that hold a list and are none."""


class Thing(Shown):
    id: str


class Things(Shown):
    things: list[Thing]


def small() -> dict[str, Any]:
    router = APIRouter(prefix="/api/v1")

    @router.post("/things/{thing_id}", **answers(NotFound, TransferClosed, status=201, scope=Scope.TRANSFERS_WRITE))
    def make(thing_id: str, user: ActingMember) -> Thing:
        raise NotImplementedError

    @router.get("/decisions", **answers())
    def decide(user: Administrator) -> Thing:
        raise NotImplementedError

    @router.get("/things", **answers())
    def show(user: Administrator) -> Things:
        raise NotImplementedError

    return openapi.document([router])


def lists(document: dict[str, Any]) -> dict[str, tuple[set[str], set[str]]]:
    """Operations that answer with a list of things or with lines: names of what they take and of what they answer."""
    found = {}
    for path, operations in document["paths"].items():
        if "get" not in operations:
            continue
        operation = operations["get"]
        content = operation["responses"].get("200", {}).get("content", {})
        schema = content.get("application/json", {}).get("schema", {})
        fields = resolved(document, schema).get("properties", {})
        if "application/jsonl" in content or any("$ref" in field.get("items", {}) for field in fields.values()):
            asked = {parameter["name"] for parameter in operation.get("parameters", [])}
            found[f"GET {path}"] = (asked, set(fields))
    return found


def resolved(document: dict[str, Any], schema: dict[str, Any]) -> dict[str, Any]:
    name = schema.get("$ref", "").rpartition("/")[2]
    found: dict[str, Any] = document["components"]["schemas"].get(name, schema)
    return found


def codes(document: dict[str, Any], path: str, method: str, status: int) -> set[str]:
    name = document["paths"][path][method]["responses"][str(status)]["$ref"].rsplit("/", 1)[1]
    schema = document["components"]["responses"][name]["content"]["application/problem+json"]["schema"]
    return set(schema["allOf"][1]["properties"]["code"]["enum"])


def test_the_kept_document_is_current() -> None:
    said = "run: python -m kozutumi_app openapi > docs/openapi.json"
    assert KEPT.read_text("utf-8") == openapi_document(), said


def test_refusals_come_from_the_use_case_the_caller_and_the_port() -> None:
    document = small()
    assert codes(document, "/api/v1/things/{thing_id}", "post", 404) == {"not_found"}
    assert codes(document, "/api/v1/things/{thing_id}", "post", 409) == {"transfer_closed", "idempotency_conflict"}
    assert codes(document, "/api/v1/things/{thing_id}", "post", 401) == {"not_signed_in", "token_invalid"}
    assert "csrf_failed" in codes(document, "/api/v1/things/{thing_id}", "post", 403)
    assert {"not_allowed", "scope_missing"} <= codes(document, "/api/v1/decisions", "get", 403)
    assert "csrf_failed" not in codes(document, "/api/v1/decisions", "get", 403)


def test_a_token_is_offered_only_where_a_scope_reaches() -> None:
    paths = small()["paths"]
    assert paths["/api/v1/things/{thing_id}"]["post"]["security"] == [{"session": []}, {"token": ["transfers:write"]}]
    assert paths["/api/v1/decisions"]["get"]["security"] == [{"session": []}]


@pytest.mark.parametrize(("name", "operation"), OPERATIONS, ids=[name for name, _ in OPERATIONS])
def test_every_operation_says_what_it_answers(name: str, operation: dict[str, Any]) -> None:
    good = [answer for status, answer in operation["responses"].items() if status < "400"]
    assert good, name
    for answer in good:
        for content in answer.get("content", {}).values():
            assert content["schema"], f"{name}: give the route a return annotation, or answers(raw=…)"
    assert not [key for key in operation if key.startswith("x-kozutumi")]


def test_a_list_without_pages_is_found() -> None:
    assert lists(small()) == {"GET /api/v1/things": (set(), {"things"})}


def test_every_list_comes_in_pages() -> None:
    found = lists(DOCUMENT)
    assert set(NO_LISTS) <= set(found), "an exception that is none any more"
    for name, (asked, answered) in found.items():
        if name in NO_LISTS or name == "GET /api/v1/audit/export":  # a stream, cut by since and until
            continue
        assert "limit" in asked, f"{name}: give it paging.Limit and paging.After, or say in NO_LISTS why not"
        assert asked & {"after", "before"}, name
        assert "next" in answered or name == "GET /api/v1/audit/seals", name  # lines: the last one's number

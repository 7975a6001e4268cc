"""AccessGrant and Announcement teach by `kubectl explain`, and their examples are what they say."""

from __future__ import annotations

from typing import Any

import pytest

import definitions
from definitions import Field
from kozutumi_operator.announcements import announcement
from kozutumi_operator.grants import grant

GRANT, ANNOUNCEMENT = definitions.spec_fields("accessgrants"), definitions.spec_fields("announcements")
STATUS = [
    *definitions.fields(definitions.schema("accessgrants")["properties"]["status"], "status"),
    *definitions.fields(definitions.schema("announcements")["properties"]["status"], "status"),
]


def path_of(field: Field) -> str:
    return field.path


@pytest.mark.parametrize("field", [*GRANT, *ANNOUNCEMENT], ids=path_of)
def test_a_field_teaches(field: Field) -> None:
    if field.section:
        assert field.description.endswith((".", ")"))
        return
    assert field.taught is not None, "end with: Default: X. Example: Y. (or Required. Example: Y.)"
    kinds = {"string": str, "boolean": bool, "array": list}
    assert isinstance(field.example, kinds[field.schema["type"]])
    assert field.example in field.schema.get("enum", [field.example])


@pytest.mark.parametrize("field", STATUS, ids=path_of)
def test_a_field_of_the_status_is_described(field: Field) -> None:
    assert field.description


def _metadata() -> dict[str, Any]:
    return {"name": "x", "uid": "u", "generation": 1, "creationTimestamp": "2026-11-24T12:00:00Z"}


def test_the_examples_together_are_a_grant() -> None:
    read = grant.parse({"metadata": _metadata(), "spec": definitions.examples(GRANT)})
    assert (read.role, read.duration, read.approved_by) == ("Diagnose", 7200, "taro@provider.example")


def test_the_examples_together_are_an_announcement() -> None:
    spec = definitions.examples(ANNOUNCEMENT)
    read = announcement.parse({"metadata": _metadata(), "spec": spec})
    assert read.everyone
    assert read.until is not None
    assert read.document["timeline"][0]["en"] == "It has begun."

"""What the chart takes is written down, checked by its schema, and has one source."""

from __future__ import annotations

import dataclasses
import json
import os
import re
from typing import Any

import pytest

import chart_world
from chart_world import CHART, EVERY_VALUE, MINIMAL, Path_
from kozutumi_cluster.images import ROOT
from kozutumi_operator.platform import PlatformSettings

VALUES = chart_world.values(CHART / "values.yaml")
SCHEMA: dict[str, Any] = json.loads((CHART / "values.schema.json").read_text(encoding="utf-8"))
# The chart fixes these: its images, its own pods and account.
FIXED = {"image_app", "image_scanner", "image_probe", "operator_selector", "operator_service_account"}


def resolved(schema: dict[str, Any]) -> dict[str, Any]:
    while "$ref" in schema:
        schema = SCHEMA["$defs"][schema["$ref"].rpartition("/")[2]]
    return schema


def strictly(schema: dict[str, Any], path: Path_ = ()) -> set[Path_]:
    """Paths of every value in the schema; each object with fixed keys refuses others."""
    found: set[Path_] = set()
    for name, below in schema["properties"].items():
        kind = resolved(below)
        if "properties" in kind and (*path, name) not in chart_world.MAPPINGS:
            assert kind.get("additionalProperties") is False, (*path, name)
            found |= strictly(kind, (*path, name))
        else:
            found.add((*path, name))
    return found


def test_every_value_has_a_comment_of_its_own() -> None:
    lines = (CHART / "values.yaml").read_text(encoding="utf-8").splitlines()
    stack: list[str] = []
    commented = set()
    for before, line in zip(["", *lines], lines, strict=False):
        if match := re.match(r"( *)(\w[\w./]*):", line):
            stack = [*stack[: len(match[1]) // 2], match[2]]
            if before.strip().startswith("#"):
                commented.add(tuple(stack))
    missing = {path for path, _ in chart_world.leaves(VALUES)} - commented
    assert not missing


def test_values_and_schema_name_the_same() -> None:
    assert SCHEMA["additionalProperties"] is False
    assert strictly(SCHEMA) - {("global",)} == {path for path, _ in chart_world.leaves(VALUES)}


def test_every_setting_of_the_platform_is_a_value() -> None:
    fields = {field.name for field in dataclasses.fields(PlatformSettings)} - FIXED
    named = {re.sub(r"[A-Z]", lambda match: f"_{match[0].lower()}", name) for name in VALUES["platform"]}
    assert named == fields


def test_the_example_changes_every_value() -> None:
    changed = dict(chart_world.leaves(chart_world.values(EVERY_VALUE)))
    defaults = dict(chart_world.leaves(VALUES))
    assert changed.keys() == defaults.keys()
    assert [path for path in defaults if changed[path] == defaults[path]] == []


def test_the_minimal_example_sets_what_is_required_and_no_more() -> None:
    required = {("platform", *path) for path, _ in chart_world.leaves(chart_world.values(MINIMAL)["platform"])}
    said = (CHART / "values.yaml").read_text(encoding="utf-8")
    marked = set(re.findall(r"Required\.\n  (\w+):", said)) | {"apiServerAddresses"}
    assert {path[-1] for path in required} == marked


def test_no_value_is_a_secret() -> None:
    suspicious = re.compile(r"password|passphrase|token|credential|privateKey|secretKey", re.IGNORECASE)
    assert not [path for path, _ in chart_world.leaves(VALUES) if suspicious.search(path[-1])]


@pytest.mark.parametrize("link", sorted((CHART / "files").iterdir()), ids=lambda path: path.name)
def test_the_chart_holds_no_second_copy(link: Any) -> None:
    assert link.is_symlink(), "a file of the chart that is somebody else's is a link to it"
    assert not os.path.isabs(link.readlink())  # noqa: PTH117 - a Path of the link's text, not of a file
    assert link.resolve().is_relative_to(ROOT)
    assert link.exists()


def test_the_chart_has_the_version_of_the_distribution() -> None:
    chart = chart_world.values(CHART / "Chart.yaml")
    project = re.search(r'^version = "(.*)"', (ROOT / "pyproject.toml").read_text(encoding="utf-8"), re.MULTILINE)
    assert project
    assert chart["version"] == chart["appVersion"] == project[1]

"""`kubectl explain` teaches: every field says what it is, in which unit, its default, and an example that is valid.

After a wanted change: KOZUTUMI_UPDATE_GOLDEN=1 pytest tests/unit/kozutumi_operator/test_definitions.py
"""

from __future__ import annotations

import inspect
import os
import re

import pytest
import yaml

import definitions
import organization_world
from definitions import Field
from kozutumi_operator.organizations import plans, spec, status, unsupported
from kozutumi_operator.organizations.defaults import DEFAULTS
from operator_builders import UID, settings

ORGANIZATION = definitions.spec_fields("organizations")
PLAN = definitions.spec_fields("organizationplans")
LEAVES = [each for each in (*ORGANIZATION, *PLAN) if not each.section]
STATUS = [
    *definitions.fields(definitions.schema("organizations")["properties"]["status"], "status"),
    *definitions.fields(definitions.schema("organizationplans")["properties"]["status"], "status"),
]
DURATIONS = {"defaultExpiry", "maxExpiry", "holdFor", "rotationPeriod", "maximumSignatureAge", "retainFor"}


def path_of(field: Field) -> str:
    return field.path


@pytest.mark.parametrize("field", LEAVES, ids=path_of)
def test_a_field_teaches(field: Field) -> None:
    assert field.taught is not None, "end with: Default: X. Example: Y. (or Required. Example: Y.)"
    assert field.about.endswith((".", ")"))
    name = field.path.rpartition(".")[2]
    if field.kind == "quantity":
        assert "quantity" in field.about or ".ceilings." in field.path
    if name in DURATIONS:
        assert "duration" in field.about or ".ceilings." in field.path


@pytest.mark.parametrize("field", [each for each in (*ORGANIZATION, *PLAN, *STATUS) if each.section], ids=path_of)
def test_a_section_is_described(field: Field) -> None:
    assert field.description.endswith((".", ")"))


@pytest.mark.parametrize("field", STATUS, ids=path_of)
def test_a_field_of_the_status_is_described(field: Field) -> None:
    assert field.description


@pytest.mark.parametrize("field", LEAVES, ids=path_of)
def test_an_example_is_of_its_type(field: Field) -> None:
    kinds = {"string": str, "integer": int, "boolean": bool, "array": list}
    if field.kind != "quantity":
        assert isinstance(field.example, kinds[field.schema["type"]])
    assert field.example in field.schema.get("enum", [field.example])
    assert field.example >= field.schema.get("minimum", field.example)


@pytest.mark.parametrize("path", DEFAULTS)
def test_the_default_that_is_taught_is_the_one_in_use(path: str) -> None:
    [field] = [each for each in ORGANIZATION if each.path == f"spec.{path}"]
    assert field.taught is not None
    taught = re.split(r",| for the ", field.taught["default"])[0]
    if path.startswith("scanner.resources") and " and " in field.taught["default"]:
        taught = field.taught["default"].split(" and ")[1].split(" for ")[0]
    assert taught == str(DEFAULTS[path])


def test_the_api_server_fills_in_nothing_that_a_plan_may() -> None:
    for field in ORGANIZATION:
        if field.path.split(".")[1] in plans.SECTIONS:
            assert "default" not in field.schema, field.path


def test_all_examples_together_can_be_read() -> None:
    example = definitions.examples(ORGANIZATION)
    del example["endpoint"]["tls"]["secretRef"]
    body = {"metadata": {"name": example["serviceCode"], "uid": UID}, "spec": example}
    read = spec.parse(body)
    assert (read.endpoint_type, read.retain_for, read.rotation_period) == ("HTTPRoute", 2160 * 3600, 2160 * 3600)
    assert read.extra_egress[0].host == "login.example.com"


@pytest.mark.parametrize("entry", unsupported.UNSUPPORTED, ids=lambda entry: str(entry.field))
def test_what_is_refused_says_so_where_it_is_explained(entry: unsupported.Unsupported) -> None:
    path = f"spec.{entry.field}"
    mine = [each for each in ORGANIZATION if path.startswith(each.path) or each.path == path]
    assert any("not in this release, and refused" in each.description.lower() for each in mine)


def test_nothing_else_says_that_it_is_refused() -> None:
    listed = {f"spec.{entry.field}" for entry in unsupported.UNSUPPORTED}
    for field in ORGANIZATION:
        if "not in this release" in field.description.lower():
            assert any(path.startswith(field.path) for path in listed), field.path


PAGES = {"organization.md": ORGANIZATION, "plans.md": [each for each in PLAN if ".defaults." not in each.path]}


@pytest.mark.parametrize("name", PAGES)
def test_the_reference_is_the_definition_s(name: str) -> None:
    path = definitions.ROOT / "docs" / "operations" / name
    page = path.read_text()
    begin, end = "<!-- made from the definition -->\n\n", "\n\n<!-- end -->"
    before, _, rest = page.partition(begin)
    _, _, after = rest.partition(end)
    wanted = before + begin + definitions.reference(PAGES[name]) + end + after
    if os.environ.get("KOZUTUMI_UPDATE_GOLDEN") == "1":
        path.write_text(wanted)
    assert page == wanted


def test_a_plan_has_the_shapes_of_an_organization() -> None:
    wanted = definitions.plan_definition()
    path = definitions.CRDS / "organizationplans.kozutumi.com.yaml"
    if os.environ.get("KOZUTUMI_UPDATE_GOLDEN") == "1":
        path.write_text(definitions.dump(wanted))
    assert definitions.definition("organizationplans") == wanted


def test_both_definitions_are_installed() -> None:
    listed = yaml.safe_load((definitions.CRDS / "kustomization.yaml").read_text())["resources"]
    assert {path.name for path in definitions.CRDS.glob("*.kozutumi.com.yaml")} == set(listed)


def test_the_api_server_prunes_nothing_of_the_status() -> None:
    known = {field.path for field in STATUS}
    source = inspect.getsource(status.render)
    written = set(re.findall(r'^        "(\w+)":', source, flags=re.MULTILINE))
    assert written >= {"conditions", "plan", "encryption"}
    assert {f"status.{name}" for name in written} <= known
    rendered = status.render(organization_world.GOOD, settings(), {}, organization_world.NOW)
    for section, value in rendered.items():
        if isinstance(value, dict):
            assert {f"status.{section}.{name}" for name in value} <= known

"""The CRDs as tests read them: every field with what its description teaches, and the plan's definition made of it."""

from __future__ import annotations

import copy
import json
import re
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

import yaml

from kozutumi_operator.organizations import plans

ROOT: Final = Path(__file__).resolve().parents[1]
CRDS: Final = ROOT / "crds"
# How every description of a field ends: with its default, or that it is required, and an example.
TAUGHT: Final = re.compile(
    r"(?P<about>.*?)\s*(?:(?P<required>Required)|Default: (?P<default>.+?))\. Example: (?P<example>.+)\."
)

Schema = dict[str, Any]


@dataclass(frozen=True)
class Field:
    """`default` None: required. `example` is a YAML value as text; sections have neither."""

    path: str
    schema: Schema

    @property
    def section(self) -> bool:
        return self.schema.get("type") == "object"

    @property
    def description(self) -> str:
        return " ".join(str(self.schema.get("description", "")).split())

    @property
    def taught(self) -> re.Match[str] | None:
        return TAUGHT.fullmatch(self.description)

    @property
    def about(self) -> str:
        return self.taught["about"] if self.taught else self.description

    @property
    def example(self) -> Any:
        assert self.taught is not None, self.path
        return yaml.safe_load(self.taught["example"])

    @property
    def kind(self) -> str:
        schema = self.schema
        if schema.get("x-kubernetes-int-or-string"):
            return "quantity"
        if "enum" in schema:
            return " \\| ".join(map(str, schema["enum"]))
        if schema["type"] == "array":
            return f"list of {schema['items'].get('type', 'value')}s"
        return str(schema["type"])


def definition(plural: str) -> dict[str, Any]:
    loaded: dict[str, Any] = yaml.safe_load((CRDS / f"{plural}.kozutumi.com.yaml").read_text())
    return loaded


def schema(plural: str) -> Schema:
    found: Schema = definition(plural)["spec"]["versions"][0]["schema"]["openAPIV3Schema"]
    return found


def fields(root: Schema, path: str) -> Iterator[Field]:
    """Every field below, the items of a list of objects too, in the order of the definition."""
    for name, each in root.get("properties", {}).items():
        yield Field(f"{path}.{name}", each)
        yield from fields(each, f"{path}.{name}")
    if root.get("type") == "array":
        yield from fields(root["items"], f"{path}[]")


def spec_fields(plural: str) -> list[Field]:
    return list(fields(schema(plural)["properties"]["spec"], "spec"))


def examples(found: list[Field]) -> dict[str, Any]:
    """A spec with every example at once."""
    result: dict[str, Any] = {}
    for field in found:
        if field.section or "[]" in field.path:
            continue
        target = result
        *sections, name = field.path.split(".")[1:]
        for section in sections:
            target = target.setdefault(section, {})
        target[name] = field.example
    return result


def plan_definition() -> dict[str, Any]:
    """crds/organizationplans… as it must be: `defaults` and `ceilings` have the shapes of an Organization's spec."""
    spec = schema("organizations")["properties"]["spec"]["properties"]
    result = definition("organizationplans")
    rules = result["spec"]["versions"][0]["schema"]["openAPIV3Schema"]["properties"]["spec"]["properties"]
    defaults = {section: spec[section] for section in plans.SECTIONS}
    defaults["endpoint"] = {
        **spec["endpoint"],
        "properties": {name: each for name, each in spec["endpoint"]["properties"].items() if name != "hosts"},
    }
    rules["defaults"]["properties"] = defaults
    rules["ceilings"]["properties"] = _ceilings(spec)
    status = result["spec"]["versions"][0]["schema"]["openAPIV3Schema"]["properties"]["status"]["properties"]
    status["conditions"] = schema("organizations")["properties"]["status"]["properties"]["conditions"]
    # Through JSON, or YAML would write what is the same twice as an anchor and an alias.
    return json.loads(json.dumps(result))  # type: ignore[no-any-return]  # a dict, as it went in


def _ceilings(spec: Schema) -> Schema:
    """The fields of plans.CEILINGS, nested as in an Organization."""
    root: Schema = {"properties": {}}
    for path in plans.CEILINGS:
        *sections, name = path.split(".")
        target, source = root, {"properties": spec}
        for section in sections:
            source = source["properties"][section]
            target = target["properties"].setdefault(
                section, {"type": "object", "description": f"Ceilings of {section}.", "properties": {}}
            )
        found = copy.deepcopy(source["properties"][name])
        example = Field(path, found).taught
        assert example is not None
        found["description"] = f"The most that {path} may be. Default: no ceiling. Example: {example['example']}."
        target["properties"][name] = found
    return dict(root["properties"])


def dump(document: dict[str, Any]) -> str:
    return yaml.safe_dump(document, sort_keys=False, allow_unicode=True, width=140)


def reference(found: list[Field]) -> str:
    """The fields as one Markdown table, in the order of the definition."""
    return "\n".join(
        ["| field | type | default | example | meaning |", "|---|---|---|---|---|", *(_row(field) for field in found)]
    )


def _row(field: Field) -> str:
    name = f"`{field.path.removeprefix('spec.')}`"
    if field.section:
        return f"| {name} | | | | **{field.about.replace('<', '&lt;')}** |"
    assert field.taught is not None
    default = "required" if field.taught["required"] else field.taught["default"]
    example = field.taught["example"].replace("|", "\\|")
    return f"| {name} | {field.kind} | {default.replace('<', '&lt;')} | `{example}` | {field.about} |"

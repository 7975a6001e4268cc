"""Objects against Kubernetes' own OpenAPI documents, strictly: an unknown field is an error, as with `kubectl --validate`.

The documents are those of the Kubernetes version that the cluster's Go module pins.
"""

from __future__ import annotations

import functools
import json
from collections.abc import Iterable, Iterator, Mapping
from pathlib import Path
from typing import Any

from kozutumi_cluster import binaries, shell

_TYPES: Mapping[str, tuple[type, ...]] = {
    "string": (str,),
    "integer": (int,),
    "number": (int, float),
    "boolean": (bool,),
    "array": (list,),
    "object": (dict,),
}
Schema = Mapping[str, Any]


@functools.cache
def _folder() -> Path:
    module = binaries.MODULES["cluster"].folder
    shell.run(["go", "mod", "download", "k8s.io/kubernetes"], cwd=module)
    found = shell.run(["go", "list", "-m", "-f", "{{.Dir}}", "k8s.io/kubernetes"], cwd=module).strip()
    return Path(found) / "api/openapi-spec/v3"


@functools.cache
def _document(api_version: str) -> dict[str, Any]:
    name = f"apis__{api_version.replace('/', '__')}" if "/" in api_version else f"api__{api_version}"
    loaded: dict[str, Any] = json.loads((_folder() / f"{name}_openapi.json").read_text(encoding="utf-8"))
    return loaded["components"]["schemas"]  # type: ignore[no-any-return]  # the shape of every OpenAPI document


def errors(manifest: Mapping[str, Any]) -> list[str]:
    """What is wrong with a built-in object, each with its path. KeyError for an API version that Kubernetes lacks."""
    schemas = _document(manifest["apiVersion"])
    group, _, version = manifest["apiVersion"].rpartition("/")
    for schema in schemas.values():
        for known in schema.get("x-kubernetes-group-version-kind", []):
            if (known["group"], known["version"], known["kind"]) == (group, version, manifest["kind"]):
                return list(_errors(manifest, schema, schemas, manifest["kind"]))
    return [f"{manifest['apiVersion']} has no kind {manifest['kind']}"]


def custom_errors(manifest: Mapping[str, Any], definitions: Iterable[Mapping[str, Any]]) -> list[str]:
    """The same for an object of a CustomResourceDefinition, by its structural schema (its CEL rules are not run)."""
    group, _, version = manifest["apiVersion"].rpartition("/")
    for definition in definitions:
        spec = definition["spec"]
        if (spec["group"], spec["names"]["kind"]) != (group, manifest["kind"]):
            continue
        for each in spec["versions"]:
            if each["name"] == version and each["served"]:
                return list(_errors(manifest, each["schema"]["openAPIV3Schema"], {}, manifest["kind"]))
    return [f"{manifest['apiVersion']} has no kind {manifest['kind']}"]


def _errors(value: Any, schema: Mapping[str, Any], schemas: Mapping[str, Any], path: str) -> Iterator[str]:
    schema = _resolved(schema, schemas)
    if schema.get("format") == "int-or-string" or "oneOf" in schema or "type" not in schema:
        return
    kind = schema["type"]
    if not _is_a(value, kind):
        yield f"{path}: {value!r} is no {kind}"
    elif kind == "object":
        yield from _fields(value, schema, schemas, path)
    elif kind == "array":
        for index, item in enumerate(value):
            yield from _errors(item, schema["items"], schemas, f"{path}[{index}]")
    elif "enum" in schema and value not in schema["enum"]:
        yield f"{path}: {value!r} is none of {schema['enum']}"


def _is_a(value: Any, kind: str) -> bool:
    return isinstance(value, _TYPES[kind]) and not (kind == "integer" and isinstance(value, bool))


def _fields(
    value: Mapping[str, Any], schema: Mapping[str, Any], schemas: Mapping[str, Any], path: str
) -> Iterator[str]:
    known, rest = schema.get("properties"), schema.get("additionalProperties")
    yield from (f"{path}.{name} is missing" for name in schema.get("required", []) if name not in value)
    for name, below in value.items():
        if known is not None and name in known:
            yield from _errors(below, known[name], schemas, f"{path}.{name}")
        elif isinstance(rest, Mapping):
            yield from _errors(below, rest, schemas, f"{path}.{name}")
        elif known is not None:
            yield f"{path}.{name} is unknown"


def _resolved(schema: Mapping[str, Any], schemas: Mapping[str, Any]) -> Mapping[str, Any]:
    while True:
        if "$ref" in schema:
            schema = schemas[schema["$ref"].rpartition("/")[2]]
        elif len(schema.get("allOf", [])) == 1:
            schema = {**schema["allOf"][0]}
        else:
            return schema

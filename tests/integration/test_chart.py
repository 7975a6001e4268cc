"""The chart under the real helm: what it renders is what install/ holds, what Kubernetes knows, and what was reviewed.

After a wanted change: KOZUTUMI_UPDATE_GOLDEN=1 pytest tests/integration/test_chart.py, then review the diff.
"""

from __future__ import annotations

import copy
import dataclasses
import json
import os
from pathlib import Path
from typing import Any

import pytest
import yaml

import chart_world
import openapi_schema
from chart_world import CHART, DEVELOPMENT, EVERY_VALUE, MINIMAL, HelmError, Key, Object, Path_
from kozutumi_cluster.images import ROOT
from kozutumi_operator import fleet_policy, platform

DEFAULTS = dict(chart_world.leaves(chart_world.values(CHART / "values.yaml")))
EVERY = chart_world.values(EVERY_VALUE)
SMALL = chart_world.values(MINIMAL)
GOLDEN = ROOT / "tests/golden/chart"
# What the changed values turn off hides what other values do: two more views on them.
OPEN = {**EVERY, "mirror": {**EVERY["mirror"], "enabled": True}, "networkPolicy": {"platform": {
    **EVERY["networkPolicy"]["platform"], "enabled": True}}}  # fmt: skip


def settings(given: dict[str, Any]) -> dict[str, str]:
    data: dict[str, str] = chart_world.render(given)["ConfigMap", "kozutumi-system", "kozutumi-platform"]["data"]
    return data


def as_installed(found: Object) -> Object:
    """Without what a release adds: the tag of an image, the hash of the settings, Helm's policy."""
    known = copy.deepcopy(found)
    annotations = known["metadata"].get("annotations", {})
    annotations.pop("helm.sh/resource-policy", None)
    if not annotations:
        known["metadata"].pop("annotations", None)
    template = known["spec"]["template"] if known["kind"] == "Deployment" else {}
    if template.get("metadata", {}).get("annotations", {}).pop("kozutumi.com/settings-hash", None):
        del template["metadata"]["annotations"]
    for container in template.get("spec", {}).get("containers", []):
        container["image"] = container["image"].partition(":")[0]
    for name, value in known.get("data", {}).items():
        if name.startswith("KOZUTUMI_IMAGE_"):
            known["data"][name] = value.partition(":")[0]
    return known


def test_for_the_development_cluster_it_renders_what_install_holds() -> None:
    rendered = chart_world.render(chart_world.values(DEVELOPMENT))
    assert rendered.keys() == chart_world.shipped().keys()
    for key, expected in chart_world.shipped().items():
        assert as_installed(rendered[key]) == as_installed(expected), key


@pytest.mark.parametrize("values", [MINIMAL, DEVELOPMENT, EVERY_VALUE], ids=lambda path: path.stem)
def test_helm_lint_is_content(values: Path) -> None:
    said = chart_world.helm("lint", "--strict", str(CHART), "-f", str(values))
    assert "0 chart(s) failed" in said
    assert "[WARNING]" not in said


@pytest.mark.parametrize("values", [SMALL, OPEN, EVERY], ids=["minimal", "open", "every value"])
def test_kubernetes_knows_every_field(values: dict[str, Any]) -> None:
    for key, found in chart_world.render(values).items():
        if found["apiVersion"].startswith("monitoring.coreos.com/"):
            assert openapi_schema.custom_errors(found, chart_world.prometheus_definitions()) == [], key
        else:
            assert openapi_schema.errors(found) == [], key


def test_the_schema_check_finds_a_wrong_field() -> None:
    deployment = chart_world.render(SMALL)["Deployment", "kozutumi-system", "kozutumi-operator"]
    pod = deployment["spec"]["template"]["spec"]
    pod["containers"][0]["readOnlyRootFilesystem"] = True
    pod["terminationGracePeriodSeconds"] = "30"
    del deployment["spec"]["selector"]
    assert sorted(openapi_schema.errors(deployment)) == [
        "Deployment.spec.selector is missing",
        "Deployment.spec.template.spec.containers[0].readOnlyRootFilesystem is unknown",
        "Deployment.spec.template.spec.terminationGracePeriodSeconds: '30' is no integer",
    ]


@pytest.mark.parametrize(("name", "values"), [("minimal", SMALL), ("every-value", EVERY), ("open", OPEN)])
def test_what_differs_from_install_was_reviewed(name: str, values: dict[str, Any]) -> None:
    """Whole objects, except those that are the same file as in install/."""
    rendered = chart_world.render(values)
    own = [found for key, found in sorted(rendered.items()) if not same_as_shipped(key, found)]
    text = yaml.safe_dump_all(own, sort_keys=True, allow_unicode=True, width=120)
    path = GOLDEN / f"{name}.yaml"
    if os.environ.get("KOZUTUMI_UPDATE_GOLDEN") == "1":
        path.write_text(text, encoding="utf-8")
    assert text == path.read_text(encoding="utf-8")


def same_as_shipped(key: Key, found: Object) -> bool:
    """The alerts and the dashboard have files and tests of their own."""
    shipped = chart_world.shipped().get(key)
    return (shipped is not None and as_installed(found) == as_installed(shipped)) or key[2] in {
        "kozutumi",
        "kozutumi-dashboard",
    }


@pytest.mark.parametrize("path", DEFAULTS, ids=".".join)
def test_every_value_changes_something(path: Path_) -> None:
    changed = dict(chart_world.leaves(EVERY))[path]
    views: list[tuple[dict[str, Any], Any]] = [(SMALL, changed), (OPEN, DEFAULTS[path]), (without_digests(), changed)]
    for view, value in views:
        try:
            if chart_world.text(view) != chart_world.text(chart_world.with_value(view, path, value)):
                return
        except HelmError as error:  # a required value taken away is a change that is told
            assert "is not set" in str(error)  # noqa: PT017 - the other case returns above
            return
    pytest.fail("no render shows it")


def without_digests() -> dict[str, Any]:
    images = {name: {"repository": name, "digest": ""} for name in ("operator", "app", "scanner", "mirror")}
    return {**OPEN, "images": images}


def test_the_operator_reads_what_the_chart_writes() -> None:
    given = settings(EVERY)
    read = platform.from_environment(given)
    assert read.image_app == f"registry.example.com/kozutumi/app@sha256:{'2' * 64}"
    assert read.node_cidrs == ("10.8.0.0/24", "10.8.1.0/24")
    assert read.storage_selector.cidrs == ("203.0.113.0/24", "198.51.100.7/32")
    assert fleet_policy.read(given).max_unavailable == 0.05
    small = platform.from_environment(settings(SMALL))
    differing = [
        field.name
        for field in dataclasses.fields(platform.PlatformSettings)
        if field.name not in {"operator_selector", "operator_service_account"}
        and getattr(read, field.name) == getattr(small, field.name)
    ]
    assert differing == []


REFUSED: dict[str, tuple[Path_, Any, str]] = {
    "an unknown value": (("platform", "s3Endpiont"), "https://s3.example.com", "s3Endpiont"),
    "a store without TLS": (("platform", "s3Endpoint"), "http://s3.example.com", "s3Endpoint"),
    "mail without TLS": (("platform", "smtpTls"), "none", "smtpTls"),
    "a return path without room": (("platform", "bounceAddress"), "undelivered@example.com", "bounceAddress"),
    "a tag where a digest belongs": (("images", "app", "digest"), "latest", "digest"),
    "no domain": (("platform", "domain"), "", "platform.domain is not set"),
    "no way to the API server": (("platform", "apiServerAddresses"), [], "apiServerAddresses"),
    "no replica": (("operator", "replicas"), 0, "replicas"),
    "a shard without a selector": (("operator", "shards"), [{"name": "a"}], "selector"),
    "a user name that would end the list": (("admission", "exemptUsers"), ["x'] || true || ["], "exemptUsers"),
}


@pytest.mark.parametrize("case", REFUSED)
def test_a_wrong_value_is_refused_by_name(case: str) -> None:
    path, value, named = REFUSED[case]
    with pytest.raises(HelmError, match=named):
        chart_world.render(chart_world.with_value(SMALL, path, value))


def test_uninstalling_keeps_definitions_and_the_namespace_of_the_proofs() -> None:
    rendered = chart_world.render({**SMALL, "namespaces": {"create": True}})
    kept = {key for key, found in rendered.items() if "helm.sh/resource-policy" in str(found["metadata"])}
    definitions = {key for key in rendered if key[0] == "CustomResourceDefinition"}
    assert kept == definitions | {("Namespace", "", "kozutumi-system")}
    assert definitions


def test_more_exempt_users_join_the_built_in_ones() -> None:
    key = ("ValidatingAdmissionPolicy", "", "kozutumi-managed-objects")
    rendered = chart_world.render(EVERY)[key]
    conditions = {each["name"]: each["expression"] for each in rendered["spec"]["matchConditions"]}
    assert "'system:serviceaccount:csi:provisioner'" in conditions["not-a-built-in-controller"]
    assert "'system:serviceaccount:kube-system:replicaset-controller'" in conditions["not-a-built-in-controller"]


def test_without_a_monitoring_namespace_nothing_is_put_there() -> None:
    given = chart_world.with_value(SMALL, ("platform", "monitoringNamespace"), "")
    assert not [key for key in chart_world.render(given) if "monitoring" in key[1]]
    assert settings(given)["KOZUTUMI_MONITORING_NAMESPACE"] == ""


def test_a_package_holds_the_files_themselves(tmp_path: Path) -> None:
    chart_world.helm("package", str(CHART), "-d", str(tmp_path))
    (package,) = tmp_path.glob("*.tgz")
    text = chart_world.helm(
        "template", "kozutumi", str(package), "-n", "kozutumi-system", "-f", "-", stdin=json.dumps(SMALL)
    )
    assert chart_world.objects(text) == chart_world.render(SMALL)

"""The chart as its tests see it: values by path, renders by the real helm, objects by kind and name."""

from __future__ import annotations

import functools
import json
import subprocess
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import yaml

from kozutumi_cluster import binaries, shell
from kozutumi_cluster.images import ROOT

CHART = ROOT / "charts/kozutumi"
DEVELOPMENT = CHART / "ci/development-values.yaml"
EVERY_VALUE = CHART / "ci/every-value-values.yaml"
MINIMAL = CHART / "ci/minimal-values.yaml"

Path_ = tuple[str, ...]
Key = tuple[str, str, str]
Object = dict[str, Any]

# Values whose keys are the platform's own, not the chart's: they count as one.
MAPPINGS = {
    ("operator", "resources"),
    ("operator", "nodeSelector"),
    ("operator", "affinity"),
    ("operator", "podAnnotations"),
    ("mirror", "resources"),
    ("mirror", "nodeSelector"),
    ("monitoring", "serviceMonitor", "labels"),
    ("monitoring", "prometheusRule", "labels"),
    ("monitoring", "dashboard", "labels"),
}


def values(path: Path) -> dict[str, Any]:
    loaded: dict[str, Any] = yaml.safe_load(path.read_text(encoding="utf-8"))
    return loaded


def leaves(tree: Mapping[str, Any], path: Path_ = ()) -> Iterator[tuple[Path_, Any]]:
    """Every value with its path; a list is one value, and so is what MAPPINGS names."""
    for key, value in tree.items():
        below = (*path, key)
        if isinstance(value, dict) and below not in MAPPINGS:
            yield from leaves(value, below)
        else:
            yield below, value


def with_value(tree: Mapping[str, Any], path: Path_, value: Any) -> dict[str, Any]:
    """A copy of `tree` with one value set."""
    head, *rest = path
    below = with_value(tree.get(head) or {}, tuple(rest), value) if rest else value
    return {**tree, head: below}


class HelmError(AssertionError):
    """helm refused; carries its words."""


def helm(*words: str, stdin: str | None = None) -> str:
    program = binaries.ensure("helm")["helm"]
    done = subprocess.run(  # noqa: S603 - the chart's own renderer
        [program, *words], input=stdin, capture_output=True, text=True, check=False, timeout=120
    )
    if done.returncode:
        raise HelmError(done.stderr + done.stdout)
    return done.stdout


def render(given: Mapping[str, Any]) -> dict[Key, Object]:
    return objects(text(given))


def text(given: Mapping[str, Any]) -> str:
    return _rendered(json.dumps(given, sort_keys=True))


@functools.cache
def _rendered(given: str) -> str:
    return helm("template", "kozutumi", str(CHART), "-n", "kozutumi-system", "-f", "-", stdin=given)


def objects(rendered: str) -> dict[Key, Object]:
    found: dict[Key, Object] = {}
    for each in yaml.load_all(rendered, yaml.CSafeLoader):
        if each is not None:
            assert key(each) not in found, f"{key(each)} twice"
            found[key(each)] = each
    return found


def key(each: Object) -> Key:
    return each["kind"], each["metadata"].get("namespace", ""), each["metadata"]["name"]


@functools.cache
def shipped() -> dict[Key, Object]:
    """What `kubectl apply -k install/` applies."""
    program = binaries.ensure("cluster")["kubectl"]
    done = subprocess.run(  # noqa: S603 - our own kustomization
        [program, "kustomize", str(ROOT / "install")], capture_output=True, text=True, check=True, timeout=60
    )
    return objects(done.stdout)


@functools.cache
def prometheus_definitions() -> tuple[Object, ...]:
    """The Prometheus operator's own, so that what the chart makes for it is checked by its schema."""
    module = binaries.MODULES["cluster"].folder / "extra/crds"
    wanted = "github.com/prometheus-operator/prometheus-operator"
    shell.run(["go", "mod", "download", wanted], cwd=module)
    folder = Path(shell.run(["go", "list", "-m", "-f", "{{.Dir}}", wanted], cwd=module).strip())
    shown = folder / "example/prometheus-operator-crd"
    return tuple(
        values(shown / f"monitoring.coreos.com_{kind}.yaml") for kind in ("servicemonitors", "prometheusrules")
    )

"""Rules, dashboard, runbooks and the page about metrics name what exists, and all of it."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
import yaml

import operator_builders as builders
from fake_cluster import FakeCluster
from kozutumi_app.adapters.metrics import Metrics as AppMetrics
from kozutumi_operator.metrics.counting import Metrics
from kozutumi_operator.metrics.telling import Telling
from kozutumi_operator.organizations.reasons import ConditionType
from kozutumi_operator.organizations.waves import Policy
from kozutumi_operator.reconcile.effects import Effects
from kozutumi_operator.reconcile.fleet import Fleet
from kozutumi_operator.reconcile.memory import Memories
from kozutumi_operator.reconcile.queue import WorkQueue

ROOT = Path(__file__).parents[4]
RUNBOOKS = ROOT / "docs/operations/runbooks"
RULES = [
    rule for group in yaml.safe_load((ROOT / "monitoring/rules.yaml").read_text())["groups"] for rule in group["rules"]
]
DASHBOARD = json.loads((ROOT / "monitoring/dashboard.json").read_text())
TESTS = yaml.safe_load((ROOT / "monitoring/rules_test.yaml").read_text())["tests"]
SUFFIXES = {"counter": ("_total",), "histogram": ("_bucket", "_count", "_sum"), "gauge": ("",)}


def exposed() -> dict[str, str]:
    """Every name that a scrape shows, with the name of its family."""
    metrics, start = Metrics(), datetime(2026, 1, 1, tzinfo=UTC)
    fleet = Fleet(FakeCluster().as_cluster(), Effects(), builders.settings(), Policy(), now=lambda: start)
    metrics.registry.register(Telling(Memories(), fleet, WorkQueue(lambda: 0.5)))
    return {
        family.name + suffix: family.name for family in metrics.registry.collect() for suffix in SUFFIXES[family.type]
    }


def exposed_by_apps() -> set[str]:
    return {family.name + suffix for family in AppMetrics().registry.collect() for suffix in SUFFIXES[family.type]}


def expressions() -> Iterator[tuple[str, str]]:
    for rule in RULES:
        yield rule["alert"], rule["expr"]
    for panel in DASHBOARD["panels"]:
        for target in panel["targets"]:
            yield panel["title"], target["expr"]


@pytest.mark.parametrize(("where", "expression"), list(expressions()))
def test_every_metric_named_exists(where: str, expression: str) -> None:
    named = set(re.findall(r"kozutumi_[a-z_]+", expression))
    assert named, where
    assert named <= exposed().keys() | exposed_by_apps()
    types = re.findall(r'type=~?"([^"]+)"', expression)
    assert {name for each in types for name in each.split("|")} <= set(ConditionType) | {""}


def test_every_family_is_on_the_dashboard_and_on_the_page() -> None:
    shown = {name for _, expression in expressions() for name in re.findall(r"kozutumi_[a-z_]+", expression)}
    page = (ROOT / "docs/operations/monitoring.md").read_text()
    listed = set(re.findall(r"^\| `(kozutumi_[a-z_]+)", page, flags=re.MULTILINE))
    names = exposed()
    assert {names[name] for name in shown - exposed_by_apps()} == set(names.values())
    assert {names[name] for name in listed} == set(names.values())


@pytest.mark.parametrize("rule", RULES, ids=lambda rule: rule["alert"])
def test_an_alert_has_a_runbook_and_is_tried_both_ways(rule: dict[str, Any]) -> None:
    name = rule["alert"]
    runbook = ROOT / rule["annotations"]["runbook_url"]
    text = runbook.read_text()
    assert text.startswith(f"# {name}\n")
    assert {"\n## Look\n", "\n## Do\n"} <= set(re.findall(r"\n## \w+\n", text))
    for target in re.findall(r"\]\(([^)#]+)\)", text):
        assert (runbook.parent / target).resolve().is_file()
    tried = {each["name"] for each in TESTS if each["alert_rule_test"][0]["alertname"] == name}
    assert tried == {f"{name} fires", f"{name} stays silent"}
    assert rule["labels"]["severity"] in {"critical", "warning"}


def test_every_runbook_belongs_to_an_alert() -> None:
    assert {path.stem for path in RUNBOOKS.glob("*.md")} == {rule["alert"] for rule in RULES}

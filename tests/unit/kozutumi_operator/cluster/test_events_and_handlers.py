"""Which organization an event of the cluster concerns, which turn of a condition is an Event, and what one holds."""

from __future__ import annotations

from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
import yaml

from kozutumi_operator import alive, handlers
from kozutumi_operator.cluster import events, kinds
from kozutumi_operator.reconcile.reporting import is_news

ROOT = Path(__file__).resolve().parents[4]


def found(kind: str, name: str, namespace: str = "") -> dict[str, Any]:
    version = kinds.ORGANIZATION.api_version if kind == "Organization" else "v1"
    return {"apiVersion": version, "kind": kind, "metadata": {"name": name, "namespace": namespace}}


@pytest.mark.parametrize(
    ("thing", "code"),
    [
        (found("Organization", "acme"), "acme"),
        (found("Namespace", "kz-acme"), "acme"),
        (found("Namespace", "kube-system"), None),
        (found("NetworkPolicy", "default-deny", "kz-acme"), "acme"),
        (found("NetworkPolicy", "default-deny", "kozutumi-storage"), None),
    ],
)
def test_an_object_belongs_to_an_organization_by_its_place(thing: dict[str, Any], code: str | None) -> None:
    assert handlers.service_code_of(thing) == code


def test_kopf_writes_nothing_of_its_own() -> None:
    settings = handlers.settings()
    assert settings.posting.enabled is False
    assert settings.peering.standalone is True
    assert settings.scanning.disabled is True
    assert settings.queueing.worker_limit is None


@pytest.mark.parametrize(
    ("kind", "status", "news"),
    [
        ("Ready", "True", True),
        ("Ready", "False", True),
        ("AppReady", "Unknown", False),
        ("Reconciling", "True", False),
        ("Stalled", "False", False),
        ("Stalled", "True", True),
    ],
)
def test_what_is_worth_an_event(kind: str, status: str, news: object) -> None:
    assert is_news({"type": kind, "status": status}) is news


def test_an_event_s_note_fits_the_api_s_limit() -> None:
    now = datetime(2026, 1, 1, tzinfo=UTC)
    event = events.render("acme", "u", type="Normal", reason="R", action="A", note="鍵" * 2000, instance="i", now=now)
    assert len(event["note"].encode()) <= 1024
    assert event["metadata"]["namespace"] == "default"
    assert event["regarding"]["uid"] == "u"


def rules(name: str) -> list[dict[str, Any]]:
    documents = yaml.safe_load_all((ROOT / "install/rbac.yaml").read_text())
    roles = [each for each in documents if (each["kind"], each["metadata"]["name"]) == ("ClusterRole", name)]
    return list(roles[0]["rules"])


def test_the_operator_s_own_role_reads_no_secret_and_holds_no_wildcard() -> None:
    cluster_wide = rules("kozutumi-operator")
    for rule in (*cluster_wide, *rules("kozutumi-tenant")):
        assert "*" not in (*rule["apiGroups"], *rule["resources"], *rule["verbs"])
        assert not {"escalate", "impersonate"} & set(rule["verbs"])
    assert not {"secrets", "configmaps", "pods"} & {name for rule in cluster_wide for name in rule["resources"]}
    [bind] = [rule for rule in cluster_wide if "bind" in rule["verbs"]]
    assert bind["resourceNames"] == ["kozutumi-tenant", "kozutumi-grant-diagnose", "kozutumi-grant-operate"]


def test_all_that_is_watched_may_be_watched() -> None:
    allowed = {
        (group, resource)
        for rule in rules("kozutumi-operator")
        if {"list", "watch"} <= set(rule["verbs"])
        for group in rule["apiGroups"]
        for resource in rule["resources"]
    }
    for kind in (kinds.ORGANIZATION, kinds.ORGANIZATION_PLAN, kinds.NAMESPACE, *kinds.WATCHED, kinds.LEASE):
        assert (kind.api_version.rpartition("/")[0], kind.plural) in allowed


def test_silence_ends_the_operator_s_life(tmp_path: Path) -> None:
    beat = tmp_path / "beat"
    assert alive.age(beat, 0) is None
    alive.beat(beat)
    written = beat.stat().st_mtime
    assert alive.age(beat, written + 30) == 30

"""Each command against a small API. What it shows is a golden file: KOZUTUMI_UPDATE_GOLDEN=1, then review the diff."""

from __future__ import annotations

import json
import os
from pathlib import Path
from typing import Any

import pytest

import plugin_world
from fake_kubectl import FakeApi, Object
from kozutumi_cli.errors import CliError, KubectlError, NotFoundError
from kozutumi_cli.kubectl import reading
from plugin_world import condition, organization

GOLDEN = Path(__file__).parents[2] / "golden/plugin"
OURS = {"app.kubernetes.io/managed-by": "kozutumi-operator"}


def living(kind: str, name: str, *, owner: str = "", **rest: Any) -> Object:
    metadata: Object = {"name": name, "namespace": "kz-aoi-law", "uid": f"{kind}-{name}", "labels": OURS}
    if owner:
        metadata["ownerReferences"] = [{"uid": owner}]
    return {"kind": kind, "metadata": metadata, **rest}


@pytest.fixture
def api() -> FakeApi:
    waiting = condition(
        "ChangePending", "True", "AwaitingConsent", "Needs the organization's consent: spec.administrators."
    )
    stale = condition("ScannerReady", "False", "SignaturesStale", "Signatures are 30 h old: see the mirror's log.")
    not_ready = condition("Ready", "False", "SignaturesStale", "Signatures are 30 h old: see the mirror's log.")
    kaede = organization("kaede-bank", not_ready, stale, waiting)
    kaede["metadata"]["generation"] = 4
    ready: Object = {"spec": {"replicas": 1}, "status": {"replicas": 1, "readyReplicas": 1}}
    return FakeApi(
        objects={
            "organizations": [organization("aoi-law"), kaede],
            "deployments": [living("Deployment", "app", **ready)],
            "replicasets": [
                living("ReplicaSet", "app-new", owner="Deployment-app", **ready),
                living("ReplicaSet", "app-old", owner="Deployment-app", spec={"replicas": 0}, status={}),
            ],
            "pods": [living("Pod", "app-new-1", owner="ReplicaSet-app-new", status={"phase": "Running"})],
            "networkpolicies": [living("NetworkPolicy", "deny-all")],
            "events": [
                event("default", "Organization", "aoi-law", "Repaired", "NetworkPolicy deny-all: spec", "11:58"),
                event(
                    "kz-aoi-law",
                    "Pod",
                    "app-new-1",
                    "Unhealthy",
                    "Readiness probe failed",
                    "11:20",
                    type="Warning",
                    count=4,
                ),
            ],
            "accessgrants": [grant()],
        },
        forbidden={"get serviceaccounts", "get rolebindings"},
        absent={"httproutes"},
    )


def event(namespace: str, kind: str, name: str, reason: str, message: str, at: str, **rest: object) -> Object:
    return {
        "kind": "Event",
        "metadata": {"name": f"{name}.{reason}", "namespace": namespace},
        "involvedObject": {"kind": kind, "name": name},
        "type": "Normal",
        "reason": reason,
        "message": message,
        "eventTime": f"2026-11-24T{at}:00.000000Z",
        **rest,
    }


def grant() -> Object:
    spec = {
        "requestedBy": "taro@provider.example",
        "subject": "taro@provider.example",
        "organization": "aoi-law",
        "role": "Diagnose",
        "reason": "Uploads stall",
        "ticket": "INC-42",
        "duration": "2h",
    }
    return {
        "kind": "AccessGrant",
        "metadata": {"name": "aoi-law-x", "creationTimestamp": "2026-11-24T11:00:00Z"},
        "spec": spec,
    }


@pytest.mark.parametrize(
    ("name", "words", "status"),
    [
        ("status-fleet", ("status",), 0),
        ("status-ready", ("status", "aoi-law"), 0),
        ("status-not-ready", ("status", "kaede-bank"), 0),
        ("tree", ("tree", "aoi-law"), 0),
        ("diff-pending", ("diff", "kaede-bank"), 1),
        ("events", ("events", "aoi-law"), 0),
        ("events-warnings", ("events", "aoi-law", "--warnings"), 0),
        ("grant-list", ("grant", "list"), 0),
        ("report", ("report",), 0),
    ],
)
def test_a_command_shows_what_was_reviewed(api: FakeApi, name: str, words: tuple[str, ...], status: int) -> None:
    shown, result = plugin_world.run(api, *words)
    assert (result.exit_code, result.exception is None or isinstance(result.exception, SystemExit)) == (status, True)
    path = GOLDEN / f"{name}.txt"
    if os.environ.get("KOZUTUMI_UPDATE_GOLDEN") == "1":
        path.write_text(shown, encoding="utf-8")
    assert shown == path.read_text(encoding="utf-8")


def test_diff_names_who_wrote_a_field_and_what_is_gone(api: FakeApi) -> None:
    policy = api.objects["networkpolicies"][0]
    edit = {"manager": "kubectl-edit", "operation": "Update", "time": "2026-11-24T11:59:00Z"}
    edit["fieldsV1"] = {
        "f:spec": {"f:egress": {}, "f:podSelector": {}, "f:ports": {'k:{"port":443}': {"f:protocol": {}}}}
    }  # type: ignore[assignment]  # a tree
    status = {"manager": "kube-controller-manager", "operation": "Update", "fieldsV1": {"f:spec": {"f:x": {}}}}
    own = {"manager": "kozutumi-operator", "operation": "Apply", "fieldsV1": {"f:spec": {"f:podSelector": {}}}}
    policy["metadata"]["managedFields"] = [own, status, edit]
    del api.objects["deployments"]
    shown, result = plugin_world.run(api, "diff", "aoi-law")
    assert result.exit_code == 1
    assert "kubectl-edit wrote spec.egress, spec.ports.[port=443].protocol" in shown
    assert "missing  Deployment/app" in " ".join(shown.split("\n")).replace("   ", "  ")
    assert "kube-controller-manager" not in shown
    assert "podSelector" not in shown


def test_diff_of_what_is_as_it_should_be_says_so(api: FakeApi) -> None:
    shown, result = plugin_world.run(api, "diff", "aoi-law")
    assert (result.exit_code, "as its manifest says" in shown) == (0, True)


@pytest.mark.parametrize(("flag", "name"), [((), "rotate"), (("--storage",), "rotate-storage")])
def test_rotate_writes_one_annotation_with_a_new_value(api: FakeApi, flag: tuple[str, ...], name: str) -> None:
    plugin_world.run(api, "rotate", "aoi-law", *flag)
    assert api.sent == [{"metadata": {"annotations": {f"kozutumi.com/{name}": "2026-11-24T12:00:00Z"}}}]


def test_suspend_asks_first(api: FakeApi) -> None:
    _, refused = plugin_world.run(api, "suspend", "aoi-law", stdin="n\n")
    assert (refused.exit_code, api.sent) == (1, [])
    plugin_world.run(api, "suspend", "aoi-law", "--yes")
    plugin_world.run(api, "resume", "aoi-law")
    assert api.sent == [{"spec": {"suspend": True}}, {"spec": {"suspend": False}}]


def test_a_request_is_made_in_the_users_own_name(api: FakeApi) -> None:
    plugin_world.run(
        api, "grant", "request", "aoi-law", "--reason", "Uploads stall", "--ticket", "INC-42", "--change", "c1"
    )
    spec = api.sent[0]["spec"]
    assert spec["requestedBy"] == spec["subject"] == "hanako@provider.example"
    assert (spec["role"], spec["duration"], spec["changes"]) == ("Diagnose", "1h", ["c1"])
    assert api.sent[0]["apiVersion"] == "kozutumi.com/v1alpha1"


def test_who_asked_cannot_approve(api: FakeApi) -> None:
    api.user = "taro@provider.example"
    _, result = plugin_world.run(api, "grant", "approve", "aoi-law-x", "--yes")
    assert isinstance(result.exception, CliError)
    assert api.sent == []


def test_an_approval_shows_the_request_and_carries_the_approvers_name(api: FakeApi) -> None:
    shown, _ = plugin_world.run(api, "grant", "approve", "aoi-law-x", stdin="y\n")
    assert "Uploads stall" in shown
    assert api.sent == [{"spec": {"approvedBy": "hanako@provider.example"}}]


def test_revoking_deletes_the_grant(api: FakeApi) -> None:
    plugin_world.run(api, "grant", "revoke", "aoi-law-x")
    assert api.said[-1][:3] == ("delete", "accessgrants.kozutumi.com", "aoi-law-x")


def test_a_report_for_a_spreadsheet_runs_no_formula(api: FakeApi) -> None:
    api.objects["organizations"][0]["status"]["plan"] = "=HYPERLINK(1)"
    _, result = plugin_world.run(api, "report", "--format", "csv")
    header, first, second = result.stdout.splitlines()
    assert header.startswith("organization,ready,reason,plan")
    assert "'=HYPERLINK(1)" in first
    assert second.startswith("kaede-bank,False,SignaturesStale")
    assert "@" not in result.stdout


def test_a_report_as_json_goes_to_a_file(api: FakeApi, tmp_path: Path) -> None:
    plugin_world.run(api, "report", "--format", "json", "--output", str(tmp_path / "report.json"))
    written = json.loads((tmp_path / "report.json").read_text(encoding="utf-8"))
    assert written["generatedAt"] == "2026-11-24T12:00:00+00:00"
    assert [each["networkIsolated"] for each in written["organizations"]] == ["", ""]
    assert written["organizations"][0]["cellsDenied"] == "31"


@pytest.mark.parametrize(
    ("change", "kind", "said"),
    [
        ({"forbidden": {"get organizations"}}, KubectlError, "you may not get here"),
        ({"absent": {"organizations"}}, KubectlError, "this cluster has no Kozutumi"),
        ({"objects": {}}, NotFoundError, "not found; `kubectl kozutumi status` lists"),
    ],
)
def test_an_error_is_one_clear_line(change: dict[str, object], kind: type[CliError], said: str) -> None:
    _, result = plugin_world.run(FakeApi(**change), "status", "nobody")  # type: ignore[arg-type]  # a table of fields
    assert isinstance(result.exception, kind)
    assert said in str(result.exception)
    assert "\n" not in str(result.exception)


def test_what_an_organization_calls_itself_is_never_markup(api: FakeApi) -> None:
    api.objects["organizations"][0]["spec"]["displayName"] = {"en": "[bold]Aoi[/] [link=https://x.example]x"}
    shown, _ = plugin_world.run(api, "status", "aoi-law")
    assert "[bold]Aoi[/] [link=https://x.example]x" in shown


@pytest.mark.parametrize(
    ("seconds", "text"), [(0, "0s"), (119, "119s"), (120, "2m"), (7199, "119m"), (7200, "2h"), (172800, "2d")]
)
def test_ages_are_written_as_kubectl_does(seconds: int, text: str) -> None:
    then = plugin_world.NOW.timestamp() - seconds
    assert (
        reading.age(plugin_world.NOW.fromtimestamp(then, plugin_world.NOW.tzinfo).isoformat(), plugin_world.NOW) == text
    )


def test_nothing_is_asked_of_secrets_or_config_maps(api: FakeApi) -> None:
    for words in (("tree", "aoi-law"), ("diff", "aoi-law"), ("events", "aoi-law")):
        plugin_world.run(api, *words)
    asked = {words[1] for words in api.said if words[0] == "get"}
    assert asked.isdisjoint({"secrets", "configmaps"})

from __future__ import annotations

import base64
from ipaddress import IPv4Address
from pathlib import Path

import pytest

from kozutumi_cluster import addons, api, kubeconfig, progress, status
from kozutumi_cluster.errors import ClusterError
from kozutumi_cluster.layout import Layout

LAYOUT = Layout("t2", Path("/state/clusters"))


@pytest.mark.parametrize("name", ["", "-a", "a-", "A", "a/b", "..", "twelve-chars", "a b"])
def test_a_name_that_could_leave_its_place_is_refused(name: str) -> None:
    with pytest.raises(ClusterError, match="cannot name a cluster"):
        Layout.of(name)


def test_the_longest_name_fits_into_a_link() -> None:
    assert len(Layout.of("eleven-char").link) <= 15


def test_everything_carries_the_name() -> None:
    named = [LAYOUT.link, LAYOUT.netns_name, LAYOUT.cgroup, LAYOUT.node_name, str(LAYOUT.state), str(LAYOUT.lock)]
    assert all("t2" in name for name in named)


def test_folders_follow_the_desktop_specification(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("XDG_STATE_HOME", "/elsewhere")
    assert Layout.of("t2").state == Path("/elsewhere/kozutumi/clusters/t2")


def test_a_kubeconfig_holds_certificates_and_no_token() -> None:
    pems = {"ca": b"CA", "certificate": b"CERT", "key": b"KEY"}
    rendered = kubeconfig.render("t2", "admin", kubeconfig.server_url(IPv4Address("10.89.7.2")), pems)
    assert rendered["users"] == [
        {
            "name": "admin",
            "user": {
                "client-certificate-data": base64.b64encode(b"CERT").decode(),
                "client-key-data": base64.b64encode(b"KEY").decode(),
            },
        }
    ]
    assert "https://10.89.7.2:6443" in str(rendered["clusters"])


def test_a_report_of_a_node_that_is_gone_says_nothing_is_up() -> None:
    components = [{"name": "etcd"}, {"name": "kubelet"}]
    report = {"etcd": {"pid": 9, "restarts": 2}}
    running = status.rows(components, report, LAYOUT, running=True)
    gone = status.rows(components, report, LAYOUT, running=False)
    assert [(row.name, row.up, row.restarts) for row in running] == [("etcd", True, 2), ("kubelet", False, 0)]
    assert not any(row.up for row in gone)


def test_a_condition_counts_only_when_true() -> None:
    found = {"status": {"conditions": [{"type": "Ready", "status": "Unknown"}]}}
    assert not api.has_condition(found, "Ready")
    assert not api.has_condition(None, "Ready")
    found["status"]["conditions"][0]["status"] = "True"
    assert api.has_condition(found, "Ready")


@pytest.mark.parametrize(("seconds", "text"), [(8.4, "8 s"), (65, "1 min 5 s"), (59.6, "1 min 0 s")])
def test_durations_read_well(seconds: float, text: str) -> None:
    assert progress.duration(seconds) == text


def test_dns_has_port_53_in_the_pod_because_policies_count_there() -> None:
    deployment = next(
        item
        for item in addons.objects(LAYOUT)["items"]
        if (item["kind"], item["metadata"]["name"]) == ("Deployment", "coredns")
    )
    [container] = deployment["spec"]["template"]["spec"]["containers"]
    assert {port["containerPort"] for port in container["ports"]} == {53}
    assert deployment["spec"]["template"]["metadata"]["labels"] == {"k8s-app": "kube-dns"}


def test_the_default_storage_class_deletes_and_waits_for_its_pod() -> None:
    [storage_class] = [item for item in addons.objects(LAYOUT)["items"] if item["kind"] == "StorageClass"]
    assert storage_class["reclaimPolicy"] == "Delete"
    assert storage_class["volumeBindingMode"] == "WaitForFirstConsumer"
    assert storage_class["metadata"]["annotations"] == {"storageclass.kubernetes.io/is-default-class": "true"}

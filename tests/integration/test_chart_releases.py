"""The chart in a cluster without Kozutumi: install, upgrade, every value changed, rollback, uninstall.

A cluster of another name is used, beside the one that the other tests share. Steps build on each other.
"""

from __future__ import annotations

import re
import subprocess
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import yaml

import chart_world
import release_world
from chart_world import CHART
from kozutumi_cluster import cleanup, layout
from kozutumi_cluster.demo import organizations
from kozutumi_cluster.demo.kubectl import wait_until
from kozutumi_cluster.images import ROOT
from kozutumi_cluster.platform import names
from kozutumi_contract import labels
from release_world import CHANGED, LAYOUT, Platform

pytestmark = pytest.mark.slow
RELEASE = release_world.RELEASE[0]
CHANGED_DOMAIN = "changed.test"
CODE, OTHER = "before-law", "after-bank"
COPIED = {
    "platformCa": ("secret", "platform-ca"),
    "mirrorPublicKey": ("configmap", "platform-ca"),
    "storage": ("secret", "s3-root"),
    "mirrorTls": ("secret", "signature-mirror-tls"),
    "mirrorSigningKey": ("secret", "mirror-signing-key"),
    "signatureSeed": ("configmap", "signature-seed"),
    "disposalSigner": ("secret", "disposal-signer"),
    "operatorMetricsTls": ("secret", "operator-metrics-tls"),
    "operatorReportsTls": ("secret", "operator-reports-tls"),
}


@pytest.fixture(scope="module")
def platform() -> Iterator[Platform]:
    started = time.monotonic()
    made = release_world.prepare()
    print(f"platform without Kozutumi ready in {time.monotonic() - started:.0f} s")
    yield made
    release_world.cluster_command("down")
    assert cleanup.leftovers(LAYOUT.name) == []


@pytest.fixture(scope="module")
def previous(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The chart of the newest tag that has one. Before the first such tag: today's, with an older definition."""
    folder = tmp_path_factory.mktemp("previous")
    for tag in git("tag", "--sort=-creatordate").split():
        if git("ls-tree", "--name-only", tag, "charts/kozutumi/Chart.yaml").strip():
            archive = subprocess.run(  # noqa: S603 - a tag of this repository
                ["git", "archive", tag, "charts", "install", "crds", "monitoring"],  # noqa: S607 - git is found by PATH
                cwd=ROOT, check=True, capture_output=True,
            ).stdout  # fmt: skip
            subprocess.run(["tar", "-x", "-C", str(folder)], input=archive, check=True)  # noqa: S603, S607 - the same
            return folder / "charts/kozutumi"
    chart_world.helm("package", str(CHART), "-d", str(folder))
    subprocess.run(["tar", "-xzf", str(next(folder.glob("*.tgz"))), "-C", str(folder)], check=True)  # noqa: S603, S607 - the same
    chart = folder / "kozutumi"
    about = chart / "Chart.yaml"
    about.write_text(re.sub(r"^version: .*", "version: 0.0.1", about.read_text("utf-8"), flags=re.MULTILINE), "utf-8")
    definition = chart / "files/crds/organizations.kozutumi.com.yaml"
    older = yaml.safe_load(definition.read_text(encoding="utf-8"))
    older["spec"]["versions"][0]["additionalPrinterColumns"] = []
    definition.write_text(yaml.safe_dump(older, allow_unicode=True), encoding="utf-8")
    return chart


@pytest.fixture(scope="module")
def package(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The chart alone, away from the repository."""
    folder = tmp_path_factory.mktemp("package")
    chart_world.helm("package", str(CHART), "-d", str(folder))
    return next(folder.glob("*.tgz"))


def git(*words: str) -> str:
    return subprocess.run(  # noqa: S603 - this repository's own git
        ["git", *words],  # noqa: S607 - git is found by PATH
        cwd=ROOT, check=True, capture_output=True, text=True,
    ).stdout  # fmt: skip


def installed(platform: Platform) -> dict[str, Any]:
    """The development values, with this cluster's addresses and the images that were built."""
    images = {name: platform.installation.images[name] for name in ("operator", "app", "scanner", "mirror")}
    tags = {name: reference.rpartition(":") for name, reference in images.items()}
    values = chart_world.values(chart_world.DEVELOPMENT)
    # The images' tags differ from each other here, so each is named whole by its repository and digest.
    digests = platform.digests()
    values["images"] = {
        "registry": CHANGED,
        **{name: {"repository": name, "digest": digests[name]} for name in tags},
    }
    values["namespaces"]["create"] = False
    values["networkPolicy"]["platform"]["enabled"] = True
    values["platform"] |= {
        "nodeCidrs": [f"{platform.node}/32"],
        "apiServerAddresses": [platform.node, layout.SERVICE_API_ADDRESS],
    }
    # What an organization has once cannot be changed under it: these are set from the first release on.
    storage_class = platform.kubectl.json("get", "storageclass")["items"][0]["metadata"]["name"]
    values["platform"] |= {"bucketPrefix": "files", "databaseVolume": "2Gi", "storageClass": storage_class}
    values["fleet"] |= {"soak": "3s", "patience": "3m", "maxUnavailable": "50%"}
    return values


def every_value(platform: Platform) -> dict[str, Any]:
    """Each value other than its default, and such that the platform works with it."""
    values = chart_world.values(chart_world.EVERY_VALUE)
    base = installed(platform)
    local = {name: f"{base['platform'][name]}" for name in ("storageSelector", "smtpSelector")}
    values["images"] |= {**base["images"], "tag": "unused", "pullPolicy": "Never"}
    values["platform"] |= {
        **base["platform"],
        **local,
        "domain": CHANGED_DOMAIN,
        "s3Endpoint": "https://s3.kozutumi-storage.svc.cluster.local:7070",
        "iamEndpoint": "https://s3.kozutumi-storage.svc.cluster.local:7071",
        "allowedRegions": ["jp-dev-1", "jp-dev-2"],
        "storeKind": "aws-iam",
        "smtpHost": "smtp.kozutumi-mail.svc.cluster.local",
        "mirrorUrl": "https://signature-mirror.kozutumi-system.svc.cluster.local:8443",
        "mirrorSelector": "namespace=kozutumi-system,app.kubernetes.io/component=signature-mirror",
        "mirrorPort": 8443,
        "dnsSelector": "namespace=kube-system,k8s-app=kube-dns",
        "monitoringNamespace": "observability",
        "gatewayListeners": "Gateway",
    }
    values["fleet"] |= {"canaries": 2, "soak": "4s", "patience": "4m", "maxUnavailable": "60%", "onFailure": "Halt"}
    values["operator"] |= {"replicas": 1, "nodeSelector": {"kubernetes.io/os": "linux"}}
    values["mirror"] |= {"enabled": True, "upstream": "", "nodeSelector": {"kubernetes.io/os": "linux"}}
    values["networkPolicy"]["platform"] |= {"enabled": True, "apiServerPort": layout.API_PORT + 1}
    api_server = {
        "to": [{"ipBlock": {"cidr": f"{platform.node}/32"}}],
        "ports": [{"protocol": "TCP", "port": layout.API_PORT}],
    }
    values["networkPolicy"]["platform"]["extraOperatorEgress"] = [api_server]
    return values


# What would take away what the step needs is changed in the next step.
LATER = {("mirror", "upstream"), ("mirror", "enabled"), ("networkPolicy", "platform", "enabled")}


def pods(platform: Platform, code: str) -> dict[str, str]:
    listed = platform.kubectl.json("get", "pods", "-n", labels.namespace(code), "-l", f"!{labels.PROBE}")["items"]
    return {each["metadata"]["name"]: each["metadata"]["uid"] for each in listed}


def columns(platform: Platform) -> int:
    found = platform.kubectl.json("get", "crd", "organizations.kozutumi.com")
    return len(found["spec"]["versions"][0].get("additionalPrinterColumns") or [])


def ready(platform: Platform, code: str, what: str, domain: str = names.DOMAIN) -> None:
    """By a status that this release's operator wrote: it names the domain of this release's values."""
    started = time.monotonic()

    def told() -> bool:
        return domain in platform.kubectl.json("get", "organization", code).get("status", {}).get("url", "")

    wait_until(f"{code} being looked at with domain {domain}", told, seconds=300)
    organizations.wait_ready(platform.kubectl, code, seconds=400)
    print(f"{what}: {code} Ready after {time.monotonic() - started:.0f} s more")


def timed(platform: Platform, what: str, chart: Path, values: dict[str, Any], *words: str) -> None:
    started = time.monotonic()
    platform.install(chart, values, *words)
    print(f"{what}: {time.monotonic() - started:.0f} s")


def test_it_refuses_a_namespace_that_restricts_nothing(platform: Platform, package: Path) -> None:
    enforce = "pod-security.kubernetes.io/enforce"
    platform.kubectl("label", "namespace", names.SYSTEM, f"{enforce}=baseline", "--overwrite")
    with pytest.raises(chart_world.HelmError, match="Pod Security restricted"):
        platform.install(package, installed(platform))
    platform.kubectl("label", "namespace", names.SYSTEM, f"{enforce}=restricted", "--overwrite")


def test_the_previous_chart_installs_and_makes_an_organization(platform: Platform, previous: Path) -> None:
    timed(platform, "install of the previous chart", previous, installed(platform))
    platform.kubectl.apply(organizations.manifest(CODE, "前", "Before"))
    ready(platform, CODE, "previous chart")


def test_an_upgrade_brings_new_definitions_and_touches_no_tenant(platform: Platform, package: Path) -> None:
    before = pods(platform, CODE)
    timed(platform, "upgrade", package, installed(platform))
    assert columns(platform) > 0
    ready(platform, CODE, "upgrade")
    assert pods(platform, CODE) == before


def test_every_documented_value_changed_works(platform: Platform, package: Path) -> None:
    values = every_value(platform)
    defaults = dict(chart_world.leaves(chart_world.values(CHART / "values.yaml")))
    same = {path for path, value in chart_world.leaves(values) if defaults[path] == value}
    assert same == LATER
    for name, (kind, secret) in COPIED.items():
        platform.copy_secret(kind, secret, values["secrets"][name])
    platform.kubectl.apply({"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": "observability"}})
    for definition in chart_world.prometheus_definitions():
        platform.kubectl("apply", "--server-side", "-f", "-", stdin=yaml.safe_dump(definition))
    wait_until(
        "the kinds of Prometheus",
        lambda: platform.kubectl("api-resources", "--api-group=monitoring.coreos.com") != "",
        seconds=60,
    )
    timed(platform, "upgrade to every value changed", package, values, "--take-ownership")
    platform.kubectl.apply(organizations.manifest(OTHER, "後", "After"))
    for code in (OTHER, CODE):
        ready(platform, code, "every value changed", CHANGED_DOMAIN)
    running = {
        each["metadata"]["name"] for each in platform.kubectl.json("get", "deployments", "-n", names.SYSTEM)["items"]
    }
    assert {"kozutumi-operator-a", "kozutumi-operator-rest"} <= running
    assert "kozutumi-operator" not in running
    claim = platform.kubectl.json("get", "pvc", "-n", labels.namespace(OTHER))["items"][0]
    assert claim["spec"]["resources"]["requests"]["storage"] == "2Gi"
    assert platform.kubectl.exists("servicemonitor", "-n", "observability")
    assert platform.kubectl.exists("prometheusrule", "-n", names.SYSTEM)


def test_what_takes_things_away_can_be_changed_too(platform: Platform, package: Path) -> None:
    values = chart_world.with_value(every_value(platform), ("mirror", "upstream"), "database.clamav.net")
    timed(platform, "upgrade with an upstream for the mirror", package, values, "--take-ownership")
    mirror = platform.kubectl.json("get", "configmap", "signature-mirror", "-n", names.SYSTEM)
    assert mirror["data"] == {"KOZUTUMI_UPSTREAM": "database.clamav.net"}
    assert platform.kubectl.exists("networkpolicy", "signature-mirror-to-upstream", "-n", names.SYSTEM)
    for path in LATER - {("mirror", "upstream")}:
        values = chart_world.with_value(values, path, value=False)
    timed(platform, "upgrade without mirror and platform rules", package, values, "--take-ownership")
    assert not platform.kubectl.exists("deployment", "signature-mirror", "-n", names.SYSTEM)
    assert not platform.kubectl.exists("networkpolicy", "operator-to-platform", "-n", names.SYSTEM)


def test_a_rollback_goes_back_to_what_was(platform: Platform) -> None:
    started = time.monotonic()
    platform.helm("rollback", RELEASE, "2", "-n", names.SYSTEM, "--wait", "--timeout=5m")
    print(f"rollback: {time.monotonic() - started:.0f} s")
    ready(platform, CODE, "rollback")
    platform_map = platform.kubectl.json("get", "configmap", "kozutumi-platform", "-n", names.SYSTEM)
    assert platform_map["data"]["KOZUTUMI_DOMAIN"] == names.DOMAIN
    assert platform.kubectl.exists("deployment", "kozutumi-operator", "-n", names.SYSTEM)
    assert not platform.kubectl.exists("deployment", "kozutumi-operator-a", "-n", names.SYSTEM)


def test_an_uninstall_keeps_organizations_and_proofs(platform: Platform) -> None:
    before = pods(platform, CODE)
    platform.helm("uninstall", RELEASE, "-n", names.SYSTEM, "--wait")
    assert platform.kubectl.exists("organization", CODE)
    assert platform.kubectl.exists("secret", "platform-ca", "-n", names.SYSTEM)
    assert pods(platform, CODE) == before


def test_an_install_with_every_value_changed_takes_up_what_was_kept(platform: Platform, package: Path) -> None:
    timed(platform, "install with every value changed", package, every_value(platform), "--take-ownership")
    for code in (OTHER, CODE):
        ready(platform, code, "install with every value changed", CHANGED_DOMAIN)

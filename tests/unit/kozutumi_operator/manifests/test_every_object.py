"""What holds for all objects, whatever the manifest says."""

from __future__ import annotations

import itertools
import json
from typing import Any

import pytest

from kozutumi_contract import labels
from kozutumi_contract import settings as contract_settings
from kozutumi_operator.manifests import names
from kozutumi_operator.organizations import desired, quantities
from kozutumi_operator.organizations.observed import Object
from operator_builders import UID, fixed_materials, organization, settings

SPECS: list[dict[str, Any]] = [
    {},
    {"suspend": True},
    {"scanner": {"temporaryStorage": "Disk"}},
    {"app": {"resources": {"limits": {"memory": "512Mi"}, "requests": {"cpu": "1"}}}},
    {"endpoint": {"hosts": ["files.example.com"], "allowedCIDRs": ["198.51.100.0/24"]}},
]


def rendered(fields: dict[str, Any]) -> list[Object]:
    platform = settings(KOZUTUMI_DISK_ENCRYPTION="declared")
    return desired.render(organization(**fields), platform, fixed_materials())


def of_kind(objects: list[Object], kind: str) -> list[Object]:
    return [each for each in objects if each["kind"] == kind]


@pytest.mark.parametrize("fields", SPECS)
def test_every_object_names_its_organization_and_has_no_owner(fields: dict[str, Any]) -> None:
    for thing in rendered(fields):
        metadata = thing["metadata"]
        assert metadata["labels"][labels.SERVICE_CODE] == "acme"
        assert metadata["annotations"][labels.ORGANIZATION_UID] == UID
        assert "ownerReferences" not in metadata
        assert metadata.get("namespace", "kz-acme") == "kz-acme"


@pytest.mark.parametrize("fields", SPECS)
def test_every_container_is_restricted_and_bounded(fields: dict[str, Any]) -> None:
    for deployment in of_kind(rendered(fields), "Deployment"):
        pod = deployment["spec"]["template"]["spec"]
        assert pod["automountServiceAccountToken"] is False
        assert pod["enableServiceLinks"] is False
        assert pod["securityContext"]["runAsNonRoot"] is True
        assert pod["securityContext"]["seccompProfile"] == {"type": "RuntimeDefault"}
        assert {"hostNetwork", "hostPID", "hostIPC"}.isdisjoint(pod)
        for container in [*pod["containers"], *pod.get("initContainers", [])]:
            security = container["securityContext"]
            assert security["allowPrivilegeEscalation"] is False
            assert security["readOnlyRootFilesystem"] is True
            assert security["capabilities"] == {"drop": ["ALL"]}
            assert container["resources"]["limits"]["memory"]


@pytest.mark.parametrize("fields", SPECS)
def test_services_select_only_pods_of_the_deployments(fields: dict[str, Any]) -> None:
    objects = rendered(fields)
    pods = [each["spec"]["template"]["metadata"]["labels"] for each in of_kind(objects, "Deployment")]
    for service in of_kind(objects, "Service"):
        selector = service["spec"]["selector"]
        assert selector[names.SERVING] == "true"
        assert sum(selector.items() <= pod.items() for pod in pods) == 1


@pytest.mark.parametrize("fields", SPECS)
def test_quota_holds_two_copies_of_each_pod_and_a_probe(fields: dict[str, Any]) -> None:
    objects = rendered(fields)
    hard = of_kind(objects, "ResourceQuota")[0]["spec"]["hard"]
    for kind, resource in itertools.product(("requests", "limits"), ("cpu", "memory")):
        if f"{kind}.{resource}" not in hard:
            continue
        used = sum(
            quantities.quantity(container["resources"][kind][resource])
            for each in of_kind(objects, "Deployment")
            for container in each["spec"]["template"]["spec"]["containers"]
        )
        assert quantities.quantity(hard[f"{kind}.{resource}"]) > 2 * used


def test_no_secret_value_leaves_its_secret() -> None:
    values = [value.reveal() for held in fixed_materials().secrets.values() for value in held.values()]
    for thing in rendered({}):
        text = json.dumps(thing).encode()
        if thing["kind"] != "Secret":
            assert not [value for value in values if value in text]


def test_pods_roll_when_a_secret_read_at_start_changes_and_not_for_a_certificate_or_access_key() -> None:
    def template(changed: str | None) -> dict[str, Any]:
        materials = fixed_materials()
        if changed is not None:
            secrets = dict(materials.secrets)
            secrets[changed] = dict.fromkeys(secrets[changed], secrets[names.INTERNAL_CA]["server-ca.key"])
            materials = type(materials)(
                secrets=secrets, platform_ca="", mirror_public_key="", node_port=materials.node_port
            )
        objects = desired.render(organization(), settings(), materials)
        deployment = next(e for e in of_kind(objects, "Deployment") if e["metadata"]["name"] == names.APP)
        template: dict[str, Any] = deployment["spec"]["template"]
        return template

    before = template(None)
    assert template(names.SESSION_KEY) != before
    assert template(names.STORAGE_CREDENTIAL) == before
    assert template(names.APP_PUBLIC_TLS) == before


def test_what_the_app_reads_back_is_what_was_meant() -> None:
    fields = {"transfer": {"allowedDomains": ["a.example", "b.example"], "maxExpiry": "48h", "defaultExpiry": "24h"}}
    objects = rendered(fields)
    container = of_kind(objects, "Deployment")[1]["spec"]["template"]["spec"]["containers"][0]
    environment = {each["name"]: each.get("value", "") for each in container["env"]}
    read = contract_settings.from_environment(contract_settings.AppSettings, environment)
    assert read.public_url == "https://acme.kozutumi.test:30443"
    assert (read.allowed_domains, read.blocked_domains) == (("a.example", "b.example"), ())
    assert (read.default_expiry, read.max_expiry) == (86400, 172800)


def test_app_waits_for_its_node_port() -> None:
    objects = desired.render(organization(), settings(), fixed_materials(node_port=None))
    assert [each["metadata"]["name"] for each in of_kind(objects, "Deployment")] == [names.SCANNER]


def test_suspended_organization_keeps_everything_but_pods() -> None:
    objects = rendered({"suspend": True})
    assert {each["spec"]["replicas"] for each in of_kind(objects, "Deployment")} == {0}
    assert of_kind(objects, "PersistentVolumeClaim")
    assert not of_kind(objects, "PodDisruptionBudget")

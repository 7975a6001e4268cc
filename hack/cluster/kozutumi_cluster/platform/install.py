"""Everything that `install` does to a running cluster. Each step may be repeated; a second run changes nothing."""

from __future__ import annotations

import datetime as dt
import json
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Final

import yaml

from kozutumi_cluster import images as built_images
from kozutumi_cluster import layout as cluster_layout
from kozutumi_cluster.demo import environment
from kozutumi_cluster.demo.kubectl import Kubectl
from kozutumi_cluster.layout import Layout
from kozutumi_cluster.platform import (
    authority,
    definitions,
    fleet,
    mail,
    names,
    operator_ports,
    policies,
    product,
    seed,
    storage,
)
from kozutumi_cluster.platform.authority import Vault
from kozutumi_cluster.progress import Progress
from kozutumi_contract import labels

_PRODUCT: Final = built_images.ROOT / "install"
_APPLY: Final = ("apply", "--server-side", "--force-conflicts", "--field-manager=kozutumi-platform", "-f", "-")
_MIRROR_TLS: Final = "signature-mirror-tls"
_RESTRICTED: Final = {"pod-security.kubernetes.io/enforce": "restricted", names.PART_OF: "kozutumi"}


@dataclass(frozen=True)
class Installation:
    """`images`: reference of every image by its short name (operator, app, scanner, mirror, versitygw, mailpit)."""

    layout: Layout
    kubectl: Kubectl
    images: Mapping[str, str]
    progress: Progress

    def run(self) -> None:
        shipped = list(yaml.safe_load_all(self.kubectl("kustomize", str(_PRODUCT))))
        with self.progress.step("Installing namespaces, policies and secrets"):
            first, rest = product.in_order(shipped)
            self._define(definitions.objects())
            self._apply([*(_namespace(name) for name in names.NAMESPACES), *first])
            node = environment.address(self.kubectl, self.layout)
            self._apply(policies.objects(node, cluster_layout.API_PORT, _cluster_ranges()))
            serials = self._secrets(dt.datetime.now(dt.UTC))
        with self.progress.step("Installing the platform services and the operator"):
            self._apply(storage.objects(self.images["versitygw"], serials[names.S3]))
            self._apply(mail.objects(self.images["mailpit"], serials[names.MAILPIT]))
            self._apply(product.adapt(rest, self.images, self._settings(node), serials))
        with self.progress.step("Waiting until everything is ready", expected_seconds=20) as step:
            for namespace in (names.STORAGE, names.MAIL, names.SYSTEM, labels.CANARY_NAMESPACE):
                step.detail = namespace
                self._wait(namespace)
        with self.progress.step("Waiting until every organization is on these images", expected_seconds=30):
            fleet.wait_settled(self.kubectl, self.images)

    def endpoints(self) -> dict[str, str]:
        ca = environment.platform_ca(self.kubectl, self.layout)
        return {
            "mail inbox": environment.inbox_url(self.kubectl, self.layout),
            "object store (inside the cluster)": f"https://{names.host(names.S3, names.STORAGE)}:{names.S3_PORT}",
            "platform CA": str(ca),
            "kubeconfig": str(self.layout.kubeconfig),
        }

    def _secrets(self, now: dt.datetime) -> dict[str, str]:
        """Make what is missing. Returns for each Deployment the serial number of its certificate."""
        vault = Vault(self.kubectl)
        signer = authority.ensure_authority(vault, now)
        authority.ensure_root_credential(vault)
        operator_ports.ensure(vault, signer, now)
        public_key = authority.ensure_signing_key(vault, names.MIRROR_KEY)
        proof = {"disposal.pub": authority.ensure_signing_key(vault, names.DISPOSAL_SIGNER).decode()}
        certificate = authority.pair_data(signer, signer.certificate)["ca.crt"]
        trust = {"ca.crt": certificate.decode(), "mirror.pub": public_key.decode()}
        published = [_config_map(names.PLATFORM_CA, trust), _config_map(names.DISPOSAL_SIGNER, proof)]
        self._apply([*published, seed.config_map()])
        served = {
            names.S3: (storage.TLS_SECRET, names.STORAGE, [names.S3]),
            names.MAILPIT: (mail.TLS_SECRET, names.MAIL, [names.MAILPIT, names.SMTP]),
            names.MIRROR: (_MIRROR_TLS, names.SYSTEM, [names.MIRROR]),
        }
        return {
            deployment: authority.ensure_server(vault, signer, name, namespace, _hosts(services, namespace), now)
            for deployment, (name, namespace, services) in served.items()
        }

    def _settings(self, node: str) -> dict[str, str]:
        return product.settings(
            self.images,
            node,
            service_address=cluster_layout.SERVICE_API_ADDRESS,
            pod_range=cluster_layout.POD_RANGE,
            service_range=cluster_layout.SERVICE_RANGE,
        )

    def _apply(self, documents: list[dict[str, Any]]) -> None:
        self.kubectl(*_APPLY, stdin=json.dumps({"apiVersion": "v1", "kind": "List", "items": documents}))

    def _define(self, crds: list[dict[str, Any]]) -> None:
        """Before the operator starts: it looks once at start which of these kinds there are."""
        self._apply(crds)
        found = [f"customresourcedefinition/{each['metadata']['name']}" for each in crds]
        self.kubectl("wait", "--for=condition=Established", "--timeout=60s", *found)

    def _wait(self, namespace: str) -> None:
        """`rollout status` also sees a rollout whose old pods are still there; readiness alone would not."""
        for deployment in self.kubectl.json("get", "deployments", "-n", namespace)["items"]:
            name = deployment["metadata"]["name"]
            self.kubectl("rollout", "status", f"deployment/{name}", "-n", namespace, "--timeout=240s")


def _cluster_ranges() -> tuple[str, ...]:
    return (cluster_layout.POD_RANGE, cluster_layout.SERVICE_RANGE)


def _hosts(services: list[str], namespace: str) -> list[str]:
    return [name for service in services for name in _names(service, namespace)]


def _names(service: str, namespace: str) -> tuple[str, str]:
    host = names.host(service, namespace)
    return host, f"{host}.cluster.local"


def _namespace(name: str) -> dict[str, Any]:
    return {"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": name, "labels": _RESTRICTED}}


def _config_map(name: str, data: dict[str, str]) -> dict[str, Any]:
    return {
        "apiVersion": "v1",
        "kind": "ConfigMap",
        "metadata": {"name": name, "namespace": names.SYSTEM, "labels": {names.PART_OF: "kozutumi"}},
        "data": data,
    }

"""The way out to services that have only a name: Stripe's smokescreen, one for each organization that lists hosts.

NetworkPolicy knows addresses, not names. The app reaches this proxy alone, which opens CONNECT tunnels to the listed
names and to nothing else, and never to addresses of the cluster, whatever a name resolves to.
"""

from __future__ import annotations

import hashlib
import json
from decimal import Decimal
from typing import Any, Final

from kozutumi_operator.manifests import deployment, metadata, names, pod, service
from kozutumi_operator.organizations.fields import Resources
from kozutumi_operator.organizations.materials import Materials
from kozutumi_operator.organizations.observed import Object
from kozutumi_operator.organizations.spec import Organization
from kozutumi_operator.platform import PlatformSettings

PORT: Final = 4750
RESOURCES: Final = Resources(Decimal("0.005"), 24 * 2**20, 96 * 2**20)
LIST: Final = "acl.yaml"
BUNDLE: Final = "bundle.pem"
_LIST_FOLDER: Final = "/etc/kozutumi/egress"
_TLS_FOLDER: Final = "/etc/kozutumi/tls/egress"


def hosts(organization: Organization) -> tuple[str, ...]:
    return tuple(sorted({each.host for each in organization.extra_egress if each.host}))


def ports(organization: Organization) -> tuple[int, ...]:
    return tuple(sorted({each.port for each in organization.extra_egress if each.host}))


def render(organization: Organization, platform: PlatformSettings, materials: Materials) -> list[Object]:
    """Empty where no host is listed."""
    if not hosts(organization):
        return []
    listed = allow_list(organization)
    return [
        {
            "apiVersion": "v1",
            "kind": "ConfigMap",
            "metadata": metadata.of(organization, names.EGRESS_PROXY, names.EGRESS_PROXY),
            "data": {LIST: listed},
        },
        service.render_egress_proxy(organization, PORT),
        _deployment(organization, platform, materials, listed),
    ]


def allow_list(organization: Organization) -> str:
    """Smokescreen's format v1; JSON is YAML. Whoever has a certificate of this organization may go to the hosts alone."""
    rule = {
        "name": "default",
        "project": organization.name,
        "action": "enforce",
        "allowed_domains": hosts(organization),
    }
    return json.dumps({"version": "v1", "services": [], "default": rule}, indent=1)


def _deployment(
    organization: Organization, platform: PlatformSettings, materials: Materials, listed: str
) -> dict[str, Any]:
    """It reads list and certificate once, so a change of either is a new pod."""
    closed = (*platform.cluster_ranges(), "169.254.0.0/16")
    container = pod.container(
        names.EGRESS_PROXY,
        platform.image_egress_proxy,
        RESOURCES,
        command=[
            "/smokescreen",
            f"--listen-port={PORT}",
            f"--egress-acl-file={_LIST_FOLDER}/{LIST}",
            f"--tls-server-bundle-file={_TLS_FOLDER}/{BUNDLE}",
            f"--tls-client-ca-file={_TLS_FOLDER}/{names.TRUST}",
            "--disable-acl-policy-action=open",
            "--disable-acl-policy-action=report",
            *(f"--deny-range={cidr}" for cidr in closed),
        ],
        environment={},
        mounts=[
            pod.mount(names.EGRESS_PROXY, _LIST_FOLDER, read_only=True),
            pod.mount(names.EGRESS_PROXY_TLS, _TLS_FOLDER, read_only=True),
        ],
    )
    container["ports"] = [{"name": "proxy", "containerPort": PORT, "protocol": "TCP"}]
    spec: dict[str, Any] = {
        "serviceAccountName": "default",
        "terminationGracePeriodSeconds": 30,
        "containers": [container],
        "volumes": [pod.config_volume(names.EGRESS_PROXY), pod.secret_volume(names.EGRESS_PROXY_TLS)],
    }
    digest = hashlib.sha256(listed.encode())
    digest.update(materials.secrets[names.EGRESS_PROXY_TLS][names.CERTIFICATE].reveal())
    annotations = {names.CONFIGURATION_HASH: digest.hexdigest()[:16]}
    return deployment.frame(
        organization, names.EGRESS_PROXY, pod.template(organization, names.EGRESS_PROXY, spec, annotations)
    )

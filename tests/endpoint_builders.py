"""Organizations of each type of endpoint on a platform that offers all of them, for tests of the pure core."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any, Final

import operator_builders as builders
from kozutumi_contract.secret import Secret
from kozutumi_operator.manifests import names, secret
from kozutumi_operator.organizations import certificates
from kozutumi_operator.organizations.certificates import Pair, Usage
from kozutumi_operator.organizations.materials import Materials
from kozutumi_operator.organizations.observed import Object
from kozutumi_operator.platform import PlatformSettings

NOW: Final = datetime(2026, 11, 24, 12, 0, tzinfo=UTC)
HOUR: Final = timedelta(hours=1)
LIFE: Final = certificates.LEAF_LIFE
HOSTS: Final = ("files.example.com", "acme.example.org")
KINDS: Final = frozenset({"HTTPRoute", "BackendTLSPolicy", "ListenerSet", "Certificate", "Ingress"})
OFFERED: Final = {
    "KOZUTUMI_GATEWAY": "gateways/public/https",
    "KOZUTUMI_GATEWAY_SELECTOR": "namespace=gateways,app=gateway",
    "KOZUTUMI_GATEWAY_CIDRS": "10.244.9.0/24",
    "KOZUTUMI_INGRESS_CLASS": "nginx",
    "KOZUTUMI_INGRESS_SELECTOR": "namespace=ingress-nginx",
    "KOZUTUMI_INGRESS_CIDRS": "10.244.8.0/24",
    "KOZUTUMI_INGRESS_ANNOTATIONS": (
        "nginx.ingress.kubernetes.io/backend-protocol=HTTPS,"
        "nginx.ingress.kubernetes.io/proxy-ssl-verify=on,"
        "nginx.ingress.kubernetes.io/proxy-ssl-name={service_host},"
        "nginx.ingress.kubernetes.io/proxy-ssl-secret={namespace}/{ca_secret}"
    ),
}
TYPES: Final[dict[str, dict[str, Any]]] = {
    "NodePort": {"type": "NodePort"},
    "LoadBalancer": {"type": "LoadBalancer", "hosts": list(HOSTS), "allowedCIDRs": ["203.0.113.0/24"]},
    "HTTPRoute": {"type": "HTTPRoute", "hosts": list(HOSTS), "allowedCIDRs": ["203.0.113.0/24"]},
    "Ingress": {"type": "Ingress", "hosts": list(HOSTS)},
    "issuer": {"type": "LoadBalancer", "hosts": list(HOSTS), "tls": {"issuerRef": {"name": "public"}}},
    "secret": {"type": "LoadBalancer", "hosts": list(HOSTS), "tls": {"secretRef": {"name": "given"}}},
}


def platform(**changes: str) -> PlatformSettings:
    return builders.settings(**OFFERED | changes)


def materials(kind: str) -> Materials:
    """Fixed materials, with what a gateway needs where one stands in front."""
    made = builders.fixed_materials()
    secrets = dict(made.secrets)
    if kind in {"HTTPRoute", "Ingress"}:
        pair = (names.CERTIFICATE, names.PRIVATE_KEY, names.TRUST)
        secrets[names.APP_BACKEND_TLS] = {each: Secret(f"{names.APP_BACKEND_TLS}/{each}".encode()) for each in pair}
    if kind == "Ingress":
        secrets[names.BACKEND_CA] = {names.TRUST: Secret(b"internal CA")}
    return Materials(
        secrets=secrets,
        platform_ca=made.platform_ca,
        mirror_public_key=made.mirror_public_key,
        node_port=made.node_port,
    )


CA: Final = certificates.authority("somebody's CA", now=NOW - timedelta(days=1))


def given(*hosts: str, now: datetime = NOW, usage: Usage = Usage.SERVER) -> Pair:
    """A pair that others made: 30 days from `now`."""
    return certificates.issue(CA, "given", usage=usage, hosts=hosts or HOSTS, now=now)


def tls_secret(name: str, pair: Pair) -> Object:
    """As a customer or cert-manager would store it, without any label of ours."""
    encoded = Secret(pair.certificate), pair.private_key
    entries = dict(zip((names.CERTIFICATE, names.PRIVATE_KEY), encoded, strict=True))
    made = secret.render(builders.organization(), name, entries)
    made["metadata"] = {"name": name, "namespace": "kz-acme"}
    return made

"""What cert-manager is asked for: the public certificate of an organization that names an issuer."""

from __future__ import annotations

from kozutumi_operator.manifests import metadata, names
from kozutumi_operator.organizations import endpoint
from kozutumi_operator.organizations.observed import Object
from kozutumi_operator.organizations.spec import Organization
from kozutumi_operator.platform import PlatformSettings


def render(organization: Organization, platform: PlatformSettings) -> Object | None:
    """None without an issuer. The Secret it fills is checked and copied, never mounted (public_certificate)."""
    issuer = organization.tls_issuer
    if issuer is None:
        return None
    return {
        "apiVersion": "cert-manager.io/v1",
        "kind": "Certificate",
        "metadata": metadata.of(organization, names.PUBLIC_CERTIFICATE, "endpoint"),
        "spec": {
            "secretName": names.ISSUED_TLS,
            "dnsNames": list(endpoint.hosts(organization, platform)),
            "issuerRef": {"name": issuer.name, "kind": issuer.kind, "group": issuer.group},
            "privateKey": {"algorithm": "ECDSA", "size": 256, "rotationPolicy": "Always"},
            "usages": ["digital signature", "server auth"],
        },
    }

"""Names of the objects in an organization's namespace, and of the entries of its Secrets."""

from __future__ import annotations

from typing import Final

from kozutumi_contract import labels

APP: Final = "app"
SCANNER: Final = "scanner"
PUBLIC_SERVICE: Final = "app-public"
VOLUME: Final = "data"
ROLE: Final = "kozutumi-tenant"
ROLE_BINDING: Final = "kozutumi-operator"
QUOTA: Final = "organization"
LIMITS: Final = "organization"
DEFAULT_DENY: Final = "default-deny"

# Pods of a Deployment carry it and Services select it: a probe pod is under the same policies, but serves nobody.
SERVING: Final = f"{labels.GROUP}/serving"
CONFIGURATION_HASH: Final = f"{labels.GROUP}/configuration-hash"

INTERNAL_CA: Final = "internal-ca"
SESSION_KEY: Final = "session-key"
STORAGE_CREDENTIAL: Final = "storage-credential"
APP_PUBLIC_TLS: Final = "app-public-tls"
APP_INTERNAL_TLS: Final = "app-internal-tls"
APP_METRICS_TLS: Final = "app-metrics-tls"
APP_SCANNER_CLIENT_TLS: Final = "app-scanner-client-tls"
SCANNER_TLS: Final = "scanner-tls"
SCANNER_METRICS_TLS: Final = "scanner-metrics-tls"
OPERATOR_CLIENT_TLS: Final = "operator-client-tls"
MONITORING_CLIENT_TLS: Final = "monitoring-client-tls"
APP_BACKEND_TLS: Final = "app-backend-tls"  # what the app shows to a gateway
ISSUED_TLS: Final = "app-public-issued"  # filled by cert-manager
PUBLIC_CERTIFICATE: Final = "app-public"  # a Certificate of cert-manager
BACKEND_CA: Final = "app-backend-ca"  # a ConfigMap (Gateway API) or a Secret (Ingress): what a gateway trusts
EGRESS_PROXY: Final = "egress-proxy"
EGRESS_PROXY_TLS: Final = "egress-proxy-tls"
APP_EGRESS_CLIENT_TLS: Final = "app-egress-client-tls"
PLATFORM_CA: Final = "platform-ca"  # a ConfigMap

CERTIFICATE: Final = "tls.crt"
PRIVATE_KEY: Final = "tls.key"
TRUST: Final = "ca.crt"
MIRROR_PUBLIC_KEY: Final = "mirror.pub"
SESSION_KEY_ENTRY: Final = "key"
ACCESS_KEY_ID: Final = "access-key-id"
SECRET_ACCESS_KEY: Final = "secret-access-key"  # noqa: S105 - the name of an entry


def service_host(service: str, service_code: str) -> str:
    """The exact name that clients verify."""
    return f"{service}.{labels.namespace(service_code)}.svc"

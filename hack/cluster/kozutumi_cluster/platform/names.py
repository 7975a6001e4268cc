"""Namespaces, Services, ports and object names of the development cluster's platform services."""

from __future__ import annotations

from typing import Final

from kozutumi_contract import labels

SYSTEM: Final = labels.SYSTEM_NAMESPACE
STORAGE: Final = labels.STORAGE_NAMESPACE
MAIL: Final = "kozutumi-mail"
MONITORING: Final = "kozutumi-monitoring"
GATEWAY: Final = "kozutumi-gateway"
NAMESPACES: Final = (STORAGE, MAIL, MONITORING, GATEWAY)

REGION: Final = "jp-dev-1"
DOMAIN: Final = "kozutumi.test"
MAIL_FROM: Final = f"no-reply@{DOMAIN}"
BOUNCE_ADDRESS: Final = f"bounces@{DOMAIN}"

S3: Final = "s3"
S3_PORT: Final = 7070
IAM_PORT: Final = 7071
S3_ROOT: Final = "s3-root"
MAILPIT: Final = "mailpit"
SMTP: Final = "smtp"
SMTP_PORT: Final = 1025
INBOX_PORT: Final = 8025
MIRROR: Final = "signature-mirror"
MIRROR_PORT: Final = 8443

PLATFORM_CA: Final = "platform-ca"
MIRROR_KEY: Final = "mirror-signing-key"
DISPOSAL_SIGNER: Final = "disposal-signer"
NAME: Final = "app.kubernetes.io/name"
PART_OF: Final = "app.kubernetes.io/part-of"


def host(service: str, namespace: str) -> str:
    """The name that certificates carry and clients verify."""
    return f"{service}.{namespace}.svc"


def pod_labels(name: str, component: str) -> dict[str, str]:
    return {NAME: name, labels.COMPONENT: component, PART_OF: "kozutumi"}


def metadata(name: str, namespace: str, component: str) -> dict[str, object]:
    return {"name": name, "namespace": namespace, "labels": pod_labels(name, component)}

"""Names that every part uses for the same thing: the API group, labels, annotations, ports, object names."""

from __future__ import annotations

import re
from typing import Final

GROUP: Final = "kozutumi.com"
VERSION: Final = "v1alpha1"
FIELD_MANAGER: Final = "kozutumi-operator"
STATUS_FIELD_MANAGER: Final = "kozutumi-operator-status"
FINALIZER: Final = f"{GROUP}/disposal"

SERVICE_CODE: Final = f"{GROUP}/service-code"
ORGANIZATION_UID: Final = f"{GROUP}/organization-uid"
CONFIRM_DELETION: Final = f"{GROUP}/confirm-deletion"
# On an Organization: who wants it gone. Admission lets users name only themselves; the certificate of disposal repeats it.
DELETION_REQUESTED_BY: Final = f"{GROUP}/deletion-requested-by"
PROBE: Final = f"{GROUP}/probe"
# On the RoleBinding of an AccessGrant: its name. The finalizer keeps the grant until what it gave is taken back.
ACCESS_GRANT: Final = f"{GROUP}/access-grant"
GRANT_FINALIZER: Final = f"{GROUP}/access-grant"
# Fleet: a pause (annotation of an Organization or of ConfigMap fleet-release), who goes first (label of an
# Organization), the release of a Deployment and "try this refused release again" (annotations).
PAUSED: Final = f"{GROUP}/paused"
CANARY: Final = f"{GROUP}/canary"
RELEASE: Final = f"{GROUP}/release"
RETRY_RELEASE: Final = f"{GROUP}/retry-release"
# A new value on an Organization rotates its key ring; the ring's Secret carries the value last acted on.
ROTATE: Final = f"{GROUP}/rotate"
# A new value on an Organization replaces its storage credential.
ROTATE_STORAGE: Final = f"{GROUP}/rotate-storage"
# On the disposal record of a departed organization: its archive bucket, and until when that is kept (RFC 3339).
ARCHIVE_BUCKET: Final = f"{GROUP}/archive-bucket"
ARCHIVE_UNTIL: Final = f"{GROUP}/archive-until"
ARCHIVE_REMOVED: Final = f"{GROUP}/archive-removed"
# On an Organization: the hash of a head that its audit log has lost and that somebody has looked into.
ACKNOWLEDGE_AUDIT: Final = f"{GROUP}/acknowledge-audit"
COMPONENT: Final = "app.kubernetes.io/component"

SYSTEM_NAMESPACE: Final = "kozutumi-system"
CANARY_NAMESPACE: Final = "kozutumi-canary"
STORAGE_NAMESPACE: Final = "kozutumi-storage"
NAMESPACE_PREFIX: Final = "kz-"

APP_PORT: Final = 8443
INTERNAL_PORT: Final = 9443
METRICS_PORT: Final = 9444
REPORTS_PORT: Final = 9445  # of the operator alone
SCANNER_PORT: Final = 3311

SERVICE_CODE_PATTERN: Final = r"[a-z0-9]([-a-z0-9]{1,28}[a-z0-9])"


def is_service_code(name: str) -> bool:
    """Tell whether `name` may be an organization's service code (architecture.md §2)."""
    return re.fullmatch(SERVICE_CODE_PATTERN, name) is not None


def namespace(service_code: str) -> str:
    return f"{NAMESPACE_PREFIX}{service_code}"


def content_bucket(prefix: str, service_code: str) -> str:
    return f"{prefix}-{service_code}"


def archive_bucket(prefix: str, service_code: str) -> str:
    return f"{prefix}-{service_code}-archive"


def object_labels(service_code: str, component: str) -> dict[str, str]:
    """Labels of every object that belongs to one organization (control A.8.2.2: no unlabelled asset)."""
    return {
        SERVICE_CODE: service_code,
        COMPONENT: component,
        "app.kubernetes.io/name": "kozutumi",
        "app.kubernetes.io/part-of": "kozutumi",
        "app.kubernetes.io/instance": service_code,
        "app.kubernetes.io/managed-by": FIELD_MANAGER,
    }

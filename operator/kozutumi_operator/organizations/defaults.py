"""What a field is when neither the manifest nor its plan says anything, written as a manifest would."""

from __future__ import annotations

from typing import Final

# The definition's descriptions name the same values (a test compares them).
DEFAULTS: Final[dict[str, str | int]] = {
    "endpoint.type": "NodePort",
    "endpoint.tls.issuerRef.kind": "ClusterIssuer",
    "endpoint.tls.issuerRef.group": "cert-manager.io",
    "quota.storage": "10Gi",
    "quota.users": 100,
    "quota.maxFileSize": 2147483647,
    "transfer.defaultExpiry": "168h",
    "transfer.maxExpiry": "720h",
    "transfer.maxDownloads": 10,
    "transfer.recipientAuthentication": "EmailCode",
    "transfer.approval": "Never",
    "transfer.holdFor": "0s",
    "transfer.unscannable": "Reject",
    "encryption.rotationPeriod": "8760h",
    "scanner.maximumSignatureAge": "72h",
    "scanner.temporaryStorage": "Memory",
    "scanner.resources.requests.cpu": "10m",
    "scanner.resources.requests.memory": "96Mi",
    "scanner.resources.limits.memory": "3Gi",
    "authentication.mfa": "Optional",
    "authentication.password.minimumLength": 12,
    "audit.retention": "8760h",
    "app.replicas": 1,
    "app.resources.requests.cpu": "20m",
    "app.resources.requests.memory": "96Mi",
    "app.resources.limits.memory": "256Mi",
    "retainFor": "720h",
}

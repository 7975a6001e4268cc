"""Metadata that every object of an organization carries."""

from __future__ import annotations

from typing import Any

from kozutumi_contract import labels
from kozutumi_operator.organizations.spec import Organization


def of(organization: Organization, name: str, component: str) -> dict[str, Any]:
    """No owner reference: a foreground delete would tear the namespace down past our finalizer."""
    return {
        "name": name,
        "namespace": organization.namespace,
        "labels": labels.object_labels(organization.name, component),
        "annotations": {labels.ORGANIZATION_UID: organization.uid},
    }

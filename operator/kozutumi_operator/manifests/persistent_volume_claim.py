"""The volume of the organization's database."""

from __future__ import annotations

from typing import Any

from kozutumi_operator.manifests import metadata, names
from kozutumi_operator.organizations.observed import Object
from kozutumi_operator.organizations.spec import Organization
from kozutumi_operator.platform import PlatformSettings


def render(organization: Organization, platform: PlatformSettings) -> Object:
    spec: dict[str, Any] = {
        "accessModes": ["ReadWriteOnce"],
        "resources": {"requests": {"storage": platform.database_volume}},
    }
    if platform.storage_class:
        spec["storageClassName"] = platform.storage_class
    return {
        "apiVersion": "v1",
        "kind": "PersistentVolumeClaim",
        "metadata": metadata.of(organization, names.VOLUME, names.APP),
        "spec": spec,
    }

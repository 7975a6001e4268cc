"""What runs in the cluster from the start: access for components, DNS, and the volume provisioner."""

from __future__ import annotations

from typing import Any

from kozutumi_cluster.addons import access, dns, storage
from kozutumi_cluster.layout import Layout

FIELD_MANAGER = "kozutumi-cluster"


def objects(layout: Layout) -> dict[str, Any]:
    """One List for `kubectl apply --server-side`."""
    items = [*access.objects(), *dns.objects(), *storage.objects(layout)]
    return {"apiVersion": "v1", "kind": "List", "items": items}

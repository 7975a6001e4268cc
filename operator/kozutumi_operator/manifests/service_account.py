"""Accounts without rights and without a token: no tenant pod ever speaks to the API server."""

from __future__ import annotations

from kozutumi_operator.manifests import metadata
from kozutumi_operator.organizations.observed import Object
from kozutumi_operator.organizations.spec import Organization


def render(organization: Organization, name: str) -> Object:
    """`default` is among the names: Kubernetes makes it anyway, and would mount its token."""
    return {
        "apiVersion": "v1",
        "kind": "ServiceAccount",
        "metadata": metadata.of(organization, name, "account"),
        "automountServiceAccountToken": False,
    }

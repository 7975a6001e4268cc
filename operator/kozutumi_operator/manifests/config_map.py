"""What an organization's pods trust, and what a gateway trusts of them."""

from __future__ import annotations

from kozutumi_operator.manifests import metadata, names
from kozutumi_operator.organizations.materials import SERVER_CA, Materials
from kozutumi_operator.organizations.observed import Object
from kozutumi_operator.organizations.spec import Organization


def render(organization: Organization, materials: Materials) -> Object:
    """The platform CA, and the key that signs the mirror's manifest."""
    data = {names.TRUST: materials.platform_ca, names.MIRROR_PUBLIC_KEY: materials.mirror_public_key}
    return _config_map(organization, names.PLATFORM_CA, data)


def render_backend_ca(organization: Organization, materials: Materials) -> Object | None:
    """The CA of what the app shows to a gateway; None unless a Gateway's BackendTLSPolicy refers to it."""
    if organization.endpoint_type != "HTTPRoute":
        return None
    certificate = materials.secrets[names.INTERNAL_CA][f"{SERVER_CA}.crt"].reveal().decode()
    return _config_map(organization, names.BACKEND_CA, {names.TRUST: certificate})


def _config_map(organization: Organization, name: str, data: dict[str, str]) -> Object:
    return {
        "apiVersion": "v1",
        "kind": "ConfigMap",
        "metadata": metadata.of(organization, name, "trust"),
        "data": data,
    }

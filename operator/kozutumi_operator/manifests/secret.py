"""Secrets of an organization."""

from __future__ import annotations

import base64
from collections.abc import Mapping

from kozutumi_contract import keyring
from kozutumi_contract.secret import Secret
from kozutumi_operator.manifests import metadata, names
from kozutumi_operator.organizations.observed import Object
from kozutumi_operator.organizations.spec import Organization


def render(organization: Organization, name: str, entries: Mapping[str, Secret[bytes]]) -> Object:
    is_pair = {names.CERTIFICATE, names.PRIVATE_KEY} <= entries.keys()
    return {
        "apiVersion": "v1",
        "kind": "Secret",
        "metadata": metadata.of(organization, name, "secret"),
        "type": "kubernetes.io/tls" if is_pair else "Opaque",
        "data": {entry: base64.b64encode(value.reveal()).decode() for entry, value in sorted(entries.items())},
    }


def key_ring(organization: Organization, ring: keyring.KeyRing) -> Object:
    """For one POST, never for apply: a second writer must fail, or files would become unreadable."""
    return render(organization, keyring.SECRET_NAME, {keyring.SECRET_KEY: Secret(keyring.serialize(ring))})


def entries(secret: Mapping[str, object]) -> dict[str, bytes]:
    """The decoded entries of a live Secret. ValueError where one is not base64 (the API server sees to that)."""
    data = secret.get("data")
    if not isinstance(data, Mapping):
        return {}
    return {name: base64.b64decode(value, validate=True) for name, value in data.items()}

"""An organization, its platform and its materials, all fixed, for tests of the operator's pure core."""

from __future__ import annotations

import copy
import itertools
from collections.abc import Iterable
from typing import Any

from kozutumi_contract.secret import Secret
from kozutumi_operator import platform
from kozutumi_operator.manifests import names
from kozutumi_operator.organizations import materials, spec
from kozutumi_operator.organizations.materials import LEAVES, Materials
from kozutumi_operator.organizations.observed import Object, Observed, observe

UID = "6f1c0a52-6f1e-4c6f-9a53-000000000001"
ENVIRONMENT = {
    "KOZUTUMI_IMAGE_APP": "localhost/kozutumi-app:0",
    "KOZUTUMI_IMAGE_SCANNER": "localhost/kozutumi-scanner:0",
    "KOZUTUMI_IMAGE_PROBE": "localhost/kozutumi-operator:0",
    "KOZUTUMI_DOMAIN": "kozutumi.test",
    "KOZUTUMI_S3_ENDPOINT": "https://s3.kozutumi-storage.svc:7070",
    "KOZUTUMI_S3_REGION": "ap-northeast-1",
    "KOZUTUMI_IAM_ENDPOINT": "https://s3.kozutumi-storage.svc:7071",
    "KOZUTUMI_STORAGE_SELECTOR": "namespace=kozutumi-storage,app.kubernetes.io/name=s3",
    "KOZUTUMI_SMTP_HOST": "smtp.kozutumi-mail.svc",
    "KOZUTUMI_SMTP_SELECTOR": "cidr=203.0.113.0/24",
    "KOZUTUMI_MAIL_FROM": "no-reply@kozutumi.test",
    "KOZUTUMI_MIRROR_URL": "https://signature-mirror.kozutumi-system.svc:8443",
    "KOZUTUMI_POD_CIDR": "10.244.0.0/16",
    "KOZUTUMI_SERVICE_CIDR": "10.96.0.0/16",
    "KOZUTUMI_NODE_CIDRS": "192.0.2.10/32",
}


def body(**fields: Any) -> dict[str, Any]:
    """A custom resource; `fields` replace parts of its spec."""
    base = {
        "serviceCode": "acme",
        "displayName": {"ja": "アクメ", "en": "Acme"},
        "administrators": [{"email": "admin@example.com"}],
        "residency": {"region": "ap-northeast-1"},
    }
    return {"metadata": {"name": "acme", "uid": UID, "generation": 3}, "spec": base | fields}


def organization(**fields: Any) -> spec.Organization:
    return spec.parse(body(**fields))


def settings(**changes: str) -> platform.PlatformSettings:
    return platform.from_environment(ENVIRONMENT | changes)


def fixed_materials(*, node_port: int | None = 30443, credential: bool = True) -> Materials:
    """Secrets whose values are their own names: golden files stay readable."""
    pair = (names.CERTIFICATE, names.PRIVATE_KEY)
    entries: dict[str, tuple[str, ...]] = {
        names.INTERNAL_CA: tuple(f"{name}.{end}" for name in materials.AUTHORITIES for end in ("crt", "key")),
        names.SESSION_KEY: (names.SESSION_KEY_ENTRY,),
        names.APP_PUBLIC_TLS: pair,
        **dict.fromkeys(LEAVES, (*pair, names.TRUST)),
    }
    if credential:
        entries[names.STORAGE_CREDENTIAL] = (names.ACCESS_KEY_ID, names.SECRET_ACCESS_KEY)
    return Materials(
        secrets={name: {entry: Secret(f"{name}/{entry}".encode()) for entry in held} for name, held in entries.items()},
        platform_ca="platform CA\n",
        mirror_public_key="mirror key\n",
        node_port=node_port,
    )


def as_live(objects: Iterable[Object]) -> list[Object]:
    """As the API server would give them back after our apply."""
    counter = itertools.count(1)
    return [_live(copy.deepcopy(each), next(counter)) for each in objects]


def live(objects: Iterable[Object]) -> Observed:
    return observe(as_live(objects))


def fields_of(value: Any) -> dict[str, Any]:
    """A fieldsV1 tree that owns every key of `value`, lists taken as atomic."""
    if isinstance(value, dict):
        return {f"f:{key}": fields_of(each) for key, each in value.items()}
    return {}


def _live(thing: Object, number: int) -> Object:
    owned = {"f:metadata": {}, **fields_of({k: v for k, v in thing.items() if k != "metadata"})}
    thing["metadata"] |= {
        "uid": f"uid-{number}",
        "resourceVersion": str(number),
        "managedFields": [{"manager": "kozutumi-operator", "operation": "Apply", "fieldsV1": owned}],
    }
    if thing["kind"] == "ResourceQuota":
        thing["status"] = {"used": dict.fromkeys(thing["spec"]["hard"], "0")}
    return thing

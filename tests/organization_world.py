"""Facts about an organization in which all is well, and ways to spoil one thing."""

from __future__ import annotations

import dataclasses
from datetime import UTC, datetime, timedelta
from typing import Any

from kozutumi_contract import keyring
from kozutumi_contract.secret import Secret
from kozutumi_operator.manifests import names, namespace, secret
from kozutumi_operator.organizations import certificates, spec
from kozutumi_operator.organizations.certificates import Usage
from kozutumi_operator.organizations.clocks import Clock, Clocks
from kozutumi_operator.organizations.facts import Facts, Health, Isolation, StorageState, tenant_status
from kozutumi_operator.organizations.materials import LEAVES
from kozutumi_operator.organizations.observed import Object
from operator_builders import body, live

DOWN = Health(ok=False, message="down")
NOW = datetime(2026, 11, 24, 12, 0, tzinfo=UTC)
LATER = NOW + timedelta(minutes=5)
ORGANIZATION = spec.parse(body())
CA = certificates.authority("ca", now=NOW)
PAIR = certificates.issue(CA, "x", usage=Usage.SERVER, now=NOW)
RING = keyring.generate(lambda count: b"k" * count, "2026-11-24T12:00:00Z")
REPORT: dict[str, Any] = {
    "version": "0.1.0",
    "service_code": "acme",
    "key_versions": [1],
    "active_key": 1,
    "administrator_accepted": True,
    "database": {"ok": True, "message": ""},
    "storage": {"ok": True, "message": ""},
    "mail": {"ok": True, "message": "", "queued": 0},
    "scanner": {"ok": True, "message": "", "signature_version": "7", "signature_age_seconds": 3600, "self_test": True},
    "usage": {"bytes": 1300, "files": 2, "users": 3},
    "audit": {"sequence": 9, "hash": "00"},
    "clock": "2026-11-24T12:00:00Z",
}
TENANT = tenant_status(REPORT)
ISOLATED = Isolation(probed_at="2026-11-24T11:59:00Z", allowed=5, denied=9)


def pair_secret(name: str) -> Object:
    held = {names.CERTIFICATE: Secret(PAIR.certificate), names.PRIVATE_KEY: PAIR.private_key}
    return secret.render(ORGANIZATION, name, held)


OBJECTS = [
    namespace.render(ORGANIZATION),
    secret.key_ring(ORGANIZATION, RING),
    *(pair_secret(name) for name in (names.APP_PUBLIC_TLS, *LEAVES)),
]
GOOD = Facts(
    organization=ORGANIZATION,
    observed=live(OBJECTS),
    storage=StorageState(ready=True, message="", region="ap-northeast-1", inventory=("Bucket/kozutumi-acme",)),
    clocks=Clocks(5, [Clock("object store", 0.2), Clock("app", -0.1), Clock("API server", None)]),
    tenant=TENANT,
    isolation=ISOLATED,
    url="https://acme.kozutumi.test:30443",
)


def tenant(**changes: Any) -> Facts:
    return dataclasses.replace(GOOD, tenant=dataclasses.replace(TENANT, **changes))


def without(*missing: str, **changes: Any) -> Facts:
    kept = live(each for each in OBJECTS if each["metadata"]["name"] not in missing)
    return dataclasses.replace(GOOD, observed=kept, **changes)


def available(facts: Facts, component: str) -> Facts:
    deployment: Object = {
        "apiVersion": "apps/v1",
        "kind": "Deployment",
        "metadata": {"name": component, "namespace": "kz-acme"},
    }
    objects = live([*OBJECTS, deployment])
    thing = objects.get("Deployment", component)
    assert thing is not None
    thing["status"] = {"availableReplicas": 1}
    return dataclasses.replace(facts, observed=objects)

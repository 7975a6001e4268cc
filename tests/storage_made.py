"""An organization's storage on a real store, made by the operator's own code."""

from __future__ import annotations

import itertools
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

import operator_builders as builders
from kozutumi_operator.organizations import spec
from kozutumi_operator.organizations.spec import Organization
from kozutumi_operator.organizations.storage_credential import StorageRecord
from kozutumi_operator.organizations.storage_rotation import Stage
from kozutumi_operator.reconcile.storage import Storage
from kozutumi_operator.reconcile.storage_names import Names, names_of
from store_fixtures import REGION, Gateway

_numbers = itertools.count(1)


@dataclass
class Made:
    """An organization of its own, with storage."""

    organization: Organization
    storage: Storage
    record: StorageRecord
    names: Names

    async def ensure(self, stage: Stage = Stage.KEEP) -> list[str]:
        """What was repaired."""
        repaired: list[str] = []
        ensured = await self.storage.ensure(self.organization, self.record, now=now(), stage=stage, repaired=repaired)
        self.record = ensured.record
        return repaired


def now() -> datetime:
    return datetime.now(UTC)


def described(**fields: Any) -> Organization:
    number = next(_numbers)
    body = builders.body(serviceCode=f"org-{number}", residency={"region": REGION}, **fields)
    body["metadata"] |= {"name": f"org-{number}", "uid": f"uid-{number}"}
    return spec.parse(body)


async def make(gateway: Gateway, **fields: Any) -> Made:
    organization, storage = described(**fields), gateway.storage()
    ensured = await storage.ensure(organization, None, now=now())
    return Made(organization, storage, ensured.record, names_of(organization.name, gateway.settings()))

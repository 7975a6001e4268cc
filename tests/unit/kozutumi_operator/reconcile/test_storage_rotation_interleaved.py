"""Replacing an access key under any interleaving of operator, kubelet, time and crashes: the app is never without one."""

from __future__ import annotations

import asyncio
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta

from hypothesis import given, settings
from hypothesis import strategies as st

import operator_builders as builders
from fake_store import FakeStore
from kozutumi_contract import access_key, labels
from kozutumi_operator.organizations import spec, storage_rotation
from kozutumi_operator.organizations.spec import Organization
from kozutumi_operator.organizations.storage_credential import StorageRecord
from kozutumi_operator.reconcile.effects import Effect, Effects
from kozutumi_operator.reconcile.storage import Storage
from organization_world import TENANT

USER = "kozutumi-acme"


class KilledError(BaseException):
    pass


@dataclass
class World:
    """`secret` is what the organization's Secret holds, `using` the key id that the app last read from it."""

    store: FakeStore = field(default_factory=FakeStore)
    secret: StorageRecord | None = None
    using: str = ""
    token: int = 0
    now: datetime = datetime(2026, 1, 1, tzinfo=UTC)

    @property
    def organization(self) -> Organization:
        body = builders.body()
        body["metadata"]["annotations"] = {labels.ROTATE_STORAGE: str(self.token)} if self.token else {}
        return spec.parse(body)

    def look(self, *, killed: bool = False) -> None:
        """One look of the operator; killed, it dies after its first change of an access key, before it records that."""

        def after(effect: Effect) -> None:
            if killed and "ACCESS_KEY" in effect.name:
                raise KilledError

        tenant = replace(TENANT, storage_credential=access_key.fingerprint(self.using))
        stage = storage_rotation.stage(self.organization, self.secret, tenant, self.now)
        storage = Storage(self.store, builders.settings(), Effects(after))
        try:
            ensured = asyncio.run(storage.ensure(self.organization, self.secret, now=self.now, stage=stage))
        except KilledError:
            return
        self.secret = ensured.record

    def read(self) -> None:
        """The kubelet brings the Secret as it is now, and the app reads it."""
        if self.secret is not None:
            self.using = self.secret.credential.access_key_id

    def active(self) -> tuple[str, ...]:
        return self.store.users[USER].access_key_ids


def step(world: World, what: str) -> None:
    match what:
        case "look":
            world.look()
        case "killed":
            world.look(killed=True)
        case "read":
            world.read()
        case "wait":
            world.now += timedelta(minutes=3)
        case "ask":
            world.token += 1
        case "stray":
            world.store.create_access_key(USER)


@settings(max_examples=25, deadline=None)
@given(steps=st.lists(st.sampled_from(["look", "killed", "read", "wait", "ask", "stray"]), max_size=14))
def test_the_key_in_use_works_at_every_moment_and_in_the_end_there_is_one(steps: list[str]) -> None:
    world = World()
    world.look()
    world.read()
    for what in steps:
        step(world, what)
        assert world.using in world.active(), what
        assert world.secret is not None
        assert world.secret.credential.access_key_id in world.active(), what
    for _ in range(4):
        world.look()
        world.read()
        world.now += timedelta(minutes=3)
    assert world.active() == (world.using,)
    assert world.secret is not None
    assert world.secret.retiring == ""
    assert world.secret.token == (str(world.token) if world.token else "")

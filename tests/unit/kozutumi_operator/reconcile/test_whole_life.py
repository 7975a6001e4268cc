"""An organization from its manifest to its end, with the operator killed after each of its side effects."""

from __future__ import annotations

import contextlib
import copy
from datetime import timedelta
from typing import Any

import pytest

import operator_builders as builders
from fake_cluster import FakeCluster
from kozutumi_contract import disposal_certificate, labels
from kozutumi_contract.disposal_certificate import Verified
from kozutumi_operator.cluster.kinds import ORGANIZATION, Object
from kozutumi_operator.errors import StorageRefused, StorageUnavailable
from kozutumi_operator.manifests.secret import entries
from kozutumi_operator.organizations.disposal_record import record_name
from kozutumi_operator.reconcile.effects import Effect
from kozutumi_operator.reconcile.next_look import NEXT_LOOK
from kozutumi_operator.reconcile.organization import Reconciler
from kozutumi_operator.storage.ports import Bucket
from operator_world import SIGNER, OperatorWorld, now, surviving

CODE, NAMESPACE = "acme", "kz-acme"
ENOUGH = 40
_MADE: list[OperatorWorld] = []
CREATING = {effect for effect in Effect if effect.startswith(("Add", "Apply", "Create", "Set", "Invite", "Write"))} - {
    Effect.CREATE_PROBE_POD,  # the walks are not run here
    Effect.SET_BUCKET_VERSIONING,  # only where it drifted
    Effect.ADD_KEY_VERSION,  # only where the key ring is rotated: test_rotation.py
    Effect.CREATE_SECOND_ACCESS_KEY,  # only where the access key is rotated
    # other types of endpoint: test_endpoints.py
    *(Effect.APPLY_INGRESS, Effect.APPLY_HTTP_ROUTE, Effect.APPLY_BACKEND_TLS_POLICY, Effect.APPLY_LISTENER_SET),
    Effect.APPLY_CERTIFICATE,
    # of controllers of their own
    *(effect for effect in Effect if "Grant" in effect or "Announcement" in effect or "Plan" in effect),
}
DISPOSING = [
    *(Effect.STOP_ENDPOINT, Effect.DRAIN, Effect.RECORD_INVENTORY, Effect.DESTROY_KEY_RING, Effect.NOTE_DESTROYED),
    *(Effect.STOP_PODS, Effect.EMPTY_CONTENT_BUCKET, Effect.REMOVE_CONTENT_BUCKET, Effect.REMOVE_ARCHIVE_BUCKET),
    *(Effect.REMOVE_ACCESS_KEY, Effect.REMOVE_STORAGE_USER_POLICY, Effect.REMOVE_STORAGE_USER),
    *(Effect.RECORD_DISPOSAL, Effect.REMOVE_FINALIZER),
]


def organization(world: OperatorWorld) -> Object:
    return world.cluster.objects["Organization", "", CODE]


def condition(world: OperatorWorld, kind: str) -> tuple[str, str]:
    found = next(each for each in organization(world)["status"]["conditions"] if each["type"] == kind)
    return found["status"], found["reason"]


async def settle(world: OperatorWorld, reconciler: Reconciler | None = None) -> None:
    """Look until nothing is changed any more."""
    reconciler = reconciler or world.process()
    for _ in range(ENOUGH):
        before = len(world.cluster.log) + len(world.store.calls)
        await reconciler.look(CODE)
        if len(world.cluster.log) + len(world.store.calls) == before:
            return
    raise AssertionError(world.cluster.log[-10:])


async def created() -> OperatorWorld:
    """A Ready organization; made once, for its keys take time."""
    if not _MADE:
        world = OperatorWorld()
        world.organize()
        await settle(world)
        _MADE.append(world)
    return copy.deepcopy(_MADE[0])


async def ask_to_delete(world: OperatorWorld) -> None:
    await world.cluster.delete(ORGANIZATION, CODE)


def names_of(cluster: FakeCluster) -> set[tuple[str, str, str]]:
    return {place for place in cluster.objects if place[0] not in {"Event", "Pod"}}


async def test_the_next_look_comes_with_the_next_walk_over_the_network() -> None:
    world = await created()
    parts = world.parts()
    reconciler = Reconciler(parts)
    assert await reconciler.look(CODE) == NEXT_LOOK
    parts.memories.of(CODE).isolation_due = now() + timedelta(seconds=600)
    assert await reconciler.look(CODE) == 600


async def test_from_a_manifest_to_ready() -> None:
    world = await created()
    assert condition(world, "Ready") == ("True", "AsSpecified")
    assert organization(world)["metadata"]["finalizers"] == [labels.FINALIZER]
    assert world.performed[0] is Effect.ADD_FINALIZER
    log = world.cluster.log
    last_policy = max(index for index, line in enumerate(log) if line.startswith("apply NetworkPolicy"))
    first_pod = min(index for index, line in enumerate(log) if line.startswith("apply Deployment"))
    assert last_policy < first_pod
    assert log.index("create Secret keyring") < log.index("apply Deployment app")


async def test_a_look_at_what_is_right_changes_nothing() -> None:
    world = await created()
    reconciler = world.process()
    await reconciler.look(CODE)  # invites: a new process does not know that it has
    world.performed.clear()
    await reconciler.look(CODE)
    assert world.performed == []


@pytest.mark.parametrize("effect", sorted(CREATING))
async def test_killed_after_a_side_effect_it_ends_the_same(effect: Effect) -> None:
    plain, world = await created(), OperatorWorld()
    world.organize()
    reconciler = world.process(crash_after=effect)
    for _ in range(ENOUGH):
        await surviving(lambda: reconciler.look(CODE))
        if effect in world.performed:
            break
    assert effect in world.performed
    await settle(world)
    assert condition(world, "Ready") == ("True", "AsSpecified")
    assert names_of(world.cluster) == names_of(plain.cluster)
    assert world.store.buckets.keys() == plain.store.buckets.keys()
    [user] = world.store.users.values()
    held = world.cluster.objects["Secret", NAMESPACE, "storage-credential"]
    assert len(user.access_key_ids) == 1
    assert user.access_key_ids[0].encode() == _decode(held, "access-key-id")
    assert world.cluster.log.count("create Secret keyring") == 1


@pytest.mark.parametrize("effect", [*DISPOSING, Effect.DELETE_NAMESPACE, Effect.WRITE_STATUS])
async def test_killed_while_disposing_it_leaves_nothing(effect: Effect) -> None:
    world = await created()
    world.store.objects["kozutumi-acme"] = {"file": None}
    key_ids = organization(world)["status"]["encryption"]["keyIds"]
    access_keys = list(world.store.users["kozutumi-acme"].access_key_ids)
    world.performed.clear()
    await ask_to_delete(world)
    reconciler = world.process(crash_after=effect)
    for _ in range(ENOUGH):
        await surviving(lambda: reconciler.look(CODE))
        if effect in world.performed:
            break
    assert effect in world.performed
    for _ in range(ENOUGH):
        await world.process().look(CODE)
    record = ("ConfigMap", labels.SYSTEM_NAMESPACE, record_name(CODE))
    assert names_of(world.cluster) == {record}
    assert (world.store.buckets, world.store.users, world.store.objects) == ({}, {}, {})
    order = [Effect.STOP_ENDPOINT, Effect.DRAIN, Effect.DESTROY_KEY_RING, Effect.STOP_PODS, Effect.EMPTY_CONTENT_BUCKET]
    order += [Effect.REMOVE_STORAGE_USER, Effect.DELETE_NAMESPACE, Effect.RECORD_DISPOSAL, Effect.REMOVE_FINALIZER]
    assert [world.performed.index(each) for each in order] == sorted(world.performed.index(each) for each in order)
    certificate = world.cluster.objects[record]["data"]["disposal.json"].encode()
    result = disposal_certificate.verify(certificate, SIGNER.public_key())
    assert isinstance(result, Verified)
    assert [each["what"] for each in result.document["destroyed"]] == [
        *("KeyRing", "Pods", "ContentObjects", "ContentBucket", "StorageUser", "Namespace", "ArchiveBucket")
    ]
    assert result.document["existed"]["keyRing"]["keyIds"] == key_ids
    assert result.document["existed"]["storageUser"]["accessKeyIds"] == access_keys


async def test_a_pod_that_lingers_after_the_drain_is_given_seconds_not_a_minute() -> None:
    world = await created()
    await ask_to_delete(world)
    lingering = {"name": "app-1", "uid": "pod", "deletionGracePeriodSeconds": 60}
    world.cluster.objects["Pod", NAMESPACE, "app-1"] = {"metadata": lingering, "status": {"phase": "Running"}}
    for _ in range(ENOUGH):
        await world.process().look(CODE)
    assert "delete Pod app-1" in world.cluster.log
    assert ("Organization", "", CODE) not in world.cluster.objects


async def test_a_dead_store_stalls_the_disposal_after_the_key_ring_is_gone() -> None:
    world = await created()
    await ask_to_delete(world)
    world.store.away = True
    reconciler = world.process()
    for _ in range(5):
        with pytest.raises(StorageUnavailable):
            await reconciler.look(CODE)
    assert ("Secret", NAMESPACE, "keyring") not in world.cluster.objects
    assert organization(world)["metadata"]["finalizers"] == [labels.FINALIZER]
    assert condition(world, "Stalled") == ("True", "StorageUnavailable")
    world.store.away = False
    for _ in range(ENOUGH):
        await reconciler.look(CODE)
    assert ("Organization", "", CODE) not in world.cluster.objects


async def test_a_lost_key_ring_is_told_and_never_made_again() -> None:
    world = await created()
    del world.cluster.objects["Secret", NAMESPACE, "keyring"]
    await settle(world)
    assert condition(world, "Stalled") == ("True", "KeyRingLost")
    assert ("Secret", NAMESPACE, "keyring") not in world.cluster.objects
    assert condition(world, "NamespaceReady") == ("True", "NamespaceApplied")
    del world.cluster.objects["NetworkPolicy", NAMESPACE, "default-deny"]
    await settle(world)
    assert ("NetworkPolicy", NAMESPACE, "default-deny") in world.cluster.objects


async def test_without_its_role_binding_no_secret_is_made_anew() -> None:
    world = await created()
    before = dict(world.cluster.objects)
    del world.cluster.objects["RoleBinding", NAMESPACE, "kozutumi-operator"]
    await settle(world)
    for name in ("session-key", "internal-ca", "keyring", "storage-credential"):
        assert world.cluster.objects["Secret", NAMESPACE, name]["data"] == before["Secret", NAMESPACE, name]["data"]


async def test_a_stranger_s_namespace_is_neither_taken_nor_taken_away() -> None:
    world = OperatorWorld()
    world.organize()
    stranger: dict[str, Any] = {"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": NAMESPACE, "uid": "s"}}
    world.cluster.objects["Namespace", "", NAMESPACE] = stranger
    await settle(world)
    assert condition(world, "Stalled") == ("True", "NamespaceConflict")
    await ask_to_delete(world)
    for _ in range(ENOUGH):
        await world.process().look(CODE)
    assert world.cluster.objects["Namespace", "", NAMESPACE] is stranger
    assert ("Organization", "", CODE) not in world.cluster.objects


async def test_a_stranger_s_bucket_stalls_and_survives_the_organization() -> None:
    world = OperatorWorld()
    world.organize()
    theirs = Bucket({}, versioning=False, object_lock=False, policy=None)
    world.store.buckets["kozutumi-acme"] = theirs
    await settle(world)
    assert condition(world, "Stalled") == ("True", "BucketConflict")
    await ask_to_delete(world)
    for _ in range(ENOUGH):
        await world.process().look(CODE)
    assert world.store.buckets["kozutumi-acme"] is theirs
    assert ("Organization", "", CODE) not in world.cluster.objects


@pytest.mark.parametrize("deleted", [False, True])
async def test_under_another_bucket_prefix_nothing_is_made_anew_and_nothing_is_taken_for_gone(*, deleted: bool) -> None:
    world = await created()
    world.platform = builders.settings(KOZUTUMI_BUCKET_PREFIX="other")
    if deleted:
        await ask_to_delete(world)
    buckets, objects = set(world.store.buckets), names_of(world.cluster)
    for _ in range(5):
        with contextlib.suppress(StorageRefused):
            await world.process().look(CODE)
    assert set(world.store.buckets) == buckets
    assert names_of(world.cluster) == objects
    assert condition(world, "Stalled") == ("True", "StorageRefused")
    assert "bucket/kozutumi-acme" in organization(world)["status"]["inventory"]


async def test_a_code_once_disposed_of_is_never_used_again() -> None:
    world = await created()
    await ask_to_delete(world)
    for _ in range(ENOUGH):
        await world.process().look(CODE)
    world.organize()
    organization(world)["metadata"]["uid"] = "another"
    await settle(world)
    assert condition(world, "Stalled") == ("True", "ServiceCodeRetired")
    assert ("Namespace", "", NAMESPACE) not in world.cluster.objects


async def test_a_store_that_is_away_is_told_and_come_back_is_used() -> None:
    world = OperatorWorld()
    world.organize()
    world.store.away = True
    reconciler = world.process()
    await settle(world, reconciler)
    assert condition(world, "StorageReady") == ("False", "StorageUnavailable")
    assert ("Deployment", NAMESPACE, "app") not in world.cluster.objects
    world.store.away = False
    await settle(world)
    assert condition(world, "Ready") == ("True", "AsSpecified")


def _decode(secret: Object, entry: str) -> bytes:
    return entries(secret)[entry]

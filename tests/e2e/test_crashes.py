"""The operator killed right after each of its side effects, and at random moments: it ends right, with nothing orphaned."""

from __future__ import annotations

import contextlib
import json
import random
import threading
from collections.abc import Iterator

import pytest

import admission_world
import storage_world
from disposal_world import STORE
from e2e_world import AOI, KAEDE, World, wait_until
from kozutumi_cluster.demo import organizations
from kozutumi_cluster.errors import ClusterError
from kozutumi_contract import labels
from kozutumi_operator.organizations import disposal_record
from kozutumi_operator.reconcile import effects

OPERATOR = "kozutumi-operator"
MARKERS = "/var/run/kozutumi/crashed"
LASTING = {AOI, KAEDE}
RANDOM_KILLS = 20
FLEET = 10

# What exists in the store, and a key nobody recorded.
LIST = (
    STORE
    + """
users = [user['UserName'] for user in iam.list_users()['Users']]
print(json.dumps({
    'buckets': [bucket['Name'] for bucket in s3.list_buckets()['Buckets']],
    'users': users,
    'keys': {user: len(iam.list_access_keys(UserName=user)['AccessKeyMetadata']) for user in users},
}))
"""
)
VERSIONED = (
    STORE
    + """
import sys
s3.put_bucket_versioning(Bucket=sys.argv[1], VersioningConfiguration={'Status': 'Enabled'})
"""
)
# SIGKILL for the working process; the one that started it starts the next, which has the same Lease and goes on at once.
KILL = """
import os, pathlib, signal
for process in pathlib.Path('/proc').glob('[0-9]*'):
    if b'--child' in (process / 'cmdline').read_bytes().split(bytes(1)):
        os.kill(int(process.name), signal.SIGKILL)
        print(process.name)
"""
EXTRA_KEY = STORE + "\nimport sys\nprint(iam.create_access_key(UserName=sys.argv[1])['AccessKey']['AccessKeyId'])\n"


def in_operator(world: World, program: str, *arguments: str) -> str:
    words = ("exec", "-n", labels.SYSTEM_NAMESPACE, f"deployment/{OPERATOR}", "--", "/opt/kozutumi/bin/python", "-c")
    return world.kubectl(*words, program, *arguments)


def stored(world: World) -> dict[str, dict[str, int] | list[str]]:
    found: dict[str, dict[str, int] | list[str]] = json.loads(in_operator(world, LIST))
    return found


def traces(world: World, code: str) -> list[str]:
    """Everything that still bears the code: namespace, volumes, buckets (a filled archive may stay), user."""
    found = [f"namespace {code}"] if world.kubectl.exists("namespace", labels.namespace(code)) else []
    volumes = world.kubectl.json("get", "pv")["items"]
    found += [f"volume of {code}" for pv in volumes if pv["spec"]["claimRef"]["namespace"] == labels.namespace(code)]
    store = stored(world)
    found += [f"bucket {name}" for name in store["buckets"] if name == labels.content_bucket("kozutumi", code)]
    return found + [f"user {name}" for name in store["users"] if name.endswith(code)]


def set_crashing(world: World, names: str | None) -> None:
    """`names` "": only started again at once when killed from outside, without the kubelet's back-off.

    One operator alone meanwhile: its successor has its identity, its marks and its Lease. Without the record of the
    fleet's release it begins by writing one.
    """
    replicas = 2 if names is None else 1
    world.kubectl("scale", "-n", labels.SYSTEM_NAMESPACE, f"deployment/{OPERATOR}", f"--replicas={replicas}")
    world.wait_rolled_out(labels.SYSTEM_NAMESPACE, OPERATOR)
    hooks = {} if names is None else {"KOZUTUMI_TEST_HOOKS": "1", "KOZUTUMI_CRASH_AFTER": names}
    removed = ["KOZUTUMI_TEST_HOOKS-", "KOZUTUMI_CRASH_AFTER-"]
    words = [f"{key}={value}" for key, value in hooks.items()] or removed
    world.kubectl("set", "env", "-n", labels.SYSTEM_NAMESPACE, f"deployment/{OPERATOR}", *words)
    world.wait_rolled_out(labels.SYSTEM_NAMESPACE, OPERATOR)
    pods = ("get", "pods", "-n", labels.SYSTEM_NAMESPACE, "-l", f"app.kubernetes.io/name={OPERATOR}")
    wait_until(
        "the operators before being gone", lambda: len(world.kubectl.json(*pods)["items"]) == replicas, seconds=60
    )
    if names:
        world.kubectl("delete", "configmap", "fleet-release", "-n", labels.SYSTEM_NAMESPACE, "--ignore-not-found")
        in_operator(world, KILL)


@pytest.fixture
def crashing(world: World) -> Iterator[None]:
    set_crashing(world, effects.CRASH_EACH)
    yield
    set_crashing(world, None)


@pytest.fixture
def killable(world: World) -> Iterator[None]:
    set_crashing(world, "")
    yield
    set_crashing(world, None)


def crashed(world: World) -> set[str]:
    listing = "import json, os, sys; print(json.dumps(os.listdir(sys.argv[1]) if os.path.isdir(sys.argv[1]) else []))"
    return set(json.loads(in_operator(world, listing, MARKERS)))


def disturb(world: World, code: str) -> None:
    """Drift of each kind, so that the effects which only repair come to happen too."""
    namespace = labels.namespace(code)
    with admission_world.past(world.kubectl, code):
        world.kubectl("label", "namespace", namespace, "stranger=here")
        policy = world.kubectl("get", "networkpolicies", "-n", namespace, "-o", "name").split()[0]
        world.patch(policy, "-n", namespace, patch={"spec": {"ingress": [{}], "policyTypes": ["Ingress"]}})
        extra = {
            "apiVersion": "networking.k8s.io/v1",
            "kind": "NetworkPolicy",
            "spec": {"podSelector": {}, "ingress": [{}]},
        }
        world.kubectl.apply({**extra, "metadata": {"name": "stranger", "namespace": namespace}})
    user = next(name for name in stored(world)["users"] if name.endswith(code))
    in_operator(world, EXTRA_KEY, user)
    in_operator(world, VERSIONED, labels.content_bucket("kozutumi", code))
    world.kubectl("annotate", "organization", code, "kozutumi.com/test-nudge=1", "--overwrite")


def move_endpoint(world: World, code: str) -> None:
    """To a gateway and back, then to an issuer's certificate and back."""
    gateway = {"ApplyHTTPRoute", "ApplyBackendTLSPolicy"}
    moves: list[tuple[dict[str, object], set[str]]] = [
        ({"type": "HTTPRoute"}, gateway),
        ({"type": "NodePort", "tls": {"issuerRef": {"name": "nobody"}}}, {"ApplyCertificate"}),
    ]
    for endpoint, applied in moves:
        world.patch("organization", code, patch={"spec": {"endpoint": endpoint}})
        wait_until(f"{endpoint}", lambda: applied <= crashed(world), seconds=120)  # noqa: B023 - called at once
    world.patch("organization", code, patch={"spec": {"endpoint": {"tls": None}}})


def grant_and_announce(world: World, code: str) -> None:
    """An access grant that is given and taken back, an announcement that is shown and taken back."""
    me = world.kubectl.json("auth", "whoami")["status"]["userInfo"]["username"]
    spec = {"requestedBy": me, "subject": me, "organization": code, "role": "Diagnose", "reason": "a test"}
    meta = {"apiVersion": "kozutumi.com/v1alpha1", "metadata": {"name": code}}
    world.kubectl.apply({**meta, "kind": "AccessGrant", "spec": {**spec, "ticket": "1", "duration": "1h"}})
    approval = json.dumps({"spec": {"approvedBy": "another"}})
    another = ("--as", "another", "--as-group", "system:masters")
    world.kubectl("patch", "accessgrant", code, "--type=merge", "-p", approval, *another)
    world.kubectl("wait", "--for=condition=Active", f"accessgrant/{code}", "--timeout=240s")
    world.kubectl("delete", "accessgrant", code, "--timeout=240s")
    words = {"title": "t", "body": "b"}
    told = {"type": "Change", "audience": {"codes": [code]}, "text": {"ja": words, "en": words}}
    world.kubectl.apply({**meta, "kind": "Announcement", "spec": told})
    world.kubectl("wait", "--for=condition=Delivered", f"announcement/{code}", "--timeout=240s")
    world.kubectl("delete", "announcement", code)
    wait_until("its end", lambda: effects.Effect.WITHDRAW_ANNOUNCEMENT.value in crashed(world), seconds=120)


def plan_and_unplan(world: World, code: str) -> None:
    """A plan that the organization goes by for a moment."""
    meta = {"apiVersion": "kozutumi.com/v1alpha1", "metadata": {"name": code}}
    world.kubectl.apply({**meta, "kind": "OrganizationPlan", "spec": {"defaults": {"quota": {"users": 7}}}})
    world.patch("organization", code, patch={"spec": {"planRef": {"name": code}}})
    told = effects.Effect.WRITE_PLAN_STATUS.value
    wait_until("the plan telling who goes by it", lambda: told in crashed(world), seconds=120)
    world.patch("organization", code, patch={"spec": {"planRef": None}})
    world.kubectl("delete", "organizationplan", code)


def rotate(world: World, code: str) -> None:
    """The key ring and the access key, both on request."""
    rotated = {"AddKeyVersion", "ActivateKeyVersion", "RetireKeyVersion", "RemoveKeyVersion"}
    rotated |= {effects.Effect.CREATE_SECOND_ACCESS_KEY.value, effects.Effect.RETIRE_ACCESS_KEY.value}
    asked = (f"{label}=1" for label in (labels.ROTATE, labels.ROTATE_STORAGE))
    world.kubectl("annotate", "organization", code, *asked)
    wait_until("both rotations", lambda: rotated <= crashed(world), seconds=600, interval=5)


def ask_consent(world: World, code: str) -> None:
    """A change that waits for the organization, and is told to its app."""
    world.administrator(code).close()
    world.patch("organization", code, patch={"spec": {"network": {"extraEgress": [{"cidr": "203.0.113.0/24"}]}}})
    wait_until("the app being told", lambda: effects.Effect.TELL_CHANGE.value in crashed(world), seconds=120)
    world.patch("organization", code, patch={"spec": {"network": None}})


def end_archive(world: World, code: str) -> None:
    """As if the year had passed for which the sealed heads of the departed stay locked."""
    storage_world.cause(world, code, ["archive's lock lifted"])
    record = ("configmap", disposal_record.record_name(code), "-n", labels.SYSTEM_NAMESPACE)
    world.kubectl("annotate", *record, f"{labels.ARCHIVE_UNTIL}=2026-01-01T00:00:00Z", "--overwrite")
    in_operator(world, KILL)  # the next one reads the records


@pytest.mark.slow
@pytest.mark.timeout(2100)
def test_killed_after_every_side_effect_by_name(world: World, crashing: None) -> None:
    del crashing
    code = world.fresh_code()
    world.create(code)
    organizations.wait_ready(world.kubectl, code, seconds=600)
    disturb(world, code)
    repaired = {effects.Effect.STRIP_FIELDS, effects.Effect.DELETE_EXTRA, effects.Effect.REMOVE_ACCESS_KEY}
    repaired.add(effects.Effect.SET_BUCKET_VERSIONING)
    wait_until("the repairs", lambda: {effect.value for effect in repaired} <= crashed(world), seconds=240)
    move_endpoint(world, code)
    organizations.wait_ready(world.kubectl, code, seconds=300)
    grant_and_announce(world, code)
    plan_and_unplan(world, code)
    rotate(world, code)
    ask_consent(world, code)
    world.dispose(code)
    end_archive(world, code)
    removed = {effects.Effect.EXPIRE_ARCHIVE, effects.Effect.MOVE_ARCHIVE_DATE, effects.Effect.REMOVE_ARCHIVE_BUCKET}
    wait_until("the archive going", lambda: {effect.value for effect in removed} <= crashed(world), seconds=240)
    wait_until("the volume going", lambda: traces(world, code) == [], seconds=120, interval=3)
    # What the development cluster does not offer: tests/unit/kozutumi_operator/reconcile/test_endpoints.py
    elsewhere = {effects.Effect.APPLY_INGRESS.value, effects.Effect.APPLY_LISTENER_SET.value}
    missing = set(effects.NAMES) - crashed(world) - elsewhere
    print(f"killed once after each of {len(crashed(world))} effects")
    assert missing == set()


def kill_now_and_then(world: World, done: threading.Event, killed: list[int]) -> None:
    moments = random.Random(20261124)  # noqa: S311 - a repeatable choice of moments, not a secret
    while len(killed) < RANDOM_KILLS and not done.wait(moments.uniform(1, 8)):
        with contextlib.suppress(ClusterError):  # killed before it was up again
            killed.extend(int(process) for process in in_operator(world, KILL).split())


@pytest.mark.slow
@pytest.mark.timeout(1500)
def test_killed_at_random_moments_while_ten_come_and_go(world: World, killable: None) -> None:
    del killable
    codes = [world.fresh_code() for _ in range(FLEET)]
    done, killed = threading.Event(), list[int]()
    killer = threading.Thread(target=kill_now_and_then, args=(world, done, killed), daemon=True)
    killer.start()
    for code in codes:
        world.create(code)
    for code in codes[: FLEET // 2]:
        organizations.wait_ready(world.kubectl, code, seconds=600)
    for code in codes:
        world.confirm_deletion(code)
        world.kubectl("delete", "organization", code, "--wait=false")
    killer.join(timeout=300)
    done.set()
    for code in codes:
        world.kubectl("wait", "--for=delete", f"organization/{code}", "--timeout=600s", timeout=630)
    print(f"operator killed {len(killed)} times")
    assert len(killed) == RANDOM_KILLS
    wait_until(
        "every trace going",
        lambda: not [trace for code in codes for trace in traces(world, code)],
        seconds=180,
        interval=5,
    )
    keys = stored(world)["keys"]
    assert isinstance(keys, dict)
    assert {user: count for user, count in keys.items() if count > 1} == {}
    for code in LASTING:
        organizations.wait_ready(world.kubectl, code)

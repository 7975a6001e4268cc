"""A thief's view of an organization: copies taken while it lived, and every way to open them with what is still there."""

from __future__ import annotations

import base64
import binascii
import json
import shutil
import sqlite3
from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import closing
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any

from e2e_world import World
from kozutumi_app.crypto import wrapping
from kozutumi_app.crypto.columns import Columns
from kozutumi_app.crypto.encoding import CryptoError
from kozutumi_contract import keyring, labels
from kozutumi_contract.keyring import KeyRing, KeyVersion
from kozutumi_contract.secret import Secret

# Both run in the operator's pod with the store's root credential.
STORE = """
import base64, json, os, sys, boto3
read = lambda name: open('/etc/kozutumi/s3/' + name).read().strip()
keys = dict(aws_access_key_id=read('access-key-id'), aws_secret_access_key=read('secret-access-key'),
            verify='/etc/kozutumi/platform-ca/ca.crt')
s3 = boto3.client('s3', endpoint_url=os.environ['KOZUTUMI_S3_ENDPOINT'], region_name=os.environ['KOZUTUMI_S3_REGION'], **keys)
iam = boto3.client('iam', endpoint_url=os.environ['KOZUTUMI_IAM_ENDPOINT'], region_name='us-east-1', **keys)
"""
DUMP = (
    STORE
    + """
for bucket in sys.argv[1:]:
    for page in s3.get_paginator('list_objects_v2').paginate(Bucket=bucket):
        for each in page.get('Contents', ()):
            body = s3.get_object(Bucket=bucket, Key=each['Key'])['Body'].read()
            print(json.dumps([bucket, each['Key'], base64.b64encode(body).decode()]))
"""
)


LISTING = (
    STORE
    + """
print(json.dumps([bucket['Name'] for bucket in s3.list_buckets()['Buckets']]))
print(json.dumps([user['UserName'] for user in iam.list_users()['Users']]))
"""
)


@dataclass(frozen=True)
class Copy:
    """Both buckets by (bucket, key), and the folder of the volume, database included."""

    code: str
    objects: Mapping[tuple[str, str], bytes]
    volume: Path

    @property
    def wrapped_keys(self) -> list[tuple[str, bytes]]:
        found = [(key.removesuffix("/key"), body) for (_, key), body in self.objects.items() if key.endswith("/key")]
        return sorted(found)

    def everything(self) -> Iterator[bytes]:
        yield from self.objects.values()
        yield from (path.read_bytes() for path in self.volume.rglob("*") if path.is_file())


def volume_of(world: World, code: str) -> tuple[str, Path]:
    """(PersistentVolume, its folder on the node, which is a folder of this machine)."""
    [found] = [
        pv
        for pv in world.kubectl.json("get", "pv")["items"]
        if pv["spec"]["claimRef"]["namespace"] == labels.namespace(code)
    ]
    return found["metadata"]["name"], Path(found["spec"]["hostPath"]["path"])


def take_copy(world: World, code: str, folder: Path) -> Copy:
    buckets = (labels.content_bucket("kozutumi", code), labels.archive_bucket("kozutumi", code))
    dumped = _in_operator(world, DUMP, *buckets)
    objects = {
        (bucket, key): base64.b64decode(body) for bucket, key, body in map(json.loads, dumped.strip().splitlines())
    }
    _, source = volume_of(world, code)
    shutil.copytree(source, folder / "volume")
    return Copy(code, objects, folder / "volume")


def stored(world: World) -> tuple[list[str], list[str]]:
    """(buckets, IAM users) in the object store."""
    buckets, users = _in_operator(world, LISTING).strip().splitlines()
    return json.loads(buckets), json.loads(users)


def _in_operator(world: World, program: str, *arguments: str) -> str:
    words = ("exec", "-n", labels.SYSTEM_NAMESPACE, "deployment/kozutumi-operator", "--")
    return world.kubectl(*words, "/opt/kozutumi/bin/python", "-c", program, *arguments)


def secrets_left(world: World) -> list[bytes]:
    """Every value of every Secret and ConfigMap in the cluster."""
    found: list[bytes] = []
    for secret in world.kubectl.json("get", "secrets", "-A")["items"]:
        found += [base64.b64decode(value) for value in (secret.get("data") or {}).values()]
    for config in world.kubectl.json("get", "configmaps", "-A")["items"]:
        found += [value.encode() for value in (config.get("data") or {}).values()]
    return found


def candidates(values: Iterable[bytes]) -> set[bytes]:
    """Everything of 32 bytes that lies in these values: raw, as base64 or hex, or deep inside JSON."""
    found: set[bytes] = set()
    for value in values:
        for text in (value, *(leaf.encode() for leaf in _leaves(value))):
            forms = (text, _decoded(text), _unhexed(text), text[:32], text[-32:])
            found.update(form for form in forms if len(form) == keyring.KEY_BYTES)
    return found


def opened(copy: Copy, keys: Iterable[bytes]) -> list[str]:
    """What any one of the keys opens: wrapped file keys, addresses of people, the personal part of audit events."""
    done: list[str] = []
    rows = _sealed_rows(copy)
    for key in keys:
        for file_id, wrapped in copy.wrapped_keys:
            ring = _ring(key, wrapping.version(wrapped))
            if _opens(partial(wrapping.unwrap, ring, copy.code, file_id, wrapped)):
                done.append(f"file {file_id}")
        for row_id, sealed in rows["users"]:
            columns = Columns(_ring(key, int.from_bytes(sealed[1:5], "big")))
            if _opens(partial(columns.open, "users", "email_sealed", row_id, sealed)):
                done.append(f"user {row_id}")
        for sequence, sealed in rows["audit"]:
            if _opens(partial(Columns(_ring(key, 1)).open_audit, sequence, sealed)):
                done.append(f"audit event {sequence}")
    return sorted(done)


def _opens(attempt: Callable[[], object]) -> bool:
    try:
        attempt()
    except CryptoError:
        return False
    return True


def _ring(key: bytes, version: int) -> KeyRing:
    held = Secret(key)
    return KeyRing(version, held, held, {version: KeyVersion(version, held, "2026-01-01T00:00:00Z")})


def _sealed_rows(copy: Copy) -> dict[str, list[tuple[str, bytes]]]:
    [database] = copy.volume.rglob("kozutumi.db")
    with closing(sqlite3.connect(database)) as connection:
        users = connection.execute("SELECT id, email_sealed FROM users").fetchall()
        events = connection.execute("SELECT sequence, sealed FROM audit_events ORDER BY sequence LIMIT 5").fetchall()
    return {"users": users, "audit": [(str(sequence), sealed) for sequence, sealed in events]}


def _leaves(value: bytes) -> Iterator[str]:
    try:
        waiting: list[Any] = [json.loads(value)]
    except (UnicodeDecodeError, json.JSONDecodeError):
        return
    while waiting:
        each = waiting.pop()
        if isinstance(each, str):
            yield each
        elif isinstance(each, dict):
            waiting.extend(each.values())
        elif isinstance(each, list):
            waiting.extend(each)


def _decoded(text: bytes) -> bytes:
    try:
        return base64.b64decode(text, validate=True)
    except (binascii.Error, ValueError):
        return b""


def _unhexed(text: bytes) -> bytes:
    try:
        return bytes.fromhex(text.decode("ascii"))
    except ValueError:
        return b""

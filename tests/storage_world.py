"""The cluster's object store as its root sees it, from within the operator's pod."""

from __future__ import annotations

import inspect
import json
from typing import Any, Final

import storage_drifts
from e2e_world import World
from kozutumi_contract import labels
from kozutumi_operator.reconcile.storage_names import Names

CLIENTS: Final = """
import datetime, json, os, sys
import boto3
read = lambda name: open('/etc/kozutumi/s3/' + name).read().strip()
keys = dict(aws_access_key_id=read('access-key-id'), aws_secret_access_key=read('secret-access-key'),
            verify='/etc/kozutumi/platform-ca/ca.crt')
s3 = boto3.client('s3', endpoint_url=os.environ['KOZUTUMI_S3_ENDPOINT'], region_name=os.environ['KOZUTUMI_S3_REGION'], **keys)
iam = boto3.client('iam', endpoint_url=os.environ['KOZUTUMI_IAM_ENDPOINT'], region_name='us-east-1', **keys)
"""
_LOCKED: Final = """
until = datetime.datetime.now(datetime.timezone.utc) + datetime.timedelta(seconds=int(sys.argv[2]))
s3.put_object(Bucket=sys.argv[1], Key='sealed head', Body=b'sealed', ObjectLockMode='COMPLIANCE', ObjectLockRetainUntilDate=until)
"""
_BUCKETS: Final = "print(json.dumps([bucket['Name'] for bucket in s3.list_buckets()['Buckets']]))\n"
_KEYS: Final = "print(json.dumps([key['AccessKeyId'] for key in iam.list_access_keys(UserName=sys.argv[1])['AccessKeyMetadata']]))\n"


def names_of(code: str) -> Names:
    content = labels.content_bucket("kozutumi", code)
    return Names(content, labels.archive_bucket("kozutumi", code), user=content)


def run(world: World, program: str, *arguments: str) -> str:
    words = ("exec", "-n", labels.SYSTEM_NAMESPACE, world.leader(), "--", "/opt/kozutumi/bin/python", "-c")
    return world.kubectl(*words, CLIENTS + program, *arguments)


def cause(world: World, code: str, titles: list[str]) -> None:
    """Drifts of storage_drifts.DRIFTS, by title."""
    source = inspect.getsource(storage_drifts).replace("from __future__ import annotations", "")
    names = names_of(code)
    calls = f"\nfor title in {titles!r}:\n    DRIFTS[title](s3, iam, Names({names.content!r}, {names.archive!r}, {names.user!r}))\n"
    run(world, source + calls)


def put_locked(world: World, code: str, seconds: int) -> None:
    """One object in the archive whose lock ends in so many seconds."""
    run(world, _LOCKED, names_of(code).archive, str(seconds))


def buckets(world: World) -> list[str]:
    found: list[str] = json.loads(run(world, _BUCKETS))
    return found


def access_keys(world: World, code: str) -> list[str]:
    found: list[str] = json.loads(run(world, _KEYS, names_of(code).user))
    return found


def told(world: World, code: str, reason: str) -> list[str]:
    """Notes of the Events about an organization."""
    listed: list[dict[str, Any]] = world.kubectl.json("get", "events.events.k8s.io", "-n", "default")["items"]
    return [each["note"] for each in listed if each["regarding"]["name"] == code and each["reason"] == reason]

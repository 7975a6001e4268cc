"""The audit log's heads, sealed in a bucket where nobody can take them back, and checked with nothing but what was kept."""

from __future__ import annotations

import json
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

import storage_world
from e2e_world import KAEDE, World, wait_until
from kozutumi_cluster.demo.public import Public

SEALED = """
lock = s3.get_object_lock_configuration(Bucket=sys.argv[1])['ObjectLockConfiguration']['Rule']['DefaultRetention']
found = []
for version in s3.list_object_versions(Bucket=sys.argv[1], Prefix='audit/').get('Versions', []):
    at = dict(Bucket=sys.argv[1], Key=version['Key'], VersionId=version['VersionId'])
    found.append({'at': at, 'lock': lock, 'body': s3.get_object(**at)['Body'].read().decode()})
print(json.dumps(found))
"""
# As the store's root, with every right there is.
TAKE_BACK = """
from botocore.exceptions import ClientError
at = json.loads(sys.argv[1])
ways = {
    'delete': lambda: s3.delete_object(**at),
    'delete past governance': lambda: s3.delete_object(**at, BypassGovernanceRetention=True),
    'drop the bucket': lambda: s3.delete_bucket(Bucket=at['Bucket']),
}
answers = {}
for name, way in ways.items():
    try:
        way()
        answers[name] = 'done'
    except ClientError as error:
        answers[name] = error.response['Error']['Code']
s3.put_object(Bucket=at['Bucket'], Key=at['Key'], Body=b'another')
s3.delete_object(Bucket=at['Bucket'], Key=at['Key'])
print(json.dumps(answers))
"""


@pytest.fixture(scope="module")
def administrator(world: World) -> Iterator[Public]:
    with world.administrator(KAEDE) as session:
        yield session


@pytest.fixture(scope="module")
def seals(world: World, administrator: Public) -> list[dict[str, Any]]:
    """What lies in the locked bucket once evidence was taken: that seals the head at once."""
    asked = {"since": "2020-01-01T00:00:00Z", "until": "2100-01-01T00:00:00Z", "reason": "an end-to-end test"}
    taken = administrator.request("POST", "/api/v1/audit/evidence", json=asked)
    assert taken.status_code == 200, taken.text
    assert taken.content.startswith(b"PK")

    def head_is_sealed() -> bool:
        shown = administrator.json("GET", "/api/v1/audit/verification")
        assert shown["intact"]
        return bool(shown["sealed"])

    wait_until("the head being sealed", head_is_sealed, seconds=60)
    found = json.loads(storage_world.run(world, SEALED, storage_world.names_of(KAEDE).archive))
    oldest = {
        each["at"]["Key"]: each for each in found
    }  # versions are listed newest first; the first one written counts
    assert oldest
    return list(oldest.values())


def verify(*words: str | Path) -> subprocess.CompletedProcess[str]:
    """The command that a customer has, on what they kept."""
    program = [Path(sys.executable).with_name("kozutumi"), "audit", "verify", *words]
    return subprocess.run(program, capture_output=True, text=True, check=False, timeout=300)  # noqa: S603 - our words


def test_a_sealed_head_is_not_deleted_or_written_over_even_by_the_store_s_root(
    world: World, seals: list[dict[str, Any]]
) -> None:
    newest = seals[-1]
    assert newest["lock"] == {"Mode": "COMPLIANCE", "Days": 365}
    answers = json.loads(storage_world.run(world, TAKE_BACK, json.dumps(newest["at"])))
    print(answers)
    assert set(answers.values()) == {"AccessDenied", "BucketNotEmpty"}
    still = json.loads(storage_world.run(world, SEALED, storage_world.names_of(KAEDE).archive))
    assert newest["at"] in [each["at"] for each in still], "written over and deleted, the sealed version stays"


def test_the_log_holds_against_the_seals_and_an_edit_does_not(
    administrator: Public, seals: list[dict[str, Any]], tmp_path: Path
) -> None:
    log, key, folder = tmp_path / "audit.jsonl", tmp_path / "key.pem", tmp_path / "audit"
    log.write_bytes(administrator.request("GET", "/api/v1/audit/export").content)
    key.write_bytes(administrator.request("GET", "/api/v1/audit/key").content)
    folder.mkdir()
    for number, seal in enumerate(seals):
        (folder / f"{number}.json").write_text(seal["body"])
    whole = verify(log, "--seals", folder, "--key", key)
    assert whole.returncode == 0, whole.stdout + whole.stderr
    lines = log.read_bytes().splitlines(keepends=True)
    log.write_bytes(b"".join(lines[:3] + lines[4:]))
    cut = verify(log, "--seals", folder, "--key", key)
    assert cut.returncode == 3, cut.stdout + cut.stderr

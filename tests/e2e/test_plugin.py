"""`kubectl kozutumi`, started by kubectl itself, with an SRE's rights and no more."""

from __future__ import annotations

import base64
import json
import os
import subprocess
import sys
import tarfile
from collections.abc import Iterator
from pathlib import Path

import pytest

from e2e_world import AOI, KAEDE, World
from kozutumi_cluster.demo import organizations

SRE, COLLEAGUE = "hanako@provider.example", "taro@provider.example"
ROLE = "kozutumi-sre"


@pytest.fixture(scope="module", autouse=True)
def rights(world: World) -> Iterator[None]:
    """Two people of the provider, bound to the day-to-day role."""
    name = "test-plugin-sre"
    subjects = [f"--user={SRE}", f"--user={COLLEAGUE}"]
    words = ("create", "clusterrolebinding", name, f"--clusterrole={ROLE}", *subjects)
    world.kubectl("delete", "clusterrolebinding", name, "--ignore-not-found")
    world.kubectl(*words)
    yield
    world.kubectl("delete", "clusterrolebinding", name)


def plugin(world: World, *words: str, user: str = SRE) -> subprocess.CompletedProcess[str]:
    """As people run it: kubectl finds `kubectl-kozutumi` on PATH, which finds kubectl there."""
    path = os.pathsep.join([str(world.kubectl.binary.parent), str(Path(sys.executable).parent), os.environ["PATH"]])
    environment = {**os.environ, "PATH": path, "KUBECONFIG": str(world.kubectl.kubeconfig), "COLUMNS": "240"}
    program = [str(world.kubectl.binary), "kozutumi", *([f"--as={user}"] if user else []), *words]
    return subprocess.run(  # noqa: S603 - our own plug-in under the cluster's own kubectl
        program, env=environment, capture_output=True, text=True, check=False, timeout=120
    )


def shown(world: World, *words: str, user: str = SRE) -> str:
    done = plugin(world, *words, user=user)
    assert done.returncode == 0, done.stderr
    return done.stdout


def test_an_sre_sees_how_the_organizations_are(world: World) -> None:
    organizations.wait_ready(world.kubectl, AOI)
    assert f"{AOI} " in shown(world, "status")
    one = shown(world, "status", AOI)
    assert "NetworkIsolated" in one
    assert f"kz-{AOI}" in one
    tree = shown(world, "tree", AOI)
    assert "Deployment app  1/1 ready" in tree
    assert f"bucket kozutumi-{AOI}" in tree
    assert "Pod app-" in tree
    assert shown(world, "events", AOI)


def test_the_evidence_of_every_organization_is_one_document(world: World) -> None:
    rows = json.loads(shown(world, "report", "--format", "json"))["organizations"]
    aoi = next(each for each in rows if each["organization"] == AOI)
    assert aoi["networkIsolated"] == "True"
    assert aoi["region"] == "jp-dev-1"
    assert int(aoi["keyVersion"]) >= 1
    assert aoi["signatureVersion"]


def test_diff_of_a_quiet_organization_finds_nothing(world: World) -> None:
    organizations.wait_ready(world.kubectl, KAEDE)
    assert f"{KAEDE} is as its manifest says" in shown(world, "diff", KAEDE)


def test_an_sre_orders_nothing_and_is_told_so_in_one_line(world: World) -> None:
    for words in (("rotate", AOI), ("suspend", AOI, "--yes")):
        done = plugin(world, *words)
        assert done.returncode == 1
        assert done.stderr.startswith("error: you may not patch here")
        assert len(done.stderr.strip().splitlines()) == 1
    assert "not found" in plugin(world, "status", "nobody-here").stderr


def test_a_grant_takes_two_people_and_is_revoked(world: World) -> None:
    words = ("grant", "request", AOI, "--reason", "A test of the plug-in", "--ticket", "INC-1", "--duration", "10m")
    name = shown(world, *words).split()[3].rstrip(".")
    try:
        assert "somebody else must approve" in plugin(world, "grant", "approve", name, "--yes").stderr
        assert f"approved by {COLLEAGUE}" in shown(world, "grant", "approve", name, "--yes", user=COLLEAGUE)
        assert name in shown(world, "grant", "list")
    finally:
        assert "revoked" in shown(world, "grant", "revoke", name)
    assert not world.kubectl.exists("accessgrant", name)


def test_a_support_bundle_holds_nothing_secret(world: World, tmp_path: Path) -> None:
    """With cluster-admin's rights, so that it could read everything: the real secrets of the cluster are the decoys."""
    path = tmp_path / "bundle.tar.gz"
    done = plugin(world, "support-bundle", AOI, "--output", str(path), user="")
    assert done.returncode == 0, done.stderr
    with tarfile.open(path) as archive:
        files = {member.name: archive.extractfile(member) for member in archive.getmembers()}
        content = b"\n".join(each.read() for each in files.values() if each is not None)
    assert f"kz-{AOI}".encode() in content
    assert b"@" + AOI.encode() not in content
    for secret in secrets_of(world):
        assert secret not in content
        assert base64.b64encode(secret) not in content


def secrets_of(world: World) -> Iterator[bytes]:
    """Every value of every Secret; public certificates are in the open anyway."""
    for namespace in ("kozutumi-system", f"kz-{AOI}"):
        for each in world.kubectl.json("get", "secrets", "-n", namespace)["items"]:
            for name, value in (each.get("data") or {}).items():
                if not name.endswith(".crt"):
                    yield base64.b64decode(value)

"""A running cluster with two Ready organizations and their people. Everything is reused when it is already there."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from e2e_world import AOI, KAEDE, World, world_of
from kozutumi_cluster.demo import organizations
from kozutumi_contract import labels

AT_ONCE = 3  # organizations made side by side: each starts six processes that load a virus scanner, on two cores


@pytest.fixture(scope="session")
def world() -> Iterator[World]:
    world = world_of()
    yield world
    world.inbox.close()


@pytest.fixture(scope="session", autouse=True)
def both_organizations(world: World) -> None:
    for manifest in (organizations.AOI, organizations.KAEDE):
        world.kubectl.apply(manifest)
    for manifest in (organizations.AOI, organizations.KAEDE):
        code = manifest["metadata"]["name"]
        organizations.wait_ready(world.kubectl, code, seconds=500)
        world.administrator(code).close()  # now: a fault test stops the inbox, whose mails rest in memory


@pytest.fixture
def spare(world: World) -> Iterator[str]:
    """The code of an organization of this test's own, gone (through its disposal) when the test ends."""
    code = world.fresh_code()
    yield code
    world.dispose(code)


@pytest.fixture
def scratch(tmp_path: Path) -> Path:
    return tmp_path


@pytest.fixture(scope="session")
def twenty(world: World) -> Iterator[list[str]]:
    """Twenty organizations in all, each Ready; one of the new ones is the canary. For the slow runs."""
    made = [world.fresh_code() for _ in range(18)]
    for start in range(0, len(made), AT_ONCE):
        batch = made[start : start + AT_ONCE]
        for code in batch:
            world.create(code)
        for code in batch:
            organizations.wait_ready(world.kubectl, code, seconds=600)
    world.kubectl("label", "organization", made[0], f"{labels.CANARY}=true")
    yield sorted([AOI, KAEDE, *made])
    for code in made:
        world.confirm_deletion(code)
        world.kubectl("delete", "organization", code, "--wait=false")
    for code in made:
        world.kubectl("wait", "--for=delete", f"organization/{code}", "--timeout=600s", timeout=630)

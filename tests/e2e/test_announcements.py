"""An announcement from kubectl to the page that a person sees, and back."""

from __future__ import annotations

import secrets
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from e2e_world import AOI, KAEDE, World, wait_until
from kozutumi_cluster.demo.public import Public


@pytest.fixture
def name(world: World) -> Iterator[str]:
    announcement = f"t-{secrets.token_hex(4)}"
    yield announcement
    world.kubectl("delete", "announcement", announcement, "--ignore-not-found")


def announce(world: World, name: str, title: str, **spec: Any) -> None:
    words = {"title": title, "body": "No file is lost."}
    manifest = {
        "apiVersion": "kozutumi.com/v1alpha1",
        "kind": "Announcement",
        "metadata": {"name": name},
        "spec": {"type": "Maintenance", "audience": {"codes": [AOI]}, "text": {"ja": words, "en": words}, **spec},
    }
    world.kubectl.apply(manifest)


def delivered(world: World, name: str, count: int) -> bool:
    status = world.kubectl.json("get", "announcement", name).get("status", {})
    return (status.get("delivered"), status.get("concerned")) == (count, count)


def shows(person: Public, title: str) -> bool:
    return title in person.request("GET", "/about").text


def test_it_is_seen_by_whom_it_concerns_until_its_time_is_over(world: World, name: str) -> None:
    with world.endpoint(AOI).open() as aoi, world.endpoint(KAEDE).open() as kaede:
        announce(world, name, "Moving the database")
        wait_until("the announcement reaching aoi-law", lambda: delivered(world, name, 1), seconds=60)
        assert shows(aoi, "Moving the database")
        assert not shows(kaede, "Moving the database")
        announce(world, name, "Moved to Sunday", audience={"codes": [AOI, KAEDE]})
        wait_until("the edited one reaching both", lambda: delivered(world, name, 2), seconds=60)
        for person in (aoi, kaede):
            wait_until("the new words", lambda p=person: shows(p, "Moved to Sunday"), seconds=30)  # type: ignore[misc]  # bound now
            assert not shows(person, "Moving the database")
        soon = (datetime.now(UTC) + timedelta(seconds=4)).isoformat(timespec="seconds")
        announce(world, name, "Moved to Sunday", audience={"codes": [AOI]}, schedule={"until": soon})
        wait_until(
            "its end", lambda: not shows(aoi, "Moved to Sunday") and not shows(kaede, "Moved to Sunday"), seconds=60
        )
        wait_until("its end being told", lambda: phase(world, name) == "Over", seconds=30)


def phase(world: World, name: str) -> str:
    return str(world.kubectl.json("get", "announcement", name)["status"]["phase"])

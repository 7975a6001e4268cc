"""The main job at size: 300 MiB, cut lines, a memory limit, and nothing readable left anywhere."""

from __future__ import annotations

import base64
import contextlib
import hashlib
import json
import os
import threading
import unicodedata
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest

import e2e_measure as measure
from e2e_world import AOI, World
from kozutumi_cluster.demo import people, transfers
from kozutumi_cluster.demo.public import Public
from kozutumi_cluster.demo.transfers import Outgoing
from kozutumi_contract import labels

MEBIBYTE = 2**20
SIZE = 300 * MEBIBYTE
NAME = "株式会社ガーデン様_見積書.bin"
RECIPIENT = "goto.sakura@partner.example"
MEMORY_LIMIT = 200 * MEBIBYTE
ZIP = b"PK\x03\x04"


@dataclass
class Journey:
    """What one observed transfer left behind."""

    sent: str
    received: str
    name: str
    peak: int
    samples: int
    offsets: list[int]
    marker: bytes
    captures: dict[str, Path]


def write_source(path: Path, marker: bytes) -> str:
    """A file of SIZE bytes: the marker at its start, in its middle and at its end, unpredictable bytes between.

    Such bytes seem to hold the beginning of an archive once in fourteen times; these always do.
    """
    digest = hashlib.sha256()
    with path.open("wb") as file:
        for index in range(SIZE // MEBIBYTE):
            block = os.urandom(MEBIBYTE)
            if index in {0, 150, 299}:
                block = block[: -len(marker)] + marker
            elif index == 1:
                block = ZIP + block[len(ZIP) :]
            file.write(block)
            digest.update(block)
    return digest.hexdigest()


def sign_ins(world: World, stop: threading.Event) -> None:
    """argon2id at work beside the transfer, by four people at once; who is told to wait comes again."""
    email = f"member@{AOI}.example"
    while not stop.is_set():
        with contextlib.suppress(RuntimeError):
            people.signed_in(world.endpoint(AOI), email, world.passwords.known[email]).close()
        stop.wait(2)


@pytest.fixture(scope="module")
def journey(world: World, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Journey]:
    folder = tmp_path_factory.mktemp("journey")
    marker = base64.b64encode(os.urandom(768))
    source = folder / "source"
    sent = write_source(source, marker)
    app, scanner = world.pod(AOI, "app"), world.pod(AOI, "scanner")
    store = world.kubectl.json("get", "pods", "-n", labels.STORAGE_NAMESPACE)["items"][0]
    mirror = world.kubectl.json(
        "get", "pods", "-n", labels.SYSTEM_NAMESPACE, "-l", f"{labels.COMPONENT}=signature-mirror"
    )["items"][0]
    links = [measure.host_link(world.layout, pod["status"]["podIP"]) for pod in (app, scanner, store, mirror)]
    stop = threading.Event()
    with world.member(AOI) as member:
        crowd = [threading.Thread(target=sign_ins, args=(world, stop), daemon=True) for _ in range(4)]
        with measure.MemorySampler(measure.container_cgroup(app, "app")) as memory:
            with measure.capture(world.layout, links, folder) as captures:
                for thread in crowd:
                    thread.start()
                result = travel(world, member, source)
            stop.set()
            for thread in crowd:
                thread.join()
    source.unlink()
    yield Journey(sent, *result[:2], memory.peak, memory.samples, result[2], marker, captures)
    for path in captures.values():
        path.unlink(missing_ok=True)


def travel(world: World, member: Public, source: Path) -> tuple[str, str, list[int]]:
    """Send with two cuts, receive with one; the digest received, the name received, the offsets kept at the cuts."""
    before = len([message for message in world.inbox.messages(RECIPIENT) if "/r/" in message.text])
    offsets: list[int] = []
    outgoing = Outgoing(source, NAME, cuts=(101 * MEBIBYTE + 17, 203 * MEBIBYTE + 5))
    transfer = transfers.send(member, RECIPIENT, [outgoing], report=offsets.append)
    transfers.wait_state(member, transfer, "Delivered", seconds=300)
    with transfers.receive(world.endpoint(AOI), world.inbox, RECIPIENT, after=before) as recipient:
        file = recipient.files()[0]
        return recipient.download(file["id"], cut_after=77 * MEBIBYTE), file["name"], offsets


def test_300_mib_arrive_unchanged_over_cut_lines(journey: Journey) -> None:
    assert journey.received == journey.sent
    assert journey.name == NAME
    assert 0 < journey.offsets[0] <= 101 * MEBIBYTE + 17 < journey.offsets[1] < journey.offsets[2] == SIZE


def test_the_app_stays_below_its_memory_limit(journey: Journey) -> None:
    print(f"app working set: peak {journey.peak / MEBIBYTE:.0f} MiB in {journey.samples} samples")
    assert journey.samples > 50
    assert journey.peak < MEMORY_LIMIT


def forms(text: str) -> list[bytes]:
    """A text in each form in which it might be left: UTF-8 as sent, NFD, JSON-escaped, and base64 at any alignment."""
    found = []
    for form in {text, unicodedata.normalize("NFD", text)}:
        raw = form.encode()
        found += [raw, json.dumps(form).strip('"').encode()]
        for shift in range(3):
            encoded = base64.b64encode(bytes(shift) + raw)
            found.append(encoded[4 if shift else 0 : len(encoded) - 4])
    return found


def needles(marker: bytes) -> list[bytes]:
    """The marker in slices, as a packet or a page may hold part of it, and the two names in all their forms."""
    slices = [marker[start : start + 48] for start in range(0, len(marker) - 48, 48)]
    encoded = [base64.b64encode(piece) for piece in slices]
    return [*slices, *encoded, *forms(NAME), *forms(RECIPIENT)]


def places(world: World) -> dict[str, list[Path]]:
    """Every folder in which something could have been left; the mail pod is the outside world and has no disk."""
    state = world.layout.state
    claims = world.kubectl.json("get", "pv")["items"]
    store = [pv for pv in claims if pv["spec"]["claimRef"]["namespace"] == labels.STORAGE_NAMESPACE]
    tenant = [pv for pv in claims if pv["spec"]["claimRef"]["namespace"].startswith(labels.NAMESPACE_PREFIX)]
    logs = [path for path in (state / "pod-logs").glob("*") if not path.name.startswith("kozutumi-mail_")]
    own = f"{labels.namespace(AOI)}_{world.pod(AOI, 'app')['metadata']['name']}_"
    logs.sort(key=lambda path: not path.name.startswith(own))  # first one that stays while we look
    return {
        "object store": [volume_path(pv) for pv in store],
        "database and its WAL": [volume_path(pv) for pv in tenant],
        "etcd": [state / "etcd"],
        "container layers": [state / "containerd"],
        "logs": [*logs, state / "logs", state / "audit"],
    }


def volume_path(volume: dict[str, dict[str, dict[str, str]]]) -> Path:
    source = volume["spec"].get("hostPath") or volume["spec"]["local"]
    return Path(source["path"])


def test_nothing_readable_is_left_on_any_disk_or_wire(journey: Journey, world: World, tmp_path: Path) -> None:
    wanted = needles(journey.marker)
    for place, roots in {**places(world), "traffic": list(journey.captures.values())}.items():
        assert roots, place
        assert measure.files_holding(wanted, roots, scratch=tmp_path) == [], place


@pytest.mark.parametrize("needle", [0, 25, -1, -9], ids=["marker", "its base64", "address", "file name"])
def test_the_same_search_finds_a_decoy_in_each_place(
    journey: Journey, world: World, tmp_path: Path, needle: int
) -> None:
    """Without this, a search of the wrong folder would pass for ever."""
    wanted = needles(journey.marker)
    for place, roots in {**places(world), "traffic": list(journey.captures.values())}.items():
        folder = roots[0].parent if roots[0].is_file() else roots[0]
        decoy = folder / "kozutumi-decoy"
        decoy.write_bytes(os.urandom(3000) + wanted[needle] + os.urandom(3000))
        try:
            searched = [*roots, decoy] if roots[0].is_file() else roots
            assert str(decoy) in measure.files_holding(wanted, searched, scratch=tmp_path), place
        finally:
            decoy.unlink()

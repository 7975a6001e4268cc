"""A fleet under way: releases of the platform, clients that poll, files on their way meanwhile."""

from __future__ import annotations

import hashlib
import json
import os
import threading
import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import httpx

from e2e_world import World, wait_until
from kozutumi_cluster.demo import public, transfers
from kozutumi_cluster.demo.public import Endpoint, Public
from kozutumi_cluster.demo.transfers import Outgoing
from kozutumi_cluster.platform import fleet
from kozutumi_contract import labels

OPERATOR = "kozutumi-operator"
SETTINGS = "kozutumi-platform"
MEBIBYTE = 2**20
PAUSE = 0.8  # seconds after each 64 KiB: 24 MiB take five minutes


def data_of(world: World) -> dict[str, str]:
    found: dict[str, str] = world.kubectl.json("get", "configmap", SETTINGS, "-n", labels.SYSTEM_NAMESPACE)["data"]
    return found


def apply_settings(world: World, changes: Mapping[str, str | None]) -> None:
    world.patch("configmap", SETTINGS, "-n", labels.SYSTEM_NAMESPACE, patch={"data": changes})
    restart_operator(world)


def restart_operator(world: World) -> None:
    world.kubectl("rollout", "restart", "-n", labels.SYSTEM_NAMESPACE, f"deployment/{OPERATOR}")
    world.wait_rolled_out(labels.SYSTEM_NAMESPACE, OPERATOR)


@contextmanager
def platform(world: World, **changes: str) -> Iterator[None]:
    """The platform with other settings (without their prefix KOZUTUMI_), and back to its own when the block ends."""
    named = {f"KOZUTUMI_{name}": value for name, value in changes.items()}
    before = data_of(world)
    apply_settings(world, named)
    try:
        yield
    finally:
        apply_settings(world, {name: before.get(name) for name in named})
        wait_phase(world, "Settled", seconds=600)


def wait_phase(world: World, phase: str, *, seconds: float = 300) -> dict[str, Any]:
    wait_until(f"the rollout being {phase}", lambda: fleet.record(world.kubectl).get("phase") == phase, seconds=seconds)
    return dict(fleet.record(world.kubectl))


def rollout_of(world: World) -> dict[str, Any]:
    found: dict[str, Any] = json.loads(fleet.record(world.kubectl)["fleet.json"])
    return found


def operator_image(world: World) -> str:
    found = world.kubectl.json("get", "deployment", OPERATOR, "-n", labels.SYSTEM_NAMESPACE)
    return str(found["spec"]["template"]["spec"]["containers"][0]["image"])


def serving_pods(world: World, codes: Sequence[str]) -> dict[str, str]:
    """Code → uid of its one app pod that serves."""
    return {code: world.pod(code, "app")["metadata"]["uid"] for code in codes}


@dataclass
class Polling:
    """A client for each organization that opens a connection of its own, again and again."""

    counts: dict[str, int] = field(default_factory=dict)
    failures: list[str] = field(default_factory=list)

    def poll(self, code: str, endpoint: Endpoint, stop: threading.Event, interval: float) -> None:
        while not stop.wait(interval):
            try:
                with endpoint.open() as client:
                    status = client.request("GET", "/").status_code
            except httpx.HTTPError as error:
                self.failures.append(f"{time.strftime('%H:%M:%S')} {code}: {error!r}")
            else:
                self.counts[code] = self.counts.get(code, 0) + 1
                if status >= 400:
                    self.failures.append(f"{time.strftime('%H:%M:%S')} {code}: {status}")


@contextmanager
def polling(world: World, codes: Sequence[str], *, interval: float = 0.5) -> Iterator[Polling]:
    polls, stop = Polling(), threading.Event()
    threads = [
        threading.Thread(target=polls.poll, args=(code, world.endpoint(code), stop, interval), daemon=True)
        for code in codes
    ]
    for thread in threads:
        thread.start()
    try:
        yield polls
    finally:
        stop.set()
        for thread in threads:
            thread.join(timeout=120)


@dataclass
class Traffic:
    """One upload and one download that go on, slowly, until told to finish; a cut line is taken up where it was cut."""

    world: World
    code: str
    folder: Path
    finish: threading.Event = field(default_factory=threading.Event)
    results: dict[str, bool] = field(default_factory=dict)
    cuts: list[str] = field(default_factory=list)

    def upload(self, member: Public, path: Path) -> None:
        transfer = str(member.json("POST", "/api/v1/transfers", _draft("later@partner.example"), expect=201)["id"])
        upload = public.create_upload(member, transfer, path.name, path.stat().st_size)
        while (sent := self._offset(member, upload)) < path.stat().st_size:
            headers = {**public.TUS, "Upload-Offset": str(sent), "Content-Type": "application/offset+octet-stream"}
            try:
                member.request("PATCH", upload, headers=headers, content=self._slowly(path, sent))
            except httpx.HTTPError as error:
                self.cuts.append(f"upload at {sent}: {error!r}")
        member.json("POST", f"/api/v1/transfers/{transfer}/send", {}, expect=200)
        transfers.wait_state(member, transfer, "Delivered", seconds=400)
        self.results["upload"] = True

    def _offset(self, member: Public, upload: str) -> int:
        try:
            return public.offset(member, upload)
        except httpx.HTTPError as error:
            self.cuts.append(f"offset: {error!r}")
            return 0

    def _slowly(self, path: Path, start: int) -> Iterator[bytes]:
        with path.open("rb") as file:
            file.seek(start)
            while chunk := file.read(64 * 1024):
                yield chunk
                if not self.finish.is_set():
                    time.sleep(PAUSE)

    def download(self, recipient: transfers.Recipient, expected: str) -> None:
        [file] = recipient.files()
        url, digest, received = recipient.open_download(file["id"]), hashlib.sha256(), 0
        while received < file["size"]:
            try:
                with recipient.client.stream("GET", url, headers={"Range": f"bytes={received}-"}) as response:
                    response.raise_for_status()
                    for chunk in response.iter_bytes(64 * 1024):
                        digest.update(chunk)
                        received += len(chunk)
                        if not self.finish.is_set():
                            time.sleep(PAUSE)
            except httpx.HTTPError as error:
                self.cuts.append(f"download at {received}: {error!r}")
        self.results["download"] = digest.hexdigest() == expected


def _draft(address: str) -> dict[str, Any]:
    return {"recipients": [{"email": address, "locale": "en"}], "subject": "under way", "message": ""}


@contextmanager
def traffic(world: World, code: str, folder: Path, *, mebibytes: int = 24) -> Iterator[Traffic]:
    """Running inside the block; when it ends both must have come through whole."""
    path = folder / f"{code}.bin"
    path.write_bytes(os.urandom(mebibytes * MEBIBYTE))
    expected = hashlib.sha256(path.read_bytes()).hexdigest()
    address = f"fleet-{os.urandom(4).hex()}@partner.example"
    under_way = Traffic(world, code, folder)
    with world.member(code) as member:
        ready = transfers.send(member, address, [Outgoing(path, path.name)])
        transfers.wait_state(member, ready, "Delivered")
        with transfers.receive(world.endpoint(code), world.inbox, address) as recipient:
            threads = [
                threading.Thread(target=under_way.upload, args=(member, path), daemon=True),
                threading.Thread(target=under_way.download, args=(recipient, expected), daemon=True),
            ]
            for thread in threads:
                thread.start()
            try:
                yield under_way
            finally:
                under_way.finish.set()
                for thread in threads:
                    thread.join(timeout=400)
    assert under_way.results == {"upload": True, "download": True}, under_way.cuts

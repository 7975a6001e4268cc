"""The whole end of an organization: destroyed with proof while its neighbours notice nothing; retained; held."""

from __future__ import annotations

import json
import secrets
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path

import pytest

import disposal_world as thief
from disposal_world import Copy
from e2e_world import AOI, World, wait_until
from kozutumi_cluster.demo import organizations, transfers
from kozutumi_cluster.demo.transfers import Outgoing, Recipient
from kozutumi_contract import keyring, labels

MARKER = b"a sentence that nobody may read any more"
PAUSE = 0.5


@dataclass
class Neighbour:
    """A recipient of aoi-law's who reads a file piece by piece, without a break, and looks at a page in between."""

    recipient: Recipient
    url: str
    reads: int = 0
    failures: list[str] = field(default_factory=list)
    _stop: threading.Event = field(default_factory=threading.Event)

    def run(self) -> None:
        while not self._stop.wait(PAUSE):
            start = 1024 * (self.reads % 512)
            headers = {"Range": f"bytes={start}-{start + 1023}"}
            try:
                piece = self.recipient.client.request("GET", self.url, headers=headers)
                page = self.recipient.client.request("GET", "/sign-in")
            except Exception as error:  # noqa: BLE001 - whatever it is, it counts
                self.failures.append(f"{datetime.now(UTC)} {type(error).__name__}: {error}")
                continue
            if (piece.status_code, len(piece.content), page.status_code) != (206, 1024, 200):
                self.failures.append(f"{datetime.now(UTC)} {piece.status_code} {page.status_code} {piece.text[:200]}")
            self.reads += 1

    def stop(self) -> None:
        self._stop.set()


@pytest.fixture
def neighbour(world: World, tmp_path: Path) -> Iterator[Neighbour]:
    source = tmp_path / "neighbour"
    source.write_bytes(bytes(2**20))
    with world.administrator(AOI) as sender:
        address = f"reader-{secrets.token_hex(4)}@partner.example"
        transfer = transfers.send(sender, address, [Outgoing(source, "leaves.bin")])
        transfers.wait_state(sender, transfer, "Delivered")
    with transfers.receive(world.endpoint(AOI), world.inbox, address) as recipient:
        reading = Neighbour(recipient, recipient.open_download(recipient.files()[0]["id"]))
        thread = threading.Thread(target=reading.run, daemon=True)
        thread.start()
        yield reading
        reading.stop()
        thread.join()


def filled(world: World, code: str, folder: Path) -> Copy:
    """An organization that has delivered a file, copied whole."""
    world.create(code)
    organizations.wait_ready(world.kubectl, code)
    source = folder / "source"
    source.write_bytes(MARKER * 5000)
    with world.administrator(code) as sender:
        transfer = transfers.send(sender, "reader@partner.example", [Outgoing(source, "secret.txt")])
        transfers.wait_state(sender, transfer, "Delivered")
    return thief.take_copy(world, code, folder)


def verify(certificate: Path, key: Path) -> int:
    words = [sys.executable, "-c", "from kozutumi_cli.main import main; main()", "verify-disposal"]
    done = subprocess.run([*words, str(certificate), "--key", str(key)], capture_output=True, timeout=300, check=False)  # noqa: S603 - our own program
    print(done.stdout.decode(), done.stderr.decode())
    return done.returncode


def test_what_is_left_opens_no_copy_and_the_neighbours_notice_nothing(
    world: World, spare: str, neighbour: Neighbour, scratch: Path
) -> None:
    copy = filled(world, spare, scratch)
    alive = thief.candidates(thief.secrets_left(world))
    assert thief.opened(copy, alive), "with its key ring the copy opens; else the rest shows nothing"
    assert not any(MARKER in content for content in copy.everything())
    volume, folder = thief.volume_of(world, spare)
    me = world.kubectl.json("auth", "whoami")["status"]["userInfo"]["username"]
    world.kubectl("annotate", "organization", spare, f"{labels.DELETION_REQUESTED_BY}={me}")
    world.dispose(spare)
    time.sleep(PAUSE * 2)
    neighbour.stop()

    assert not world.kubectl.exists("namespace", labels.namespace(spare))
    assert not world.kubectl.exists("pv", volume)
    assert not folder.exists()
    buckets, users = thief.stored(world)
    assert labels.content_bucket("kozutumi", spare) not in buckets
    assert not [user for user in users if user.endswith(spare)]
    left = thief.candidates(thief.secrets_left(world))
    assert left
    assert thief.opened(copy, left) == []
    print(f"{len(left)} keys are left and open nothing; {neighbour.reads} reads of a neighbour's file, none failed")
    assert neighbour.failures == []
    assert neighbour.reads > 10
    proved(world, spare, scratch, me)


def begun(world: World, code: str, **spec: str) -> None:
    """An organization with a key ring; its pods may still be starting."""
    world.create(code, **spec)
    world.kubectl("wait", "--for=condition=KeysReady", f"organization/{code}", "--timeout=180s", timeout=200)
    world.confirm_deletion(code)
    world.kubectl("delete", "organization", code, "--wait=false")
    wait_until("the organization being retained", lambda: reason(world, code) == "Retained", seconds=180)
    left = ("get", "deployments,pods", "-n", labels.namespace(code), "-o", "name")
    wait_until("what has ended being gone", lambda: world.kubectl(*left).strip() == "", seconds=60)


def reason(world: World, code: str) -> str:
    return str(world.kubectl.condition(code, "Ready").get("reason"))


def test_retained_then_held_it_keeps_its_keys_until_both_are_lifted(world: World, spare: str) -> None:
    begun(world, spare, deletionPolicy="Retain", retainFor="1h")
    ring = ("secret", keyring.SECRET_NAME, "-n", labels.namespace(spare))
    assert world.kubectl.exists(*ring)
    world.patch("organization", spare, patch={"spec": {"legalHold": {"reason": "case 7"}}})
    wait_until("the hold being told", lambda: reason(world, spare) == "LegalHold", seconds=60)
    world.patch("organization", spare, patch={"spec": {"deletionPolicy": "Delete", "retainFor": None}})
    time.sleep(3)
    assert world.kubectl.exists(*ring)
    world.patch("organization", spare, patch={"spec": {"legalHold": None}})
    world.kubectl("wait", "--for=delete", f"organization/{spare}", "--timeout=240s", timeout=270)
    assert not world.kubectl.exists("namespace", labels.namespace(spare))


@pytest.mark.slow
def test_retention_ends_by_itself_also_when_the_operator_was_started_anew(world: World, spare: str) -> None:
    begun(world, spare, deletionPolicy="Retain", retainFor="1m")
    world.kubectl("rollout", "restart", "-n", labels.SYSTEM_NAMESPACE, "deployment/kozutumi-operator")
    world.wait_rolled_out(labels.SYSTEM_NAMESPACE, "kozutumi-operator")
    world.kubectl("wait", "--for=delete", f"organization/{spare}", "--timeout=240s", timeout=270)
    assert not world.kubectl.exists("namespace", labels.namespace(spare))


def proved(world: World, code: str, folder: Path, deleter: str) -> None:
    """The certificate is genuine, an edited one is not, and it names what stays and until when."""
    record = world.kubectl.json("get", "configmap", f"disposal-{code}", "-n", labels.SYSTEM_NAMESPACE)
    key = world.kubectl.json("get", "configmap", "disposal-signer", "-n", labels.SYSTEM_NAMESPACE)
    certificate, edited, pinned = (folder / name for name in ("disposal.json", "edited.json", "disposal.pub"))
    pinned.write_text(key["data"]["disposal.pub"])
    certificate.write_text(record["data"]["disposal.json"])
    document = json.loads(record["data"]["disposal.json"])
    assert verify(certificate, pinned) == 0
    assert {"KeyRing", "ContentBucket", "StorageUser", "Namespace", "Volumes"} <= {
        each["what"] for each in document["document"]["destroyed"]
    }
    assert document["document"]["existed"]["keyRing"]["keyIds"]
    assert document["document"]["requested"]["by"] == deleter
    for each in document["document"]["kept"]:
        assert datetime.fromisoformat(each["until"]) > datetime.fromisoformat(document["document"]["completed"])
    document["document"]["kept"] = []
    edited.write_text(json.dumps(document))
    assert verify(edited, pinned) == 3

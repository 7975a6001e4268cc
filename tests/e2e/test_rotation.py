"""A key ring is rotated on request while a delivered file lies there; it arrives unchanged, and the old key is gone."""

from __future__ import annotations

import base64
import hashlib
import os
import secrets
from pathlib import Path
from typing import Any

from e2e_world import KAEDE, World, wait_until
from kozutumi_cluster.demo import transfers
from kozutumi_cluster.demo.transfers import Outgoing
from kozutumi_contract import keyring, labels

RECIPIENT = "mori.rotation@partner.example"
NAMESPACE = labels.namespace(KAEDE)


def encryption(world: World) -> dict[str, Any]:
    shown: dict[str, Any] = world.kubectl.json("get", "organization", KAEDE)["status"]["encryption"]
    return shown


def ring(world: World) -> keyring.KeyRing:
    held = world.kubectl.json("get", "secret", "-n", NAMESPACE, keyring.SECRET_NAME)
    return keyring.parse(base64.b64decode(held["data"][keyring.SECRET_KEY]))


def is_rotated(world: World, before: keyring.KeyRing) -> bool:
    """Meanwhile hurry the kubelet, which otherwise looks at a mounted Secret once a minute."""
    pod = world.pod(KAEDE, "app")["metadata"]["name"]
    world.kubectl("annotate", "pod", "-n", NAMESPACE, pod, f"test/looked={secrets.token_hex(4)}", "--overwrite")
    return list(ring(world).keys) == [before.active + 1] and encryption(world).get("stage") == "None"


def events(world: World) -> set[str]:
    listed = world.kubectl.json("get", "events", "-n", "default", "--field-selector", f"involvedObject.name={KAEDE}")
    return {event["reason"] for event in listed["items"]}


def test_a_file_outlives_the_key_it_was_wrapped_with(world: World, scratch: Path) -> None:
    content = os.urandom(300_000)
    source = scratch / "report.bin"
    source.write_bytes(content)
    with world.member(KAEDE) as sender:
        transfer = transfers.send(sender, RECIPIENT, [Outgoing(source, "report.bin")])
        transfers.wait_state(sender, transfer, "Delivered")
        before, token = ring(world), secrets.token_hex(4)
        world.kubectl("annotate", "organization", KAEDE, f"{labels.ROTATE}={token}", "--overwrite")
        wait_until("the key ring being rotated", lambda: is_rotated(world, before), seconds=240)
    shown = encryption(world)
    assert (shown["activeKeyVersion"], shown["rotationToken"]) == (before.active + 1, token)
    assert not any(each.startswith(f"{before.active}:") for each in shown["keyIds"])
    with transfers.receive(world.endpoint(KAEDE), world.inbox, RECIPIENT) as recipient:
        (file,) = recipient.files()
        assert recipient.download(file["id"]) == hashlib.sha256(content).hexdigest()
    told = {f"KeyVersion{what}" for what in ("Added", "Activated", "Retired", "Removed")}
    wait_until("each step being told", lambda: told <= events(world), seconds=30)
    with world.administrator(KAEDE) as administrator:
        listed = administrator.json("GET", "/api/v1/audit?type=key.")["events"]
    new = str(before.active + 1)
    done = [event["type"] for event in listed if event["object_id"] == f"key-{new}"]
    assert done == ["key.data_rewrapped", "key.version_activated", "key.version_added"]

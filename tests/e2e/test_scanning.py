"""Nothing is delivered without a fresh, positive verdict."""

from __future__ import annotations

import io
import json
import os
import signal
import time
import zipfile
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

import e2e_measure as measure
from e2e_world import AOI, EICAR, World, wait_until
from kozutumi_cluster.demo import transfers
from kozutumi_cluster.demo.transfers import Outgoing
from kozutumi_contract import labels

RECIPIENT = "watanabe@partner.example"


def zipped(content: bytes) -> bytes:
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("readme.txt", content)
    return buffer.getvalue()


def clamd_processes(world: World) -> list[int]:
    """Process ids as this host sees them: inside its container clamd is process 1, which no signal from there stops."""
    cgroup = measure.container_cgroup(world.pod(AOI, "scanner"), "clamd")
    return [int(line) for line in (cgroup / "cgroup.procs").read_text().split()]


def signal_all(processes: list[int], number: signal.Signals) -> None:
    assert processes
    for process in processes:
        os.kill(process, number)


def deliveries(world: World) -> int:
    return len([message for message in world.inbox.messages(RECIPIENT) if "/r/" in message.text])


@pytest.mark.parametrize("content", [EICAR.encode(), zipped(EICAR.encode())], ids=["plain", "zipped"])
def test_eicar_is_infected_and_never_readable(world: World, tmp_path: Path, content: bytes) -> None:
    path = tmp_path / "invoice"
    path.write_bytes(content)
    mailed = deliveries(world)
    with world.member(AOI) as member:
        transfer = transfers.send_bad(member, RECIPIENT, Outgoing(path, "請求書.zip"))
        transfers.wait_file_state(member, transfer, "Infected")
        shown = transfers.view(member, transfer)
        assert shown["state"] != "Delivered"
        for way in ("/files/{}", "/downloads/{}", "/api/v1/files/{}"):
            answer = member.request("GET", way.format(shown["files"][0]["id"]))
            assert answer.status_code in {404, 405}
            assert content not in answer.content
    time.sleep(2)
    assert deliveries(world) == mailed


def test_with_clamd_killed_the_file_waits_and_is_delivered_afterwards(world: World, tmp_path: Path) -> None:
    path = tmp_path / "plan.txt"
    path.write_bytes(b"quarterly plan\n" * 1000)
    mailed = deliveries(world)
    processes = clamd_processes(world)
    signal_all(processes, signal.SIGSTOP)  # a killed clamd is started again before the file could come to it
    with world.member(AOI) as member:
        transfer = transfers.send(member, RECIPIENT, [Outgoing(path, path.name)])
        time.sleep(10)
        assert transfers.file_states(member, transfer) == ["Scanning"]
        assert transfers.view(member, transfer)["state"] == "AwaitingFiles"
        assert deliveries(world) == mailed
        signal_all(processes, signal.SIGKILL)
        transfers.wait_state(member, transfer, "Delivered")
    wait_until("the delivery mail", lambda: deliveries(world) == mailed + 1, seconds=60)


@pytest.fixture
def stale_signatures(world: World) -> Iterator[None]:
    """The mirror says that its signatures were last seen upstream a month ago."""
    old = (datetime.now(UTC) - timedelta(days=30)).strftime("%Y-%m-%dT%H:%M:%SZ")
    seed = ("configmap", "signature-seed", "-n", labels.SYSTEM_NAMESPACE)
    world.patch(*seed, patch={"data": {"published": old}})
    yield
    world.patch(*seed, patch={"data": {"published": None}})


def test_with_stale_signatures_nothing_is_delivered(world: World, tmp_path: Path, stale_signatures: None) -> None:
    del stale_signatures
    path = tmp_path / "note.txt"
    path.write_bytes(b"meeting notes\n" * 1000)
    wait_until("the scanner seeing the old manifest", lambda: signature_age(world) > 86400 * 20, seconds=240)
    mailed = deliveries(world)
    with world.member(AOI) as member:
        transfer = transfers.send(member, RECIPIENT, [Outgoing(path, path.name)])
        time.sleep(20)
        assert transfers.file_states(member, transfer) == ["Scanning"]
        assert deliveries(world) == mailed
        world.patch("configmap", "signature-seed", "-n", labels.SYSTEM_NAMESPACE, patch={"data": {"published": None}})
        transfers.wait_state(member, transfer, "Delivered", seconds=400)


def signature_age(world: World) -> int:
    """Seconds, as the agent tells the app over mTLS."""
    program = f"""
import http.client, json, ssl
context = ssl.create_default_context(cafile='/etc/kozutumi/tls/scanner-client/ca.crt')
context.load_cert_chain('/etc/kozutumi/tls/scanner-client/tls.crt', '/etc/kozutumi/tls/scanner-client/tls.key')
connection = http.client.HTTPSConnection('scanner.{labels.namespace(AOI)}.svc', 3311, context=context, timeout=10)
connection.request('GET', '/v1/status')
print(connection.getresponse().read().decode())
"""
    return int(json.loads(world.python(AOI, "app", program, container="app"))["signature_age_seconds"] or 0)

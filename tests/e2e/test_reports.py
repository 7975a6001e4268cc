"""A report of a mail that did not arrive, from where the relay stands to the page of who sent it."""

from __future__ import annotations

import json
import os
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

import matrix_world
from e2e_world import AOI, KAEDE, World, wait_until
from kozutumi_cluster.demo import transfers
from kozutumi_cluster.demo.transfers import Outgoing
from kozutumi_cluster.errors import ClusterError
from kozutumi_cluster.platform import names, operator_ports
from kozutumi_contract import labels, return_path
from kozutumi_contract.return_path import ReturnPath
from matrix_world import Source
from returned_mail import report

RELAY = Source(matrix_world.CONTROL.row, "test-relay", names.MAIL, "relay", unlimited=True)
# `deny-all` of that namespace holds for this pod, too.
WAY_OUT = matrix_world.opening(names.MAIL, {"matchLabels": {labels.COMPONENT: RELAY.component}}, "Egress")
WAY_OUT["metadata"]["name"] = RELAY.name
PROGRAM = """
import http.client, json, ssl, sys
host, port, to, report = sys.argv[1:]
context = ssl.create_default_context(cafile="/relay/ca.crt")
context.load_cert_chain("/relay/tls.crt", "/relay/tls.key")
connection = http.client.HTTPSConnection(host, int(port), timeout=60, context=context)
headers = {"Content-Type": "message/rfc822", "X-Original-To": to}
connection.request("POST", "/reports", report.encode(), headers)
answer = connection.getresponse()
print(json.dumps([answer.status, json.loads(answer.read())]))
"""
Bring = Callable[[str, bytes], tuple[int, dict[str, Any]] | None]


def relay(image: str) -> dict[str, Any]:
    pod = matrix_world.pod(RELAY, image)
    (container,) = pod["spec"]["containers"]
    container["volumeMounts"] = [{"name": "relay", "mountPath": "/relay", "readOnly": True}]
    pod["spec"]["volumes"] = [{"name": "relay", "secret": {"secretName": operator_ports.REPORTS.client}}]
    return pod


@pytest.fixture
def bring(world: World) -> Iterator[Bring]:
    """Brings a report as the relay does; None while nobody answers."""
    where, kubectl = ("-n", RELAY.namespace), world.kubectl
    listener = kubectl.json("get", "deployment", "listener", "-n", labels.CANARY_NAMESPACE)
    image = listener["spec"]["template"]["spec"]["containers"][0]["image"]
    kubectl("delete", "pod", RELAY.name, *where, "--ignore-not-found")
    kubectl.apply(WAY_OUT)
    kubectl.apply(relay(image))
    kubectl("wait", "--for=condition=Ready", f"pod/{RELAY.name}", *where, "--timeout=240s")

    def brought(to: str, raw: bytes) -> tuple[int, dict[str, Any]] | None:
        target = (operator_ports.REPORTS.host, str(labels.REPORTS_PORT))
        try:
            said = kubectl("exec", *where, RELAY.name, "--", "python", "-c", PROGRAM, *target, to, raw.decode())
        except ClusterError:
            return None
        status, document = json.loads(said)
        return status, document

    yield brought
    kubectl("delete", "pod", RELAY.name, *where, "--wait=false")
    kubectl("delete", "networkpolicy", RELAY.name, *where)


def test_a_mail_that_comes_back_is_seen_by_its_sender_and_by_no_other_organization(
    world: World, tmp_path: Path, bring: Bring
) -> None:
    data = tmp_path / "data"
    data.write_bytes(b"for nobody\n" * 100)
    address = f"gone-{os.urandom(4).hex()}@partner.example"
    with world.member(AOI) as member:
        transfer = transfers.send(member, address, [Outgoing(data, "data")])
        transfers.wait_state(member, transfer, "Delivered")
        mail = world.inbox.wait(address, containing="/r/")
        mail_id = mail.message_id.partition("@")[0]
        assert list(return_path.named(mail.sender)) == [ReturnPath(AOI, mail_id)]
        raw = report(mail_id)

        def answered(code: str, expected: tuple[int, str | None]) -> bool:
            found = bring(return_path.address(names.BOUNCE_ADDRESS, code, mail_id), raw)
            return found is not None and (found[0], found[1].get("state")) == expected

        # Its own app keeps the mail a moment after the relay has it.
        wait_until("the other organization knowing of no such mail", lambda: answered(KAEDE, (200, None)), seconds=90)
        wait_until("nobody of that code", lambda: answered("nobody", (404, None)), seconds=30)
        wait_until("its own app taking the report", lambda: answered(AOI, (200, "bounced")), seconds=90)
        wait_until("the other knowing nothing still", lambda: answered(KAEDE, (200, None)), seconds=30)
        (recipient,) = transfers.view(member, transfer)["recipients"]
        assert (recipient["mail_state"], recipient["mail_status"]) == ("bounced", "5.1.1")

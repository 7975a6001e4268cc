"""The same pages in the development cluster: one demo organization's real endpoint and the cluster's real inbox."""

from __future__ import annotations

import secrets
import socket
import ssl
from collections.abc import Sequence
from dataclasses import dataclass, field
from urllib.parse import urlsplit

import e2e_world
import malware_samples
from browser_world import trust
from kozutumi_cluster.demo import organizations
from kozutumi_cluster.demo.public import Endpoint


@dataclass
class Cluster:
    """An organization as the demo leaves it: its administrator has accepted, the password is in the demo's file."""

    ground: e2e_world.World
    url: str
    chromium_arguments: Sequence[str]
    infected: bytes = e2e_world.EICAR.encode()
    unscannable: bytes = malware_samples.zipped("plan.txt", b"a plan", encrypted=True)
    releases: bool = False
    run: str = field(default_factory=lambda: secrets.token_hex(4))

    def administrator(self) -> tuple[str, str]:
        email = f"admin@{e2e_world.AOI}.example"
        with self.ground.administrator(e2e_world.AOI):
            return email, self.ground.passwords.known[email]

    def invite_administrator(self) -> str:
        raise AssertionError("the demo's administrator has accepted already")

    def mails(self, address: str) -> list[str]:
        return [message.text for message in reversed(self.ground.inbox.messages(address))]


def cluster_world() -> Cluster:
    ground = e2e_world.world_of()
    ground.kubectl.apply(organizations.AOI)
    organizations.wait_ready(ground.kubectl, e2e_world.AOI)
    endpoint = ground.endpoint(e2e_world.AOI)
    return Cluster(ground, endpoint.url, _trust(endpoint))


def _trust(endpoint: Endpoint) -> list[str]:
    """Fetch the certificate over a connection that the platform CA verifies, then accept that one alone."""
    parts = urlsplit(endpoint.url)
    host = parts.hostname or ""
    context = ssl.create_default_context(cafile=str(endpoint.ca))
    with (
        socket.create_connection((endpoint.address, parts.port or 443), timeout=30) as raw,
        context.wrap_socket(raw, server_hostname=host) as verified,
    ):
        certificate = verified.getpeercert(binary_form=True)
    assert certificate is not None
    return trust(ssl.DER_cert_to_PEM_cert(certificate).encode(), host, endpoint.address)

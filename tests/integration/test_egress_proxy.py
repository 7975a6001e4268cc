"""The egress proxy as it is rendered, run for real: what it tunnels to, for whom, and what it refuses on the wire."""

from __future__ import annotations

import contextlib
import dataclasses
import os
import socket
import ssl
import subprocess
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from pathlib import Path

import pytest

from kozutumi_cluster import binaries
from kozutumi_contract.secret import Secret
from kozutumi_operator.manifests import egress_proxy, names
from kozutumi_operator.organizations import certificates, materials
from kozutumi_operator.organizations.materials import PlatformAuthority
from kozutumi_operator.organizations.observed import observe
from operator_builders import organization, settings
from scanner_fixtures import free_port, wait_until

NOW = datetime.now(UTC)
LISTED = organization(network={"extraEgress": [{"host": "localhost"}]})
PLATFORM = dataclasses.replace(settings(), image_egress_proxy="localhost/smokescreen:0")
CA = certificates.authority("platform CA", now=NOW)
AUTHORITY = PlatformAuthority(
    certificate=CA.certificate.decode(),
    private_key=Secret(CA.private_key.reveal().decode()),
    mirror_public_key="key",
)
INSIDE = ("--allow-range=127.0.0.0/8", "--allow-range=::1/128")  # what stands for the outside in this test


def prepared() -> materials.Materials:
    """Each call is another organization's: with authorities of its own."""
    return materials.prepare(
        LISTED, PLATFORM, AUTHORITY, observe([]), None, node_port=30443, now=NOW, random=os.urandom
    )


OWN = prepared()


def written(folder: Path, made: materials.Materials, secret: str) -> Path:
    folder.mkdir(exist_ok=True)
    for entry, value in made.secrets[secret].items():
        (folder / entry).write_bytes(value.reveal())
    return folder


@contextmanager
def running(folder: Path, *more: str) -> Iterator[int]:
    """The rendered command with this test's folders and port; the port."""
    _, _, deployment = egress_proxy.render(LISTED, PLATFORM, OWN)
    tls = written(folder / "server", OWN, names.EGRESS_PROXY_TLS)
    (folder / egress_proxy.LIST).write_text(egress_proxy.allow_list(LISTED))
    port = free_port()
    command = deployment["spec"]["template"]["spec"]["containers"][0]["command"][1:]
    places = {"/etc/kozutumi/egress/": f"{folder}/", "/etc/kozutumi/tls/egress/": f"{tls}/", "4750": str(port)}
    for rendered, here in places.items():
        command = [word.replace(rendered, here) for word in command]
    program = binaries.ensure("smokescreen")["smokescreen"]
    with subprocess.Popen([program, *command, *more], stderr=subprocess.DEVNULL, stdout=subprocess.DEVNULL) as process:  # noqa: S603 - rendered above
        try:
            wait_until(lambda: answers(port), lambda: f"nothing listens on {port}")
            yield port
        finally:
            process.kill()


def answers(port: int) -> bool:
    with contextlib.suppress(OSError):
        socket.create_connection(("127.0.0.1", port), timeout=1).close()
        return True
    return False


@pytest.fixture
def service() -> Iterator[int]:
    """Says hello to whoever comes; its port."""
    with socket.create_server(("127.0.0.1", 0)) as server:

        def greet() -> None:
            while True:
                try:
                    connection, _ = server.accept()
                except OSError:
                    return
                with connection, contextlib.suppress(OSError):  # gone again
                    connection.sendall(b"hello")

        threading.Thread(target=greet, daemon=True).start()
        yield int(server.getsockname()[1])
        server.shutdown(socket.SHUT_RDWR)


def connect(folder: Path, port: int, target: str, client: materials.Materials | None = OWN) -> tuple[str, bytes]:
    """Status of CONNECT through the proxy, and what came through. The server's exact name is verified."""
    context = ssl.create_default_context(cadata=OWN.secrets[names.APP_EGRESS_CLIENT_TLS][names.TRUST].reveal().decode())
    if client is not None:
        pair = written(folder / f"client-{id(client)}", client, names.APP_EGRESS_CLIENT_TLS)
        context.load_cert_chain(pair / names.CERTIFICATE, pair / names.PRIVATE_KEY)
    with (
        socket.create_connection(("127.0.0.1", port), timeout=60) as plain,
        context.wrap_socket(plain, server_hostname=names.service_host(names.EGRESS_PROXY, LISTED.name)) as proxy,
    ):
        proxy.sendall(f"CONNECT {target} HTTP/1.1\r\nHost: {target}\r\n\r\n".encode())
        head = b""
        while b"\r\n\r\n" not in head:
            head += (received := proxy.recv(4096))
            if not received:
                break
        status, _, rest = head.partition(b"\r\n\r\n")
        through = rest or (proxy.recv(5) if b" 200 " in status.splitlines()[0] else b"")
        return status.splitlines()[0].split()[1].decode(), through


def test_a_listed_host_is_reached_and_another_is_refused_on_the_wire(tmp_path: Path, service: int) -> None:
    with running(tmp_path, *INSIDE) as port:
        assert connect(tmp_path, port, f"localhost:{service}") == ("200", b"hello")
        for target in (f"127.0.0.1:{service}", "elsewhere.example:443", f"sub.localhost:{service}"):
            status, through = connect(tmp_path, port, target)
            assert (status, through) == ("407", b""), target


def test_a_listed_name_that_leads_inside_is_refused(tmp_path: Path, service: int) -> None:
    """As it runs in the cluster: an outside name whose owner lets it point to an address of ours gains nothing."""
    with running(tmp_path) as port:
        status, through = connect(tmp_path, port, f"localhost:{service}")
        assert (status, through) == ("407", b"")


@pytest.mark.parametrize("stranger", [None, prepared()], ids=["nobody", "another organization"])
def test_without_this_organizations_certificate_nothing_is_tunnelled(
    tmp_path: Path, service: int, stranger: materials.Materials | None
) -> None:
    """Refused in the handshake, or where the certificate is asked for."""
    with running(tmp_path, *INSIDE) as port:
        try:
            status, through = connect(tmp_path, port, f"localhost:{service}", stranger)
        except (ssl.SSLError, ConnectionError, IndexError):
            return
        assert (status, through) == ("407", b"")

"""TLS contexts, by handshakes in memory: no socket is opened."""

from __future__ import annotations

import shutil
import ssl
from pathlib import Path

import pytest

from certificates import Authority
from kozutumi_contract import tls
from kozutumi_contract.tls import ReloadingContext, TlsError

SERVER = Authority("server CA")
CLIENTS = Authority("client CA")
NAME = "scanner.kz-acme.svc"


@pytest.fixture
def server_folder(tmp_path: Path) -> Path:
    return SERVER.issue(tmp_path / "server", [NAME], peer=CLIENTS)


@pytest.fixture
def client_folder(tmp_path: Path) -> Path:
    return CLIENTS.issue(tmp_path / "client", ["app"], peer=SERVER)


def shake(server: ssl.SSLContext, client: ssl.SSLContext, name: str = NAME) -> ssl.SSLObject:
    """The client's end after a whole handshake and one byte each way; ssl.SSLError if either refuses."""
    up, down = ssl.MemoryBIO(), ssl.MemoryBIO()
    there = client.wrap_bio(down, up, server_hostname=name)
    here = server.wrap_bio(up, down, server_side=True)
    waiting = [there.do_handshake, here.do_handshake]
    for _ in range(10):
        for step in list(waiting):
            try:
                step()
                waiting.remove(step)
            except ssl.SSLWantReadError:
                pass
    assert not waiting
    # With TLS 1.3 the client learns of a refused certificate only by its first read.
    here.write(b"x")
    assert there.read(1) == b"x"
    return there


def mutual(server_folder: Path, client_folder: Path) -> tuple[ReloadingContext, ReloadingContext]:
    return (
        tls.server_context(server_folder, require_client=True),
        tls.client_context(client_folder / "ca.crt", client_folder),
    )


def test_both_sides_prove_themselves_by_tls_1_3(server_folder: Path, client_folder: Path) -> None:
    server, client = mutual(server_folder, client_folder)
    assert shake(server.context, client.context).version() == "TLSv1.3"


def test_without_a_certificate_nobody_gets_in(server_folder: Path, client_folder: Path) -> None:
    server, _ = mutual(server_folder, client_folder)
    stranger = tls.client_context(client_folder / "ca.crt")
    with pytest.raises(ssl.SSLError):
        shake(server.context, stranger.context)


def test_a_certificate_of_another_authority_is_worthless(server_folder: Path, tmp_path: Path) -> None:
    neighbour = Authority("client CA").issue(tmp_path / "neighbour", ["app"], peer=SERVER)
    server, client = mutual(server_folder, neighbour)
    with pytest.raises(ssl.SSLError):
        shake(server.context, client.context)


def test_the_servers_own_authority_does_not_let_clients_in(server_folder: Path, tmp_path: Path) -> None:
    sibling = SERVER.issue(tmp_path / "sibling", ["app.kz-acme.svc"], peer=SERVER)
    server, client = mutual(server_folder, sibling)
    with pytest.raises(ssl.SSLError):
        shake(server.context, client.context)


@pytest.mark.parametrize("name", ["scanner.kz-other.svc", "kz-acme.svc", "x.scanner.kz-acme.svc"])
def test_another_name_is_refused(server_folder: Path, client_folder: Path, name: str) -> None:
    server, client = mutual(server_folder, client_folder)
    with pytest.raises(ssl.SSLCertVerificationError):
        shake(server.context, client.context, name)


def test_a_client_without_a_pair_still_checks_the_authority(server_folder: Path, tmp_path: Path) -> None:
    server = tls.server_context(server_folder, require_client=False)
    (tmp_path / "right.crt").write_bytes(SERVER.pem)
    (tmp_path / "wrong.crt").write_bytes(Authority("server CA").pem)
    assert shake(server.context, tls.client_context(tmp_path / "right.crt").context).version() == "TLSv1.3"
    with pytest.raises(ssl.SSLCertVerificationError):
        shake(server.context, tls.client_context(tmp_path / "wrong.crt").context)


@pytest.mark.parametrize("require_client", [True, False])
def test_nothing_older_than_agreed_is_spoken(server_folder: Path, *, require_client: bool) -> None:
    context = tls.server_context(server_folder, require_client=require_client).context
    assert context.minimum_version == (ssl.TLSVersion.TLSv1_3 if require_client else ssl.TLSVersion.TLSv1_2)
    names = [cipher["name"] for cipher in context.get_ciphers()]
    assert all("GCM" in name or "CHACHA20" in name for name in names)
    assert all(name.startswith(("TLS_", "ECDHE-")) for name in names)


def test_a_renewed_certificate_serves_the_next_handshake(server_folder: Path, client_folder: Path) -> None:
    server, client = mutual(server_folder, client_folder)
    before = shake(server.context, client.context).getpeercert(binary_form=True)
    assert server.reload_if_changed() is False
    SERVER.issue(server_folder, [NAME], peer=CLIENTS)
    assert server.reload_if_changed() is True
    assert shake(server.context, client.context).getpeercert(binary_form=True) != before


def test_a_renewal_caught_halfway_keeps_the_old_pair(server_folder: Path, client_folder: Path, tmp_path: Path) -> None:
    server, client = mutual(server_folder, client_folder)
    other = SERVER.issue(tmp_path / "other", [NAME])
    shutil.copy(other / "tls.crt", server_folder / "tls.crt")
    with pytest.raises(TlsError, match="server"):
        server.reload_if_changed()
    assert shake(server.context, client.context).version() == "TLSv1.3"
    shutil.copy(other / "tls.key", server_folder / "tls.key")
    assert server.reload_if_changed() is True
    assert shake(server.context, client.context).version() == "TLSv1.3"


def test_a_folder_as_the_kubelet_mounts_it_is_followed_through_its_link(tmp_path: Path, client_folder: Path) -> None:
    mount = tmp_path / "mount"
    SERVER.issue(mount / "..first", [NAME], peer=CLIENTS)
    SERVER.issue(mount / "..second", [NAME], peer=CLIENTS)
    (mount / "..data").symlink_to("..first")
    for name in ("tls.crt", "tls.key", "ca.crt"):
        (mount / name).symlink_to(f"..data/{name}")
    server, client = mutual(mount, client_folder)
    (mount / "..new").symlink_to("..second")
    (mount / "..new").rename(mount / "..data")
    assert server.reload_if_changed() is True
    assert shake(server.context, client.context).version() == "TLSv1.3"


def test_a_new_client_authority_is_trusted_after_the_reload(server_folder: Path, tmp_path: Path) -> None:
    successor = Authority("next client CA")
    server, client = mutual(server_folder, successor.issue(tmp_path / "next", ["app"], peer=SERVER))
    (server_folder / "ca.crt").write_bytes(CLIENTS.pem + successor.pem)
    assert server.reload_if_changed() is True
    assert shake(server.context, client.context).version() == "TLSv1.3"


@pytest.mark.parametrize("missing", ["tls.crt", "tls.key", "ca.crt"])
def test_a_missing_file_is_named(server_folder: Path, missing: str) -> None:
    (server_folder / missing).unlink()
    with pytest.raises(TlsError, match=missing):
        tls.server_context(server_folder, require_client=True)


@pytest.mark.parametrize("damaged", ["tls.crt", "tls.key", "ca.crt"])
def test_a_damaged_file_is_refused(server_folder: Path, damaged: str) -> None:
    (server_folder / damaged).write_text("not PEM")
    with pytest.raises(TlsError):
        tls.server_context(server_folder, require_client=True)

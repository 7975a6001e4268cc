"""What is made once stays: the platform CA, the root credential, the mirror's key; certificates follow their CA."""

from __future__ import annotations

import datetime as dt
from pathlib import Path

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import ed25519

from kozutumi_cluster.demo.kubectl import Kubectl
from kozutumi_cluster.errors import ClusterError
from kozutumi_cluster.platform import authority, names, operator_ports
from kozutumi_cluster.platform.authority import Data, Vault

NOW = dt.datetime(2026, 4, 1, tzinfo=dt.UTC)
HOSTS = ["s3.kozutumi-storage.svc", "s3.kozutumi-storage.svc.cluster.local"]


class MemoryVault(Vault):
    def __init__(self) -> None:
        super().__init__(Kubectl(Path("/none"), Path("/none")))
        object.__setattr__(self, "kept", {})
        self.kept: dict[tuple[str, str], Data]

    def read(self, name: str, namespace: str) -> Data | None:
        return self.kept.get((name, namespace))

    def write(self, name: str, namespace: str, data: Data) -> None:
        self.kept[name, namespace] = data


def server(vault: Vault, now: dt.datetime = NOW, hosts: list[str] = HOSTS) -> str:
    return authority.ensure_server(vault, authority.ensure_authority(vault, now), "s3-tls", names.STORAGE, hosts, now)


def test_a_second_installation_changes_nothing() -> None:
    vault = MemoryVault()
    first = (install(vault), dict(vault.kept))
    assert (install(vault), vault.kept) == first


def install(vault: Vault) -> tuple[str, bytes]:
    serial = server(vault)
    authority.ensure_root_credential(vault)
    return serial, authority.ensure_signing_key(vault, names.MIRROR_KEY)


def test_a_certificate_is_renewed_before_it_ends_and_says_so() -> None:
    vault = MemoryVault()
    first = server(vault)
    assert server(vault, NOW + dt.timedelta(days=300)) == first
    assert server(vault, NOW + dt.timedelta(days=340)) != first


def test_a_certificate_for_other_names_or_of_another_authority_is_replaced() -> None:
    vault = MemoryVault()
    first = server(vault)
    second = server(vault, hosts=HOSTS[:1])
    assert second != first
    del vault.kept[names.PLATFORM_CA, names.SYSTEM]
    assert server(vault, hosts=HOSTS[:1]) != second


def test_the_operators_copy_of_the_root_credential_is_repaired() -> None:
    vault = MemoryVault()
    authority.ensure_root_credential(vault)
    vault.write(names.S3_ROOT, names.SYSTEM, {"access-key-id": b"other", "secret-access-key": b"other"})
    authority.ensure_root_credential(vault)
    assert vault.read(names.S3_ROOT, names.SYSTEM) == vault.read(names.S3_ROOT, names.STORAGE)


def test_root_credentials_are_random() -> None:
    made = []
    for _ in range(2):
        vault = MemoryVault()
        authority.ensure_root_credential(vault)
        made.append(vault.read(names.S3_ROOT, names.STORAGE))
    assert made[0] != made[1]


def test_the_mirrors_public_key_is_the_one_of_its_signing_key() -> None:
    vault = MemoryVault()
    public = authority.ensure_signing_key(vault, names.MIRROR_KEY)
    private = serialization.load_pem_private_key(vault.kept[names.MIRROR_KEY, names.SYSTEM]["tls.key"], password=None)
    assert serialization.load_pem_public_key(public) == private.public_key()


def test_a_key_of_another_kind_is_refused_with_what_to_do() -> None:
    vault = MemoryVault()
    vault.write(names.MIRROR_KEY, names.SYSTEM, {"tls.key": edwards_key()})
    with pytest.raises(ClusterError, match="delete that Secret"):
        authority.ensure_signing_key(vault, names.MIRROR_KEY)


def edwards_key() -> bytes:
    key = ed25519.Ed25519PrivateKey.generate()
    return key.private_bytes(
        serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
    )


def test_each_port_of_the_operator_has_a_client_authority_of_its_own() -> None:
    vault = MemoryVault()
    platform = authority.ensure_authority(vault, NOW)
    operator_ports.ensure(vault, platform, NOW)
    first = dict(vault.kept)
    for port in (operator_ports.METRICS, operator_ports.REPORTS):
        trusted = x509.load_pem_x509_certificate(first[port.server, names.SYSTEM]["ca.crt"])
        shown = {
            each: x509.load_pem_x509_certificate(first[each.client, each.namespace]["tls.crt"])
            for each in (operator_ports.METRICS, operator_ports.REPORTS)
        }
        assert [each for each, certificate in shown.items() if certificate.issuer == trusted.subject] == [port]
    operator_ports.ensure(vault, platform, NOW)
    assert vault.kept == first

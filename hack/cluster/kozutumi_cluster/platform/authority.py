"""The platform's certificate authority and the secrets made under it. The cluster keeps them, once made, as Secrets."""

from __future__ import annotations

import base64
import datetime as dt
import json
import secrets
from dataclasses import dataclass
from typing import Any

from cryptography import x509
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import ec

from kozutumi_cluster import certificates
from kozutumi_cluster.certificates import Leaf, Pair
from kozutumi_cluster.demo.kubectl import Kubectl
from kozutumi_cluster.errors import ClusterError
from kozutumi_cluster.platform import names

Data = dict[str, bytes]
_PEM = serialization.Encoding.PEM


@dataclass(frozen=True)
class Vault:
    """Secrets of the cluster, read and written through kubectl's standard input: none is ever an argument."""

    kubectl: Kubectl

    def read(self, name: str, namespace: str) -> Data | None:
        words = ("get", "secret", name, "-n", namespace, "--ignore-not-found", "-o", "json")
        found = self.kubectl(*words)
        if not found.strip():
            return None
        return {key: base64.b64decode(value) for key, value in json.loads(found).get("data", {}).items()}

    def write(self, name: str, namespace: str, data: Data) -> None:
        words = ("apply", "--server-side", "--force-conflicts", "--field-manager=kozutumi-platform", "-f", "-")
        self.kubectl(*words, stdin=json.dumps(secret(name, namespace, data)))


def secret(name: str, namespace: str, data: Data) -> dict[str, Any]:
    encoded = {key: base64.b64encode(value).decode() for key, value in data.items()}
    return {
        "apiVersion": "v1",
        "kind": "Secret",
        "metadata": {"name": name, "namespace": namespace, "labels": {names.PART_OF: "kozutumi"}},
        "data": encoded,
    }


def ensure_authority(vault: Vault, now: dt.datetime) -> Pair:
    """The platform CA, made at the first installation. What trusts it trusts S3, mail, mirror and default endpoints."""
    found = vault.read(names.PLATFORM_CA, names.SYSTEM)
    if found is not None:
        return parse_pair(found["tls.crt"], found["tls.key"])
    made = certificates.make_authority("kozutumi-platform", now)
    vault.write(names.PLATFORM_CA, names.SYSTEM, pair_data(made, made.certificate))
    return made


def ensure_server(vault: Vault, authority: Pair, name: str, namespace: str, hosts: list[str], now: dt.datetime) -> str:
    """A server's certificate, renewed 30 days before it ends. Returns its serial number, to restart who uses it."""
    leaf = Leaf(hosts[0], "platform", hosts[0], names=tuple(hosts), server=True)
    found = vault.read(name, namespace)
    if found is not None:
        present = parse_pair(found["tls.crt"], found["tls.key"])
        if certificates.is_current(present.certificate, leaf, authority, now):
            return f"{present.certificate.serial_number:x}"
    made = certificates.issue(leaf, authority, now)
    vault.write(name, namespace, pair_data(made, authority.certificate))
    return f"{made.certificate.serial_number:x}"


def ensure_root_credential(vault: Vault) -> None:
    """The object store's root key, random, in the store's namespace and the operator's."""
    found = vault.read(names.S3_ROOT, names.STORAGE)
    if found is None:
        found = {
            "access-key-id": f"KZ{secrets.token_hex(9).upper()}".encode(),
            "secret-access-key": secrets.token_urlsafe(32).encode(),
        }
        vault.write(names.S3_ROOT, names.STORAGE, found)
    if vault.read(names.S3_ROOT, names.SYSTEM) != found:
        vault.write(names.S3_ROOT, names.SYSTEM, found)


def ensure_signing_key(vault: Vault, name: str) -> bytes:
    """A key of curve P-256 that signs for the platform (the mirror's manifest, certificates of disposal), made once.

    Returns its public half as PEM.
    """
    found = vault.read(name, names.SYSTEM)
    if found is None:
        found = {"tls.key": private_pem(ec.generate_private_key(ec.SECP256R1()))}
        vault.write(name, names.SYSTEM, found)
    public = _private_key(found["tls.key"]).public_key()
    return public.public_bytes(_PEM, serialization.PublicFormat.SubjectPublicKeyInfo)


def pair_data(pair: Pair, authority: x509.Certificate) -> Data:
    return {
        "ca.crt": authority.public_bytes(_PEM),
        "tls.crt": pair.certificate.public_bytes(_PEM),
        "tls.key": private_pem(pair.key),
    }


def parse_pair(certificate: bytes, key: bytes) -> Pair:
    return Pair(x509.load_pem_x509_certificate(certificate), _private_key(key))


def private_pem(key: ec.EllipticCurvePrivateKey) -> bytes:
    return key.private_bytes(_PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption())


def _private_key(pem: bytes) -> ec.EllipticCurvePrivateKey:
    key = serialization.load_pem_private_key(pem, password=None)
    if not isinstance(key, ec.EllipticCurvePrivateKey):
        raise ClusterError("A Secret of the platform holds a key that is not of an elliptic curve; delete that Secret.")
    return key

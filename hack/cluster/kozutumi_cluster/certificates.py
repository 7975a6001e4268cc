"""The cluster's own public key infrastructure: ECDSA P-256, one CA for each kind of trust."""

from __future__ import annotations

import datetime as dt
from dataclasses import dataclass
from ipaddress import IPv4Address
from pathlib import Path

from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import ExtendedKeyUsageOID, NameOID

from kozutumi_cluster import files
from kozutumi_cluster.layout import SERVICE_API_ADDRESS, Layout

_DAY = dt.timedelta(days=1)
_AUTHORITY_LIFE = 3650 * _DAY
_LEAF_LIFE = 365 * _DAY
_RENEW_BEFORE = 30 * _DAY
_SKEW = dt.timedelta(minutes=5)


@dataclass(frozen=True)
class Leaf:
    """A certificate to issue. Kubernetes takes the user's name from CN and the groups from O (RFC 5280 §4.1.2.6)."""

    name: str
    authority: str
    common_name: str
    organizations: tuple[str, ...] = ()
    names: tuple[str, ...] = ()
    addresses: tuple[IPv4Address, ...] = ()
    server: bool = False
    client: bool = False


AUTHORITIES = {"ca": "kozutumi-cluster", "front-proxy-ca": "kozutumi-front-proxy", "etcd-ca": "kozutumi-etcd"}


def leaves(node_name: str, node: IPv4Address) -> list[Leaf]:
    """Every certificate of the node driver's cluster."""
    loopback = IPv4Address("127.0.0.1")
    api_names = ("kubernetes", "kubernetes.default", "kubernetes.default.svc", "kubernetes.default.svc.cluster.local")
    return [
        Leaf(
            "apiserver",
            "ca",
            "kube-apiserver",
            names=(*api_names, "localhost", node_name),
            addresses=(IPv4Address(SERVICE_API_ADDRESS), node, loopback),
            server=True,
        ),
        Leaf("apiserver-kubelet-client", "ca", "kube-apiserver-kubelet-client", client=True),
        Leaf("kubelet", "ca", f"system:node:{node_name}", ("system:nodes",), client=True),
        Leaf("kubelet-serving", "ca", node_name, names=(node_name,), addresses=(node, loopback), server=True),
        Leaf("controller-manager", "ca", "system:kube-controller-manager", client=True),
        Leaf("scheduler", "ca", "system:kube-scheduler", client=True),
        Leaf("kube-proxy", "ca", "system:kube-proxy", client=True),
        Leaf("kube-router", "ca", "kube-router", client=True),
        Leaf("admin", "ca", "kubernetes-admin", ("system:masters",), client=True),
        Leaf("front-proxy-client", "front-proxy-ca", "front-proxy-client", client=True),
        Leaf("etcd-server", "etcd-ca", "etcd", names=("localhost",), addresses=(loopback,), server=True),
        Leaf("apiserver-etcd-client", "etcd-ca", "kube-apiserver-etcd-client", client=True),
    ]


@dataclass(frozen=True)
class Pair:
    certificate: x509.Certificate
    key: ec.EllipticCurvePrivateKey


def certificate_path(layout: Layout, name: str) -> Path:
    return layout.pki / f"{name}.crt"


def key_path(layout: Layout, name: str) -> Path:
    return layout.pki / f"{name}.key"


def make_authority(common_name: str, now: dt.datetime) -> Pair:
    key = ec.generate_private_key(ec.SECP256R1())
    subject = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, common_name)])
    usage = _key_usage(signs_certificates=True)
    certificate = (
        _builder(subject, subject, key.public_key(), (now - _SKEW, now + _AUTHORITY_LIFE))
        .add_extension(x509.BasicConstraints(ca=True, path_length=0), critical=True)
        .add_extension(usage, critical=True)
        .add_extension(x509.SubjectKeyIdentifier.from_public_key(key.public_key()), critical=False)
        .sign(key, hashes.SHA256())
    )
    return Pair(certificate, key)


def issue(leaf: Leaf, authority: Pair, now: dt.datetime) -> Pair:
    key = ec.generate_private_key(ec.SECP256R1())
    organizations = [x509.NameAttribute(NameOID.ORGANIZATION_NAME, name) for name in leaf.organizations]
    subject = x509.Name([*organizations, x509.NameAttribute(NameOID.COMMON_NAME, leaf.common_name)])
    issuer = authority.certificate.subject
    issuer_key = x509.AuthorityKeyIdentifier.from_issuer_public_key(authority.key.public_key())
    builder = (
        _builder(subject, issuer, key.public_key(), (now - _SKEW, now + _LEAF_LIFE))
        .add_extension(x509.BasicConstraints(ca=False, path_length=None), critical=True)
        .add_extension(_key_usage(signs_certificates=False), critical=True)
        .add_extension(x509.ExtendedKeyUsage(_extended_usages(leaf)), critical=False)
        .add_extension(issuer_key, critical=False)
    )
    alternative = _alternative_names(leaf)
    if alternative:
        builder = builder.add_extension(x509.SubjectAlternativeName(alternative), critical=False)
    return Pair(builder.sign(authority.key, hashes.SHA256()), key)


def is_current(certificate: x509.Certificate, leaf: Leaf, authority: Pair, now: dt.datetime) -> bool:
    """Whether the certificate still fits what is wanted and has more than 30 days to live."""
    if certificate.not_valid_after_utc - now < _RENEW_BEFORE:
        return False
    try:
        certificate.verify_directly_issued_by(authority.certificate)
    except Exception:  # noqa: BLE001 - whatever is wrong with it (issuer, signature, type), a new one is issued
        return False
    try:
        found = list(certificate.extensions.get_extension_for_class(x509.SubjectAlternativeName).value)
    except x509.ExtensionNotFound:
        found = []
    common_name = certificate.subject.get_attributes_for_oid(NameOID.COMMON_NAME)[0].value
    return found == _alternative_names(leaf) and common_name == leaf.common_name


def ensure(layout: Layout, node: IPv4Address, now: dt.datetime) -> None:
    """Write what is missing, about to end, or made for another address; leave everything else alone."""
    authorities = {name: _ensure_authority(layout, name, now) for name in AUTHORITIES}
    for leaf in leaves(layout.node_name, node):
        authority = authorities[leaf.authority]
        present = _read(layout, leaf.name)
        if present is None or not is_current(present.certificate, leaf, authority, now):
            _write(layout, leaf.name, issue(leaf, authority, now))
    if not key_path(layout, "service-account").exists():
        _write_service_account_key(layout)


def _ensure_authority(layout: Layout, name: str, now: dt.datetime) -> Pair:
    present = _read(layout, name)
    if present is None:
        present = make_authority(AUTHORITIES[name], now)
        _write(layout, name, present)
    return present


def _read(layout: Layout, name: str) -> Pair | None:
    certificate, key = certificate_path(layout, name), key_path(layout, name)
    if not (certificate.exists() and key.exists()):
        return None
    loaded = serialization.load_pem_private_key(key.read_bytes(), password=None)
    parsed = x509.load_pem_x509_certificate(certificate.read_bytes())
    # A run killed between the two files leaves a pair that does not belong together.
    if not isinstance(loaded, ec.EllipticCurvePrivateKey) or parsed.public_key() != loaded.public_key():
        return None
    return Pair(parsed, loaded)


def _write(layout: Layout, name: str, pair: Pair) -> None:
    files.write(key_path(layout, name), _private_pem(pair.key))
    files.write(certificate_path(layout, name), pair.certificate.public_bytes(serialization.Encoding.PEM), mode=0o644)


def _write_service_account_key(layout: Layout) -> None:
    key = ec.generate_private_key(ec.SECP256R1())
    public = key.public_key().public_bytes(serialization.Encoding.PEM, serialization.PublicFormat.SubjectPublicKeyInfo)
    files.write(layout.pki / "service-account.pub", public, mode=0o644)
    files.write(key_path(layout, "service-account"), _private_pem(key))


def _private_pem(key: ec.EllipticCurvePrivateKey) -> bytes:
    # "TraditionalOpenSSL" is SEC 1 (RFC 5915), which every Kubernetes component reads for EC keys.
    return key.private_bytes(
        serialization.Encoding.PEM, serialization.PrivateFormat.TraditionalOpenSSL, serialization.NoEncryption()
    )


def _builder(
    subject: x509.Name,
    issuer: x509.Name,
    key: ec.EllipticCurvePublicKey,
    life: tuple[dt.datetime, dt.datetime],
) -> x509.CertificateBuilder:
    return (
        x509.CertificateBuilder()
        .subject_name(subject)
        .issuer_name(issuer)
        .public_key(key)
        .serial_number(x509.random_serial_number())
        .not_valid_before(life[0])
        .not_valid_after(life[1])
    )


def _key_usage(*, signs_certificates: bool) -> x509.KeyUsage:
    return x509.KeyUsage(
        digital_signature=True,
        content_commitment=False,
        key_encipherment=False,
        data_encipherment=False,
        key_agreement=False,
        key_cert_sign=signs_certificates,
        crl_sign=signs_certificates,
        encipher_only=False,
        decipher_only=False,
    )


def _extended_usages(leaf: Leaf) -> list[x509.ObjectIdentifier]:
    usages = {ExtendedKeyUsageOID.SERVER_AUTH: leaf.server, ExtendedKeyUsageOID.CLIENT_AUTH: leaf.client}
    return [usage for usage, wanted in usages.items() if wanted]


def _alternative_names(leaf: Leaf) -> list[x509.GeneralName]:
    return [*(x509.DNSName(name) for name in leaf.names), *(x509.IPAddress(address) for address in leaf.addresses)]

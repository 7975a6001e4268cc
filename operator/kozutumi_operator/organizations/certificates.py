"""Certificates inside one organization (architecture.md §3): ECDSA P-256 (FIPS 186-5), X.509 by RFC 5280.

The caller passes the clock and the maker of keys; PEM goes in and out.
"""

from __future__ import annotations

import ipaddress
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import Enum
from typing import Final

from cryptography import x509
from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import ExtendedKeyUsageOID, NameOID

from kozutumi_contract.secret import Secret

LEAF_LIFE: Final = timedelta(days=30)
AUTHORITY_LIFE: Final = timedelta(days=3650)
CLOCK_SKEW: Final = timedelta(minutes=5)

KeyMaker = Callable[[], ec.EllipticCurvePrivateKey]


class Usage(Enum):
    SERVER = ExtendedKeyUsageOID.SERVER_AUTH
    CLIENT = ExtendedKeyUsageOID.CLIENT_AUTH


@dataclass(frozen=True, slots=True)
class Pair:
    """A certificate and its private key (PKCS #8), both PEM."""

    certificate: bytes
    private_key: Secret[bytes]


def new_key() -> ec.EllipticCurvePrivateKey:
    return ec.generate_private_key(ec.SECP256R1())


def authority(common_name: str, *, now: datetime, keys: KeyMaker = new_key, permitted: Sequence[str] = ()) -> Pair:
    """A self-signed CA. `permitted` limits it to names under these DNS domains (RFC 5280 §4.2.1.10)."""
    key = keys()
    name = _name(common_name)
    builder = (
        _builder(name, key, now, AUTHORITY_LIFE)
        .issuer_name(name)
        .add_extension(x509.BasicConstraints(ca=True, path_length=0), critical=True)
        .add_extension(_key_usage(signs_certificates=True), critical=True)
    )
    if permitted:
        subtrees = [x509.DNSName(domain) for domain in permitted]
        builder = builder.add_extension(x509.NameConstraints(subtrees, None), critical=True)
    return _signed(builder, key, key)


def issue(
    issuer: Pair,
    common_name: str,
    *,
    usage: Usage,
    hosts: Sequence[str] = (),
    now: datetime,
    keys: KeyMaker = new_key,
) -> Pair:
    """A leaf of LEAF_LIFE under `issuer`. `hosts` become subject alternative names, DNS or IP address."""
    issuer_certificate = x509.load_pem_x509_certificate(issuer.certificate)
    issuer_key = serialization.load_pem_private_key(issuer.private_key.reveal(), None)
    if not isinstance(issuer_key, ec.EllipticCurvePrivateKey):
        raise TypeError("the certificate authority's key is not an elliptic-curve key; replace the authority")
    key = keys()
    identifier = x509.AuthorityKeyIdentifier.from_issuer_public_key(issuer_key.public_key())
    builder = (
        _builder(_name(common_name), key, now, LEAF_LIFE)
        .issuer_name(issuer_certificate.subject)
        .add_extension(x509.BasicConstraints(ca=False, path_length=None), critical=True)
        .add_extension(_key_usage(signs_certificates=False), critical=True)
        .add_extension(x509.ExtendedKeyUsage([usage.value]), critical=False)
        .add_extension(identifier, critical=False)
    )
    if hosts:
        builder = builder.add_extension(x509.SubjectAlternativeName([_general_name(each) for each in hosts]), False)
    return _signed(builder, key, issuer_key)


def needs_renewal(pem: bytes, now: datetime) -> bool:
    """True from two thirds of its life on, and for what is no certificate at all."""
    try:
        certificate = x509.load_pem_x509_certificate(pem)
    except ValueError:
        return True
    start, end = certificate.not_valid_before_utc, certificate.not_valid_after_utc
    return now >= start + (end - start) * 2 / 3


def expires(pem: bytes) -> datetime | None:
    """End of validity, or None for what is no certificate."""
    try:
        return x509.load_pem_x509_certificate(pem).not_valid_after_utc
    except ValueError:
        return None


def fits(pair: Pair, issuer: bytes, *, usage: Usage, hosts: Sequence[str]) -> bool:
    """Tell whether the pair belongs together, was signed by `issuer` (PEM), and is for exactly `hosts`."""
    try:
        certificate = x509.load_pem_x509_certificate(pair.certificate)
        certificate.verify_directly_issued_by(x509.load_pem_x509_certificate(issuer))
        usages = certificate.extensions.get_extension_for_class(x509.ExtendedKeyUsage).value
    except (ValueError, TypeError, InvalidSignature, x509.ExtensionNotFound):
        return False
    return owns_key(pair) and usage.value in usages and _hosts(certificate) == sorted(hosts)


def owns_key(pair: Pair) -> bool:
    """Tell whether the private key is that of the certificate."""
    try:
        key = serialization.load_pem_private_key(pair.private_key.reveal(), None)
        certificate = x509.load_pem_x509_certificate(pair.certificate)
    except (ValueError, TypeError):
        return False
    return isinstance(key, ec.EllipticCurvePrivateKey) and key.public_key() == certificate.public_key()


def _hosts(certificate: x509.Certificate) -> list[str]:
    try:
        names = certificate.extensions.get_extension_for_class(x509.SubjectAlternativeName).value
    except x509.ExtensionNotFound:
        return []
    return sorted(str(each.value) for each in names)


def _general_name(host: str) -> x509.GeneralName:
    try:
        return x509.IPAddress(ipaddress.ip_address(host))
    except ValueError:
        return x509.DNSName(host)


def _name(common_name: str) -> x509.Name:
    return x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, common_name)])


def _builder(
    subject: x509.Name, key: ec.EllipticCurvePrivateKey, now: datetime, life: timedelta
) -> x509.CertificateBuilder:
    return (
        x509.CertificateBuilder()
        .subject_name(subject)
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(now - CLOCK_SKEW)
        .not_valid_after(now + life)
        .add_extension(x509.SubjectKeyIdentifier.from_public_key(key.public_key()), critical=False)
    )


def _key_usage(*, signs_certificates: bool) -> x509.KeyUsage:
    return x509.KeyUsage(
        digital_signature=not signs_certificates,
        key_cert_sign=signs_certificates,
        crl_sign=signs_certificates,
        content_commitment=False,
        key_encipherment=False,
        data_encipherment=False,
        key_agreement=False,
        encipher_only=False,
        decipher_only=False,
    )


def _signed(
    builder: x509.CertificateBuilder, key: ec.EllipticCurvePrivateKey, signer: ec.EllipticCurvePrivateKey
) -> Pair:
    certificate = builder.sign(signer, hashes.SHA256())
    private = key.private_bytes(
        serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
    )
    return Pair(certificate.public_bytes(serialization.Encoding.PEM), Secret(private))

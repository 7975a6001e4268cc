"""Whether a certificate that others made may be served, and in which words to say why not.

What is given is checked, then copied into the Secret that is served; so a bad one never replaces a good one.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Final

from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec, rsa
from cryptography.x509.oid import ExtendedKeyUsageOID

from kozutumi_operator.manifests import names, secret
from kozutumi_operator.organizations import endpoint
from kozutumi_operator.organizations.observed import Observed
from kozutumi_operator.organizations.reasons import Reason
from kozutumi_operator.organizations.spec import Organization
from kozutumi_operator.platform import PlatformSettings

RSA_BITS: Final = 2048  # NIST SP 800-57 part 1 §5.6.1
_WEAK: Final = (hashes.MD5, hashes.SHA1)


@dataclass(frozen=True, slots=True)
class Fault:
    """Why the given pair is not served; `message` names the next action."""

    reason: Reason
    message: str


def source(organization: Organization) -> str | None:
    """The Secret that others fill: the customer, or cert-manager. None: the platform CA signs."""
    if organization.tls_secret is not None:
        return organization.tls_secret
    return names.ISSUED_TLS if organization.tls_issuer is not None else None


def judge(organization: Organization, platform: PlatformSettings, observed: Observed, now: datetime) -> Fault | None:
    """None where there is nothing to complain of; else why the source's pair is not served."""
    name = source(organization)
    if name is None:
        return None
    live = observed.get("Secret", name)
    entries = secret.entries(live) if live else {}
    if not entries.get(names.CERTIFICATE) or not entries.get(names.PRIVATE_KEY):
        return _missing(organization, name, exists=live is not None)
    fault = check(entries, endpoint.hosts(organization, platform), now)
    if fault is None:
        return None
    what = _replace(organization, name)
    return Fault(fault.reason, f"Secret {name}: {fault.message}. The last good certificate is kept; {what}")


def check(entries: Mapping[str, bytes], hosts: Sequence[str], now: datetime) -> Fault | None:
    """Judge tls.crt (leaf first, RFC 8446 §4.4.2) and tls.key, both PEM."""
    try:
        leaf = x509.load_pem_x509_certificates(entries[names.CERTIFICATE])[0]
        usages = _extended_usages(leaf)
    except ValueError:
        return Fault(Reason.CERTIFICATE_UNUSABLE, "tls.crt is not a PEM certificate")
    if (unusable := _unusable(leaf, usages, entries[names.PRIVATE_KEY])) is not None:
        return Fault(Reason.CERTIFICATE_UNUSABLE, unusable)
    if now >= leaf.not_valid_after_utc:
        return Fault(Reason.CERTIFICATE_EXPIRED, f"it ended on {leaf.not_valid_after_utc:%Y-%m-%d %H:%M} UTC")
    if now < leaf.not_valid_before_utc:
        return Fault(Reason.CERTIFICATE_UNUSABLE, f"it begins only on {leaf.not_valid_before_utc:%Y-%m-%d %H:%M} UTC")
    if missing := [host for host in hosts if not covers(leaf, host)]:
        return Fault(Reason.CERTIFICATE_HOSTS_MISSING, f"it is not for {', '.join(missing)}")
    return None


def covers(certificate: x509.Certificate, host: str) -> bool:
    """RFC 9525 §6.3: the exact name, or a wildcard for its whole first label."""
    try:
        alternatives = certificate.extensions.get_extension_for_class(x509.SubjectAlternativeName).value
    except (x509.ExtensionNotFound, ValueError):
        return False
    found = {name.lower() for name in alternatives.get_values_for_type(x509.DNSName)}
    _, _, parent = host.partition(".")
    return host in found or f"*.{parent}" in found


def expiring(organization: Organization, observed: Observed, now: datetime) -> datetime | None:
    """The end of a given certificate that should have been replaced by now, or None.

    A customer is told from two thirds of its life on; an issuer renews just then, so it gets half of the rest.
    """
    name = source(organization)
    live = observed.get("Secret", name) if name is not None else None
    try:
        leaf = x509.load_pem_x509_certificate(secret.entries(live or {}).get(names.CERTIFICATE, b""))
    except ValueError:
        return None
    life = leaf.not_valid_after_utc - leaf.not_valid_before_utc
    patience = life / 3 if organization.tls_secret is not None else life / 6
    return leaf.not_valid_after_utc if now >= leaf.not_valid_after_utc - patience else None


def moments(pem: bytes) -> list[datetime]:
    """When something about a certificate changes: begin, renewal (2/3), last warning (5/6), end."""
    try:
        certificate = x509.load_pem_x509_certificate(pem)
    except ValueError:
        return []
    start, end = certificate.not_valid_before_utc, certificate.not_valid_after_utc
    return [start, start + (end - start) * 2 / 3, end - (end - start) / 6, end]


def next_moment(observed: Observed, now: datetime) -> datetime | None:
    """The next time at which a look at the organization's certificates is worth it, or None."""
    found = [
        moment
        for live in observed.of_kind("Secret")
        for name, pem in secret.entries(live).items()
        if name.endswith(".crt")
        for moment in moments(pem)
    ]
    return min((moment + timedelta(seconds=1) for moment in found if moment > now), default=None)


def _unusable(leaf: x509.Certificate, usages: Sequence[x509.ObjectIdentifier] | None, pem_key: bytes) -> str | None:
    if usages is not None and ExtendedKeyUsageOID.SERVER_AUTH not in usages:
        return "it is not for TLS servers (extended key usage serverAuth)"
    if isinstance(leaf.signature_hash_algorithm, _WEAK):
        return "it is signed with a broken hash (SHA-1 or MD5)"
    return _unfitting(leaf, pem_key)


def _unfitting(leaf: x509.Certificate, pem_key: bytes) -> str | None:
    try:
        key = serialization.load_pem_private_key(pem_key, None)
    except TypeError:
        return "tls.key is encrypted; store it without a passphrase"
    except ValueError:
        return "tls.key is not a PEM private key"
    if not isinstance(key, ec.EllipticCurvePrivateKey | rsa.RSAPrivateKey):
        return "its key is neither ECDSA nor RSA, which browsers need"
    if isinstance(key, rsa.RSAPrivateKey) and key.key_size < RSA_BITS:
        return f"its RSA key is shorter than {RSA_BITS} bits"
    return None if key.public_key() == leaf.public_key() else "tls.key is not the key of tls.crt"


def _extended_usages(leaf: x509.Certificate) -> list[x509.ObjectIdentifier] | None:
    try:
        return list(leaf.extensions.get_extension_for_class(x509.ExtendedKeyUsage).value)
    except x509.ExtensionNotFound:
        return None


def _missing(organization: Organization, name: str, *, exists: bool) -> Fault:
    if organization.tls_issuer is not None:
        message = f"The issuer has not signed yet; if it stays so, {_replace(organization, name)}"
        return Fault(Reason.CERTIFICATE_ISSUING, message)
    what = "lacks tls.crt or tls.key" if exists else "does not exist"
    return Fault(Reason.CERTIFICATE_SECRET_MISSING, f"Secret {name} {what}; {_replace(organization, name)}")


def _replace(organization: Organization, name: str) -> str:
    namespace = organization.namespace
    if organization.tls_issuer is not None:
        return f"see kubectl -n {namespace} describe certificate {names.PUBLIC_CERTIFICATE}."
    return f"run kubectl -n {namespace} create secret tls {name} --cert=FILE --key=FILE (or replace its data)."

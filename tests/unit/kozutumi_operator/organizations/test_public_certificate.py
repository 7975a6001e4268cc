"""What others give to be served is checked, told in words, and never takes the place of something good."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Any

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ed25519, rsa
from cryptography.x509.oid import NameOID

import endpoint_builders as endpoints
from endpoint_builders import HOSTS, NOW, given, platform, tls_secret
from kozutumi_contract.secret import Secret
from kozutumi_operator.manifests import names
from kozutumi_operator.organizations import certificates, materials, public_certificate
from kozutumi_operator.organizations.certificates import Pair, Usage
from kozutumi_operator.organizations.materials import Materials, PlatformAuthority
from kozutumi_operator.organizations.observed import Object, observe
from kozutumi_operator.organizations.reasons import Reason
from operator_builders import organization

DAY = timedelta(days=1)
SHORT = 1024  # what must not be served
PLATFORM_CA = certificates.authority("platform", now=NOW)
GIVEN = organization(endpoint=endpoints.TYPES["secret"])
ISSUED = organization(endpoint=endpoints.TYPES["issuer"])


def signed(key: Any, host: str = HOSTS[0], digest: Any = None) -> Pair:
    """A self-signed pair of any kind of key."""
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "given")])
    builder = (
        x509.CertificateBuilder(name, name, key.public_key(), x509.random_serial_number(), NOW - DAY, NOW + DAY)
    ).add_extension(x509.SubjectAlternativeName([x509.DNSName(host)]), critical=False)
    made = builder.sign(key, digest)
    pem = serialization.Encoding.PEM
    private = key.private_bytes(pem, serialization.PrivateFormat.PKCS8, serialization.NoEncryption())
    return Pair(made.public_bytes(pem), Secret(private))


def encrypted(pair: Pair) -> Pair:
    key = serialization.load_pem_private_key(pair.private_key.reveal(), None)
    how = serialization.BestAvailableEncryption(b"passphrase")
    private = key.private_bytes(serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, how)
    return Pair(pair.certificate, Secret(private))


GOOD = given()
FAULTS: dict[str, tuple[Pair, Reason, str]] = {
    "no certificate": (Pair(b"hello", GOOD.private_key), Reason.CERTIFICATE_UNUSABLE, "not a PEM certificate"),
    "no key": (Pair(GOOD.certificate, Secret(b"hello")), Reason.CERTIFICATE_UNUSABLE, "not a PEM private key"),
    "another's key": (Pair(GOOD.certificate, given().private_key), Reason.CERTIFICATE_UNUSABLE, "not the key"),
    "a passphrase": (encrypted(GOOD), Reason.CERTIFICATE_UNUSABLE, "encrypted"),
    "a client's certificate": (given(usage=Usage.CLIENT), Reason.CERTIFICATE_UNUSABLE, "serverAuth"),
    "a short RSA key": (
        signed(rsa.generate_private_key(65537, SHORT), digest=hashes.SHA256()),
        Reason.CERTIFICATE_UNUSABLE,
        "2048",
    ),
    "Ed25519": (signed(ed25519.Ed25519PrivateKey.generate()), Reason.CERTIFICATE_UNUSABLE, "neither"),
    "expired": (given(now=NOW - 31 * DAY), Reason.CERTIFICATE_EXPIRED, "ended on 2026-11-23"),
    "not begun": (given(now=NOW + DAY), Reason.CERTIFICATE_UNUSABLE, "begins only on"),
    "a host less": (given(HOSTS[0]), Reason.CERTIFICATE_HOSTS_MISSING, HOSTS[1]),
    "a wildcard too high": (given("*.com", HOSTS[1]), Reason.CERTIFICATE_HOSTS_MISSING, HOSTS[0]),
}


def judged(pair: Pair, now: datetime = NOW) -> public_certificate.Fault | None:
    return public_certificate.judge(GIVEN, platform(), observe([tls_secret("given", pair)]), now)


@pytest.mark.parametrize("what", FAULTS)
def test_what_may_not_be_served_is_named_with_what_to_do(what: str) -> None:
    pair, reason, words = FAULTS[what]
    fault = judged(pair)
    assert fault is not None
    assert fault.reason is reason
    assert words in fault.message
    assert "kubectl -n kz-acme create secret tls given" in fault.message
    assert pair.private_key.reveal().decode() not in fault.message


@pytest.mark.parametrize(
    "pair",
    [GOOD, given("*.example.com", "acme.example.org", "more.example"), given("*.example.com", "*.example.org")],
)
def test_what_may_be_served(pair: Pair) -> None:
    assert judged(pair) is None


def test_an_rsa_key_of_2048_bits_may_be_served() -> None:
    host = {"type": "LoadBalancer", "hosts": [HOSTS[0]], "tls": {"secretRef": {"name": "given"}}}
    pair = signed(rsa.generate_private_key(65537, 2048), digest=hashes.SHA256())
    observed = observe([tls_secret("given", pair)])
    assert public_certificate.judge(organization(endpoint=host), platform(), observed, NOW) is None


def test_a_secret_that_is_not_there_is_told_apart_from_an_empty_one() -> None:
    absent = public_certificate.judge(GIVEN, platform(), observe([]), NOW)
    half = tls_secret("given", Pair(b"", GOOD.private_key))
    empty = public_certificate.judge(GIVEN, platform(), observe([half]), NOW)
    assert absent is not None
    assert empty is not None
    assert (absent.reason, empty.reason) == (Reason.CERTIFICATE_SECRET_MISSING, Reason.CERTIFICATE_SECRET_MISSING)
    assert ("does not exist" in absent.message, "lacks" in empty.message) == (True, True)


def test_an_issuer_that_has_not_signed_is_waited_for() -> None:
    fault = public_certificate.judge(ISSUED, platform(), observe([]), NOW)
    assert fault is not None
    assert fault.reason is Reason.CERTIFICATE_ISSUING
    assert "describe certificate app-public" in fault.message


def served(*things: Object, spec: Any = GIVEN) -> dict[str, bytes]:
    """What the app would be shown, as entries; empty where there is nothing to show."""
    authority = PlatformAuthority(
        certificate=PLATFORM_CA.certificate.decode(),
        private_key=Secret(PLATFORM_CA.private_key.reveal().decode()),
        mirror_public_key="",
    )
    made: Materials = materials.prepare(
        spec, platform(), authority, observe(things), None, node_port=None, now=NOW, random=lambda count: b"r" * count
    )
    return {name: value.reveal() for name, value in made.secrets.get(names.APP_PUBLIC_TLS, {}).items()}


@pytest.mark.parametrize(("spec", "source"), [(GIVEN, "given"), (ISSUED, names.ISSUED_TLS)])
def test_a_good_pair_is_copied(spec: Any, source: str) -> None:
    entries = served(tls_secret(source, GOOD), spec=spec)
    assert entries == {names.CERTIFICATE: GOOD.certificate, names.PRIVATE_KEY: GOOD.private_key.reveal()}


@pytest.mark.parametrize("what", FAULTS)
def test_a_bad_pair_leaves_the_last_good_one(what: str) -> None:
    last = given()
    entries = served(tls_secret("given", FAULTS[what][0]), tls_secret(names.APP_PUBLIC_TLS, last))
    assert entries[names.CERTIFICATE] == last.certificate


def test_without_anything_good_nothing_is_served() -> None:
    assert served() == {}
    assert served(tls_secret("given", FAULTS["another's key"][0])) == {}


def test_back_at_the_platform_s_ca_it_signs_anew() -> None:
    plain = organization(endpoint={"type": "LoadBalancer", "hosts": list(HOSTS)})
    entries = served(tls_secret(names.APP_PUBLIC_TLS, GOOD), spec=plain)
    pair = Pair(entries[names.CERTIFICATE], Secret(entries[names.PRIVATE_KEY]))
    assert certificates.fits(pair, PLATFORM_CA.certificate, usage=Usage.SERVER, hosts=HOSTS)


@pytest.mark.parametrize(("days", "warned", "patient"), [(19, False, False), (21, True, False), (26, True, True)])
def test_the_end_is_told_in_time_and_an_issuer_gets_more_of_it(days: int, warned: object, patient: object) -> None:
    now = NOW + days * DAY
    by_hand = public_certificate.expiring(GIVEN, observe([tls_secret("given", GOOD)]), now)
    issued = public_certificate.expiring(ISSUED, observe([tls_secret(names.ISSUED_TLS, GOOD)]), now)
    assert (by_hand is not None, issued is not None) == (warned, patient)


def test_the_next_look_comes_before_anything_ends() -> None:
    secrets = [tls_secret("given", GOOD), tls_secret("other", given(now=NOW - 15 * DAY))]
    found = public_certificate.next_moment(observe(secrets), NOW)
    assert found is not None
    assert NOW < found <= NOW + 5 * DAY + timedelta(minutes=1)
    assert public_certificate.next_moment(observe([]), NOW) is None


def test_a_moment_that_has_passed_is_not_waited_for_again() -> None:
    secrets = observe([tls_secret("given", GOOD)])
    now = NOW
    seen = []
    while (moment := public_certificate.next_moment(secrets, now)) is not None:
        assert moment > now
        now = moment
        seen.append(moment)
    assert len(seen) == 3  # renewal, last warning, end

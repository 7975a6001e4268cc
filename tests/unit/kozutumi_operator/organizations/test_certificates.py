from __future__ import annotations

import ssl
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from cryptography import x509
from cryptography.x509 import verification

from kozutumi_contract.secret import Secret
from kozutumi_operator.organizations import certificates
from kozutumi_operator.organizations.certificates import Pair, Usage

NOW = datetime(2026, 11, 24, 12, 0, tzinfo=UTC)
HOST = "app.kz-acme.svc"
ACME = certificates.authority("acme server ca", now=NOW, permitted=("kz-acme.svc",))
BETA = certificates.authority("beta server ca", now=NOW, permitted=("kz-beta.svc",))
LEAF = certificates.issue(ACME, "app", usage=Usage.SERVER, hosts=(HOST,), now=NOW)


def accepted(pair: Pair, authority: Pair, host: str, when: datetime = NOW) -> bool:
    store = verification.Store([x509.load_pem_x509_certificate(authority.certificate)])
    verifier = verification.PolicyBuilder().store(store).time(when).build_server_verifier(x509.DNSName(host))
    try:
        verifier.verify(x509.load_pem_x509_certificate(pair.certificate), [])
    except verification.VerificationError:
        return False
    return True


def test_a_strict_verifier_accepts_the_leaf_for_its_host_alone() -> None:
    assert accepted(LEAF, ACME, HOST)
    assert not accepted(LEAF, ACME, "scanner.kz-acme.svc")
    assert not accepted(LEAF, BETA, HOST)
    assert not accepted(LEAF, ACME, HOST, NOW + timedelta(days=31))


def test_an_organization_s_authority_is_worthless_for_another_s_names() -> None:
    forged = certificates.issue(ACME, "app", usage=Usage.SERVER, hosts=("app.kz-beta.svc",), now=NOW)
    assert not accepted(forged, ACME, "app.kz-beta.svc")


def test_a_client_certificate_does_not_serve() -> None:
    client = certificates.issue(ACME, "app", usage=Usage.CLIENT, hosts=(HOST,), now=NOW)
    assert not accepted(client, ACME, HOST)


def test_openssl_loads_the_pair(tmp_path: Path) -> None:
    (tmp_path / "tls.crt").write_bytes(LEAF.certificate)
    (tmp_path / "tls.key").write_bytes(LEAF.private_key.reveal())
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(tmp_path / "tls.crt", tmp_path / "tls.key")
    context.load_verify_locations(cadata=ACME.certificate.decode())
    assert len(context.get_ca_certs()) == 1


def test_renewal_is_due_from_two_thirds_of_its_life() -> None:
    assert not certificates.needs_renewal(LEAF.certificate, NOW + timedelta(days=19, hours=23))
    assert certificates.needs_renewal(LEAF.certificate, NOW + timedelta(days=20, minutes=1))
    assert certificates.needs_renewal(b"no certificate", NOW)


@pytest.mark.parametrize(
    ("pair", "issuer", "usage", "hosts", "fits"),
    [
        (LEAF, ACME, Usage.SERVER, (HOST,), True),
        (LEAF, BETA, Usage.SERVER, (HOST,), False),
        (LEAF, ACME, Usage.CLIENT, (HOST,), False),
        (LEAF, ACME, Usage.SERVER, (HOST, "more.example"), False),
        (Pair(LEAF.certificate, BETA.private_key), ACME, Usage.SERVER, (HOST,), False),
        (Pair(b"", Secret(b"")), ACME, Usage.SERVER, (HOST,), False),
        (Pair(LEAF.certificate, Secret(b"rubbish")), ACME, Usage.SERVER, (HOST,), False),
    ],
)
def test_fits(pair: Pair, issuer: Pair, usage: Usage, hosts: tuple[str, ...], *, fits: bool) -> None:
    assert certificates.fits(pair, issuer.certificate, usage=usage, hosts=hosts) is fits


def test_addresses_become_address_names() -> None:
    pair = certificates.issue(ACME, "app", usage=Usage.SERVER, hosts=("192.0.2.1",), now=NOW)
    assert certificates.fits(pair, ACME.certificate, usage=Usage.SERVER, hosts=("192.0.2.1",))

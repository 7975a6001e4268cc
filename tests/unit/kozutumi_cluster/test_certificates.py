from __future__ import annotations

import datetime as dt
from dataclasses import replace
from ipaddress import IPv4Address
from pathlib import Path

import pytest
from cryptography import x509
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import ExtendedKeyUsageOID

from kozutumi_cluster import certificates
from kozutumi_cluster.certificates import Leaf, Pair
from kozutumi_cluster.layout import Layout

NOW = dt.datetime(2026, 1, 1, tzinfo=dt.UTC)
NODE = IPv4Address("10.89.7.2")


@pytest.fixture(scope="module")
def authority() -> Pair:
    return certificates.make_authority("test", NOW)


def leaf(name: str) -> Leaf:
    return next(found for found in certificates.leaves("t-node", NODE) if found.name == name)


def usages(pair: Pair) -> set[x509.ObjectIdentifier]:
    return set(pair.certificate.extensions.get_extension_for_class(x509.ExtendedKeyUsage).value)


def test_the_api_server_is_known_by_its_service_and_its_node(authority: Pair) -> None:
    issued = certificates.issue(leaf("apiserver"), authority, NOW).certificate
    names = issued.extensions.get_extension_for_class(x509.SubjectAlternativeName).value
    assert "kubernetes.default.svc" in names.get_values_for_type(x509.DNSName)
    assert {IPv4Address("10.96.0.1"), NODE} <= set(names.get_values_for_type(x509.IPAddress))


def test_the_kubelet_is_a_node_to_the_node_authorizer(authority: Pair) -> None:
    issued = certificates.issue(leaf("kubelet"), authority, NOW).certificate
    assert issued.subject.rfc4514_string() == "CN=system:node:t-node,O=system:nodes"


def test_only_the_administrator_is_in_the_masters_group() -> None:
    masters = [found.name for found in certificates.leaves("t", NODE) if "system:masters" in found.organizations]
    assert masters == ["admin"]


@pytest.mark.parametrize(
    ("name", "usage"),
    [
        ("apiserver", ExtendedKeyUsageOID.SERVER_AUTH),
        ("kubelet-serving", ExtendedKeyUsageOID.SERVER_AUTH),
        ("etcd-server", ExtendedKeyUsageOID.SERVER_AUTH),
        ("admin", ExtendedKeyUsageOID.CLIENT_AUTH),
        ("apiserver-etcd-client", ExtendedKeyUsageOID.CLIENT_AUTH),
    ],
)
def test_a_certificate_serves_one_purpose(authority: Pair, name: str, usage: x509.ObjectIdentifier) -> None:
    assert usages(certificates.issue(leaf(name), authority, NOW)) == {usage}


def test_every_certificate_is_for_something() -> None:
    assert all(found.server or found.client for found in certificates.leaves("t", NODE))


def test_etcd_and_the_front_proxy_trust_authorities_of_their_own() -> None:
    by_name = {found.name: found.authority for found in certificates.leaves("t", NODE)}
    assert by_name["apiserver-etcd-client"] == by_name["etcd-server"] == "etcd-ca"
    assert by_name["front-proxy-client"] == "front-proxy-ca"


def test_a_fresh_certificate_is_current(authority: Pair) -> None:
    issued = certificates.issue(leaf("apiserver"), authority, NOW).certificate
    assert certificates.is_current(issued, leaf("apiserver"), authority, NOW)


def test_a_certificate_is_renewed_before_its_end_for_another_address_or_authority(authority: Pair) -> None:
    wanted = leaf("apiserver")
    issued = certificates.issue(wanted, authority, NOW).certificate
    late = NOW + dt.timedelta(days=340)
    elsewhere = replace(wanted, addresses=(IPv4Address("10.89.8.2"),))
    stranger = certificates.make_authority("test", NOW)
    assert not certificates.is_current(issued, wanted, authority, late)
    assert not certificates.is_current(issued, elsewhere, authority, NOW)
    assert not certificates.is_current(issued, wanted, stranger, NOW)


def test_ensure_keeps_what_is_good_and_hides_keys(tmp_path: Path) -> None:
    layout = Layout("t", tmp_path)
    certificates.ensure(layout, NODE, NOW)
    before = {path.name: path.read_bytes() for path in layout.pki.iterdir()}
    certificates.ensure(layout, NODE, NOW)
    assert {path.name: path.read_bytes() for path in layout.pki.iterdir()} == before
    assert {path.stat().st_mode & 0o777 for path in layout.pki.glob("*.key")} == {0o600}


def test_a_pair_torn_by_a_killed_run_is_replaced(tmp_path: Path) -> None:
    layout = Layout("t", tmp_path)
    certificates.ensure(layout, NODE, NOW)
    key = certificates.key_path(layout, "admin")
    key.write_bytes(certificates.key_path(layout, "scheduler").read_bytes())
    certificates.ensure(layout, NODE, NOW)
    repaired = certificates._read(layout, "admin")
    assert repaired is not None
    assert isinstance(repaired.key, ec.EllipticCurvePrivateKey)

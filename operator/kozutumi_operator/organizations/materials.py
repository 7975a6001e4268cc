"""What rendering cannot make up: keys, certificates, credentials, the allotted node port."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Final

from kozutumi_contract.secret import Secret
from kozutumi_operator.manifests import names
from kozutumi_operator.manifests import secret as secrets
from kozutumi_operator.organizations import certificates, endpoint, fronts, public_certificate, storage_credential
from kozutumi_operator.organizations.certificates import Pair, Usage
from kozutumi_operator.organizations.observed import Observed
from kozutumi_operator.organizations.spec import Organization
from kozutumi_operator.organizations.storage_credential import StorageRecord
from kozutumi_operator.platform import PlatformSettings

SESSION_KEY_BYTES: Final = 32
SERVER_CA: Final = "server-ca"
OPERATOR_CLIENT_CA: Final = "operator-client-ca"
APP_CLIENT_CA: Final = "app-client-ca"
MONITORING_CLIENT_CA: Final = "monitoring-client-ca"
EGRESS_CLIENT_CA: Final = "egress-client-ca"
AUTHORITIES: Final = (SERVER_CA, OPERATOR_CLIENT_CA, APP_CLIENT_CA, MONITORING_CLIENT_CA)

Entries = Mapping[str, Secret[bytes]]


@dataclass(frozen=True, slots=True, kw_only=True)
class PlatformAuthority:
    """The platform CA (PEM), which signs public certificates, and the mirror's public key (PEM)."""

    certificate: str
    private_key: Secret[str]
    mirror_public_key: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Materials:
    """`secrets`: name of the Secret → entries, in the clear. `node_port` None: not allotted yet."""

    secrets: Mapping[str, Entries]
    platform_ca: str
    mirror_public_key: str
    node_port: int | None = None
    scanner_asleep: bool = False


@dataclass(frozen=True, slots=True)
class _Leaf:
    """`trust` is the authority whose certificate stands beside the pair as ca.crt."""

    issuer: str
    usage: Usage
    trust: str
    service: str = ""


LEAVES: Final = {
    names.APP_INTERNAL_TLS: _Leaf(SERVER_CA, Usage.SERVER, OPERATOR_CLIENT_CA, names.APP),
    names.APP_METRICS_TLS: _Leaf(SERVER_CA, Usage.SERVER, MONITORING_CLIENT_CA, names.APP),
    names.SCANNER_TLS: _Leaf(SERVER_CA, Usage.SERVER, APP_CLIENT_CA, names.SCANNER),
    names.SCANNER_METRICS_TLS: _Leaf(SERVER_CA, Usage.SERVER, MONITORING_CLIENT_CA, names.SCANNER),
    names.OPERATOR_CLIENT_TLS: _Leaf(OPERATOR_CLIENT_CA, Usage.CLIENT, SERVER_CA),
    names.APP_SCANNER_CLIENT_TLS: _Leaf(APP_CLIENT_CA, Usage.CLIENT, SERVER_CA),
    names.MONITORING_CLIENT_TLS: _Leaf(MONITORING_CLIENT_CA, Usage.CLIENT, SERVER_CA),
}
# Only where the organization lists hosts.
EGRESS_LEAVES: Final = {
    names.EGRESS_PROXY_TLS: _Leaf(SERVER_CA, Usage.SERVER, EGRESS_CLIENT_CA, names.EGRESS_PROXY),
    names.APP_EGRESS_CLIENT_TLS: _Leaf(EGRESS_CLIENT_CA, Usage.CLIENT, SERVER_CA),
}
BACKEND: Final = _Leaf(SERVER_CA, Usage.SERVER, SERVER_CA, names.PUBLIC_SERVICE)


def prepare(
    organization: Organization,
    platform: PlatformSettings,
    authority: PlatformAuthority,
    observed: Observed,
    credential: StorageRecord | None,
    *,
    node_port: int | None,
    now: datetime,
    random: Callable[[int], bytes],
) -> Materials:
    """Keep what the observed Secrets hold and is still good, make what is missing or due for renewal.

    Idempotent: with nothing due, two calls give equal values. `credential` None means storage is not
    ready; its Secret is then left as it is. `node_port`: the one recorded in status.url, or None.
    """
    present = {thing["metadata"]["name"]: secrets.entries(thing) for thing in observed.of_kind("Secret")}
    authorities = _authorities(organization, present.get(names.INTERNAL_CA, {}), now)
    prepared: dict[str, Entries] = {
        names.INTERNAL_CA: _joined(authorities),
        names.SESSION_KEY: _session_key(present.get(names.SESSION_KEY, {}), random),
        **_public(organization, platform, authority, observed, now),
    }
    by_name = any(each.host for each in organization.extra_egress)
    leaves = (
        LEAVES
        | (EGRESS_LEAVES if by_name else {})
        | ({names.APP_BACKEND_TLS: BACKEND} if fronts.stands_before(organization) else {})
    )
    for name, leaf in leaves.items():
        prepared[name] = _leaf(organization, leaf, authorities, present.get(name, {}), now)
    if by_name:
        prepared[names.EGRESS_PROXY_TLS] = _bundled(prepared[names.EGRESS_PROXY_TLS])
    if organization.endpoint_type == "Ingress":
        prepared[names.BACKEND_CA] = {names.TRUST: Secret(authorities[SERVER_CA].certificate)}
    held = present.get(names.STORAGE_CREDENTIAL, {})
    if credential is not None:
        prepared[names.STORAGE_CREDENTIAL] = storage_credential.entries(credential)
    elif held:
        prepared[names.STORAGE_CREDENTIAL] = {name: Secret(value) for name, value in held.items()}
    return Materials(
        secrets=prepared,
        platform_ca=authority.certificate,
        mirror_public_key=authority.mirror_public_key,
        node_port=node_port or allotted_node_port(observed),
    )


def allotted_node_port(observed: Observed) -> int | None:
    """The node port of the live public Service."""
    service = observed.get("Service", names.PUBLIC_SERVICE)
    ports = (service or {}).get("spec", {}).get("ports") or [{}]
    port = ports[0].get("nodePort")
    return port if isinstance(port, int) else None


def _authorities(organization: Organization, present: Mapping[str, bytes], now: datetime) -> dict[str, Pair]:
    domains = tuple(f"{organization.namespace}.svc{suffix}" for suffix in ("", ".cluster.local"))
    made = {}
    by_name = (EGRESS_CLIENT_CA,) if any(each.host for each in organization.extra_egress) else ()
    for name in (*AUTHORITIES, *by_name):
        pair = Pair(present.get(f"{name}.crt", b""), Secret(present.get(f"{name}.key", b"")))
        if certificates.needs_renewal(pair.certificate, now) or not certificates.owns_key(pair):
            title = f"{organization.name} {name.replace('-', ' ')}"
            pair = certificates.authority(title, now=now, permitted=domains if name == SERVER_CA else ())
        made[name] = pair
    return made


def _joined(authorities: Mapping[str, Pair]) -> Entries:
    entries: dict[str, Secret[bytes]] = {}
    for name, pair in authorities.items():
        entries[f"{name}.crt"] = Secret(pair.certificate)
        entries[f"{name}.key"] = pair.private_key
    return entries


def _leaf(
    organization: Organization,
    leaf: _Leaf,
    authorities: Mapping[str, Pair],
    present: Mapping[str, bytes],
    now: datetime,
) -> Entries:
    hosts: tuple[str, ...] = ()
    if leaf.service:
        host = names.service_host(leaf.service, organization.name)
        hosts = (host, f"{host}.cluster.local")
    common_name = leaf.service or leaf.issuer.removesuffix("-client-ca")
    pair = _kept_or_new(present, authorities[leaf.issuer], common_name, leaf.usage, hosts, now)
    return _entries(pair, trust=authorities[leaf.trust].certificate)


def _public(
    organization: Organization,
    platform: PlatformSettings,
    authority: PlatformAuthority,
    observed: Observed,
    now: datetime,
) -> Mapping[str, Entries]:
    """What clients are shown. Of what others give only the good is taken; else the last good pair stays, or none is there."""
    if not fronts.shows_own_certificate(organization, platform):
        return {}
    served = _entries_of(observed, names.APP_PUBLIC_TLS)
    source = public_certificate.source(organization)
    if source is None:
        issuer = Pair(authority.certificate.encode(), Secret(authority.private_key.reveal().encode()))
        hosts = endpoint.hosts(organization, platform)
        pair = _kept_or_new(served, issuer, organization.name, Usage.SERVER, hosts, now)
        return {names.APP_PUBLIC_TLS: _entries(pair)}
    good = public_certificate.judge(organization, platform, observed, now) is None
    chosen = _entries_of(observed, source) if good else served
    if not {names.CERTIFICATE, names.PRIVATE_KEY} <= chosen.keys():
        return {}
    return {names.APP_PUBLIC_TLS: {name: Secret(chosen[name]) for name in (names.CERTIFICATE, names.PRIVATE_KEY)}}


def _entries_of(observed: Observed, name: str) -> dict[str, bytes]:
    live = observed.get("Secret", name)
    return secrets.entries(live) if live else {}


def _kept_or_new(
    present: Mapping[str, bytes], issuer: Pair, common_name: str, usage: Usage, hosts: tuple[str, ...], now: datetime
) -> Pair:
    pair = Pair(present.get(names.CERTIFICATE, b""), Secret(present.get(names.PRIVATE_KEY, b"")))
    good = certificates.fits(pair, issuer.certificate, usage=usage, hosts=hosts)
    if good and not certificates.needs_renewal(pair.certificate, now):
        return pair
    return certificates.issue(issuer, common_name, usage=usage, hosts=hosts, now=now)


def _entries(pair: Pair, trust: bytes | None = None) -> Entries:
    entries = {names.CERTIFICATE: Secret(pair.certificate), names.PRIVATE_KEY: pair.private_key}
    return entries if trust is None else {**entries, names.TRUST: Secret(trust)}


def _bundled(entries: Entries) -> Entries:
    """The proxy reads certificate and key from one file."""
    both = entries[names.CERTIFICATE].reveal() + entries[names.PRIVATE_KEY].reveal()
    return {**entries, "bundle.pem": Secret(both)}


def _session_key(present: Mapping[str, bytes], random: Callable[[int], bytes]) -> Entries:
    key = present.get(names.SESSION_KEY_ENTRY, b"")
    return {names.SESSION_KEY_ENTRY: Secret(key if len(key) == SESSION_KEY_BYTES else random(SESSION_KEY_BYTES))}

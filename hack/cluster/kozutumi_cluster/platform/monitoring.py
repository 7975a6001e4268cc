"""Who may read the operator's metrics: a client CA of that port alone, and one client certificate of it."""

from __future__ import annotations

import datetime as dt
from typing import Final

from cryptography import x509

from kozutumi_cluster import certificates
from kozutumi_cluster.certificates import Leaf, Pair
from kozutumi_cluster.platform import authority, names
from kozutumi_cluster.platform.authority import Vault

SERVICE: Final = "kozutumi-operator-metrics"
SERVER: Final = "operator-metrics-tls"
CLIENT_CA: Final = "operator-metrics-client-ca"
CLIENT: Final = "operator-metrics-client"


def ensure(vault: Vault, platform: Pair, now: dt.datetime) -> None:
    """Make or renew what is missing. The operator takes a renewed pair up by itself."""
    host = names.host(SERVICE, names.SYSTEM)
    clients = _client_authority(vault, now)
    server = Leaf(host, "platform", host, names=(host, f"{host}.cluster.local"), server=True)
    client = Leaf("monitoring", "metrics", "monitoring", client=True)
    _ensure(vault, (SERVER, names.SYSTEM), server, issuer=platform, trust=clients.certificate, now=now)
    _ensure(vault, (CLIENT, names.MONITORING), client, issuer=clients, trust=platform.certificate, now=now)


def _client_authority(vault: Vault, now: dt.datetime) -> Pair:
    found = vault.read(CLIENT_CA, names.SYSTEM)
    if found is not None:
        return authority.parse_pair(found["tls.crt"], found["tls.key"])
    made = certificates.make_authority("kozutumi-operator-metrics-clients", now)
    vault.write(CLIENT_CA, names.SYSTEM, authority.pair_data(made, made.certificate))
    return made


def _ensure(
    vault: Vault, place: tuple[str, str], leaf: Leaf, *, issuer: Pair, trust: x509.Certificate, now: dt.datetime
) -> None:
    found = vault.read(*place)
    if found is not None:
        present = authority.parse_pair(found["tls.crt"], found["tls.key"])
        if certificates.is_current(present.certificate, leaf, issuer, now):
            return
    vault.write(*place, authority.pair_data(certificates.issue(leaf, issuer, now), trust))

"""Who may use the operator's ports: for each a client CA of that port alone, and one client certificate of it."""

from __future__ import annotations

import datetime as dt
from dataclasses import dataclass
from typing import Final

from cryptography import x509

from kozutumi_cluster import certificates
from kozutumi_cluster.certificates import Leaf, Pair
from kozutumi_cluster.platform import authority, names
from kozutumi_cluster.platform.authority import Vault


@dataclass(frozen=True)
class Port:
    """`name` is that of the Service and in each Secret; `user` has the client's certificate, in its own `namespace`."""

    name: str
    user: str
    namespace: str

    @property
    def host(self) -> str:
        return names.host(f"kozutumi-operator-{self.name}", names.SYSTEM)

    @property
    def server(self) -> str:
        return f"operator-{self.name}-tls"

    @property
    def client_ca(self) -> str:
        return f"operator-{self.name}-client-ca"

    @property
    def client(self) -> str:
        return f"operator-{self.name}-client"


METRICS: Final = Port("metrics", "monitoring", names.MONITORING)
REPORTS: Final = Port("reports", "relay", names.MAIL)


def ensure(vault: Vault, platform: Pair, now: dt.datetime) -> None:
    """Make or renew what is missing. The operator takes a renewed pair up by itself."""
    for port in (METRICS, REPORTS):
        clients = _client_authority(vault, port, now)
        server = Leaf(port.host, "platform", port.host, names=(port.host, f"{port.host}.cluster.local"), server=True)
        client = Leaf(port.user, port.name, port.user, client=True)
        _ensure(vault, (port.server, names.SYSTEM), server, issuer=platform, trust=clients.certificate, now=now)
        _ensure(vault, (port.client, port.namespace), client, issuer=clients, trust=platform.certificate, now=now)


def _client_authority(vault: Vault, port: Port, now: dt.datetime) -> Pair:
    found = vault.read(port.client_ca, names.SYSTEM)
    if found is not None:
        return authority.parse_pair(found["tls.crt"], found["tls.key"])
    made = certificates.make_authority(f"kozutumi-operator-{port.name}-clients", now)
    vault.write(port.client_ca, names.SYSTEM, authority.pair_data(made, made.certificate))
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

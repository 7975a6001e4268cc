"""Which client a request comes from when a gateway stands in front, and whether it may come in at all.

A gateway appends to X-Forwarded-For the address that it saw itself; whatever stands left of that is the client's own
claim. So the list is read from the right, and only if the connection comes from a gateway that the platform names.
"""

from __future__ import annotations

import ipaddress
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Final

from starlette.concurrency import run_in_threadpool
from starlette.datastructures import Headers
from starlette.requests import Request
from starlette.types import ASGIApp, Receive, Scope, Send

from kozutumi_app.errors import ClientNotAllowed
from kozutumi_app.web.problems import answer
from kozutumi_contract.settings import AppSettings

FORWARDED: Final = "x-forwarded-for"
Address = ipaddress.IPv4Address | ipaddress.IPv6Address
Network = ipaddress.IPv4Network | ipaddress.IPv6Network


@dataclass(frozen=True, slots=True)
class Access:
    """Address ranges. `allowed` empty: everywhere. `excluded` are never let in; `trusted` speak for others."""

    allowed: tuple[Network, ...]
    excluded: tuple[Network, ...]
    trusted: tuple[Network, ...]

    def client(self, peer: str, forwarded: Sequence[str]) -> Address | None:
        """Who sends: `forwarded` are the header's lines. None where a gateway names nobody.

        A trusted proxy in front of the gateway is passed over, but nothing inside the cluster is: where the gateway's
        range is wide, any pod could put a claim of its own before its address.
        """
        address = parse(peer)
        if address is None or not within(address, self.trusted):
            return address
        entries = [entry for line in forwarded for entry in line.split(",")]
        for entry in reversed(entries):
            address = parse(entry)
            if address is None or not within(address, self.trusted) or within(address, self.excluded):
                return address
        return None

    def admits(self, address: Address) -> bool:
        if within(address, self.excluded):
            return False
        return not self.allowed or within(address, self.allowed)


def access(settings: AppSettings) -> Access:
    """ValueError where a range is none."""
    return Access(*map(_networks, (settings.allowed_clients, settings.excluded_clients, settings.trusted_gateways)))


def parse(text: str) -> Address | None:
    """An address, also with a port ("192.0.2.1:443", "[2001:db8::1]:443") or as IPv4 inside IPv6 (RFC 4291 §2.5.5.2)."""
    text = text.strip()
    if text.startswith("["):
        text = text[1:].partition("]")[0]
    elif text.count(":") == 1:
        text = text.partition(":")[0]
    try:
        address = ipaddress.ip_address(text)
    except ValueError:
        return None
    mapped = address.ipv4_mapped if isinstance(address, ipaddress.IPv6Address) else None
    return mapped or address


def within(address: Address, networks: Iterable[Network]) -> bool:
    return any(address in network for network in networks)


class ClientCheck:
    """Puts the client's own address in the place of the gateway's, or answers 403. Outside everything that reads it."""

    def __init__(self, app: ASGIApp, *, access: Access) -> None:
        self.app = app
        self._access = access

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            await self.app(scope, receive, send)
            return
        peer = scope.get("client") or ("", 0)
        address = self._access.client(peer[0], Headers(scope=scope).getlist(FORWARDED))
        if address is None or not self._access.admits(address):
            refusal = await run_in_threadpool(answer, Request(scope), ClientNotAllowed())
            await refusal(scope, receive, send)
            return
        await self.app({**scope, "client": (str(address), 0)}, receive, send)


def _networks(ranges: Sequence[str]) -> tuple[Network, ...]:
    return tuple(ipaddress.ip_network(each) for each in ranges)

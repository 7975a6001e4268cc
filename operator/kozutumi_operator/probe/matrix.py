"""Which connections are tried for the cells of the network matrix, and what their outcomes mean. Pure."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final, Literal

from kozutumi_contract import labels
from kozutumi_operator.manifests import names
from kozutumi_operator.organizations.facts import Isolation
from kozutumi_operator.platform import PlatformSettings
from kozutumi_operator.probe import table
from kozutumi_operator.probe.table import Column, Row

Source = Literal["app", "scanner", "other", "canary", "monitoring", "operator"]
Expected = Literal["open", "closed", "any"]
INSIDE: Final[tuple[Source, ...]] = ("app", "scanner", "other")
CONNECTED: Final = "c"
KUBELET_PORT: Final = 10250
LISTENER_PORT: Final = 8443

# "Any other pod" is tried twice: in the organization's namespace, where only egress policies can stop it, and from the
# canary namespace, which has no egress limits, so that only the organization's ingress policies can.
ROWS: Final[Mapping[Source, Row]] = {
    "app": Row.APP,
    "scanner": Row.SCANNER,
    "other": Row.OTHER,
    "canary": Row.OTHER,
    "monitoring": Row.MONITORING,
    "operator": Row.OPERATOR,
}
ENTRANCES: Final = frozenset({Column.PUBLIC, Column.INTERNAL, Column.METRICS, Column.SCAN})
# Towards these the canary, whom nothing limits, tells whether the target is there at all.
CONTROLLED: Final = frozenset(
    {Column.IAM, Column.API_SERVER, Column.METADATA, Column.FOREIGN, Column.INTERNET, Column.NODE}
)


@dataclass(frozen=True, slots=True)
class Address:
    """`host` is a name where it must be resolved on the way (that proves DNS), else an address."""

    label: str
    host: str
    port: int


@dataclass(frozen=True, slots=True)
class Cell:
    """One connection to try."""

    source: Source
    column: Column
    target: Address
    expected: Expected

    @property
    def name(self) -> str:
        return f"{self.source} -> {self.target.label}"


@dataclass(frozen=True, slots=True)
class Addresses:
    """What the operator resolved: a denied name look-up must not pass for a denied connection."""

    app: str
    scanner: str
    store: str
    iam: str
    smtp: str
    mirror: str
    dns: str
    api_server: str
    listener: str


@dataclass(frozen=True, slots=True)
class Outside:
    """Targets that are no Service: the cloud's metadata address, a host on the internet, the cluster's nodes."""

    metadata: str = "169.254.169.254"
    internet: str = "1.1.1.1"
    nodes: tuple[str, ...] = ()


def sources(platform: PlatformSettings) -> tuple[Source, ...]:
    """The pods that walk."""
    return (*INSIDE, "canary", "monitoring") if platform.monitoring_namespace else (*INSIDE, "canary")


def cells(
    service_code: str, platform: PlatformSettings, at: Addresses, outside: Outside, *, scanner: bool = True
) -> list[Cell]:
    """Every connection to try from inside the cluster; clients outside it are beyond the operator's reach.

    `scanner` False: it sleeps, so that a refused connection to it would prove nothing, and an open one cannot be.
    """
    targets = _targets(platform, at, outside)
    by_name = Address("scanner 3311 by name", names.service_host(names.SCANNER, service_code), labels.SCANNER_PORT)
    found: list[Cell] = []
    walkers: tuple[Source, ...] = (*sources(platform), "operator")
    for source in walkers:
        for column, addresses in targets.items():
            expected = expectation(source, column)
            if expected is not None:
                tried = (by_name,) if (source, column) == ("app", Column.SCAN) else addresses
                found += [Cell(source, column, target, expected) for target in tried]
    return found if scanner else [cell for cell in found if not _is_scanner(cell.target, at, by_name)]


def _is_scanner(target: Address, at: Addresses, by_name: Address) -> bool:
    return target == by_name or target.host == at.scanner


def expectation(source: Source, column: Column) -> Expected | None:
    """None: not tried from there.

    What limits the operator's own ways out is the platform's, not an organization's: no reason for one not to be Ready.
    """
    answer = table.TABLE[ROWS[source], column]
    if source == "canary" and column not in ENTRANCES:
        return "any" if column in CONTROLLED else None
    if answer == "yes":
        return "open"
    if answer == "no" and (source != "operator" or column in ENTRANCES):
        return "closed"
    return None


def _targets(platform: PlatformSettings, at: Addresses, outside: Outside) -> dict[Column, tuple[Address, ...]]:
    return {
        Column.PUBLIC: (Address("app 8443", at.app, labels.APP_PORT),),
        Column.INTERNAL: (Address("app internal 9443", at.app, labels.INTERNAL_PORT),),
        Column.METRICS: (
            Address("app metrics 9444", at.app, labels.METRICS_PORT),
            Address("scanner metrics 9444", at.scanner, labels.METRICS_PORT),
        ),
        Column.SCAN: (Address("scanner 3311", at.scanner, labels.SCANNER_PORT),),
        Column.STORE: (Address("S3", at.store, platform.s3_port),),
        Column.IAM: _accounts(platform, at),
        Column.DNS: (Address("DNS", at.dns, 53),),
        Column.MIRROR: (Address("signature mirror", at.mirror, platform.mirror_port),),
        Column.LISTED: (Address("SMTP", at.smtp, platform.smtp_port),),
        Column.API_SERVER: (Address("API server", at.api_server, 443),),
        Column.METADATA: (Address("metadata", outside.metadata, 80),),
        Column.FOREIGN: (Address("another organization", at.listener, LISTENER_PORT),),
        Column.INTERNET: (Address("internet", outside.internet, 443),),
        Column.NODE: tuple(Address("node", node, KUBELET_PORT) for node in outside.nodes[:1]),
    }


def _accounts(platform: PlatformSettings, at: Addresses) -> tuple[Address, ...]:
    """MinIO's admin API is on the S3 port: no policy can part them, so there is nothing to try (storage.md)."""
    if (at.iam, platform.iam_port) == (at.store, platform.s3_port):
        return ()
    return (Address("S3's IAM API", at.iam, platform.iam_port),)


def evaluate(outcomes: Mapping[Cell, str], probed_at: str) -> Isolation:
    """Count and name. A cell denied towards a target that nobody reached proves nothing: it is not counted."""
    unproven = _unproven(outcomes)
    open_cells, blocked_cells, allowed, denied = [], [], 0, 0
    for cell, outcome in outcomes.items():
        if cell.expected == "open" and outcome == CONNECTED:
            allowed += 1
        elif cell.expected == "open":
            blocked_cells.append(cell.name)
        elif cell.expected == "closed" and outcome == CONNECTED:
            open_cells.append(cell.name)
        elif cell.expected == "closed" and cell.target not in unproven:
            denied += 1
    return Isolation(
        probed_at=probed_at,
        allowed=allowed,
        denied=denied,
        open_cells=tuple(open_cells),
        blocked_cells=tuple(blocked_cells),
    )


def _unproven(outcomes: Mapping[Cell, str]) -> set[Address]:
    reached = {cell.target for cell, outcome in outcomes.items() if outcome == CONNECTED}
    return {cell.target for cell in outcomes if cell.expected == "any"} - reached

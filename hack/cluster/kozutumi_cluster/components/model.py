"""What every component is rendered from, and what it is rendered to."""

from __future__ import annotations

from dataclasses import asdict, dataclass
from ipaddress import IPv4Address
from pathlib import Path
from typing import Any

from kozutumi_cluster import certificates
from kozutumi_cluster.layout import Layout


@dataclass(frozen=True)
class Node:
    """One node and where its programs are: everything that a component's command line may depend on."""

    layout: Layout
    address: IPv4Address
    binaries: Path

    def binary(self, name: str) -> str:
        return str(self.binaries / name)

    def certificate(self, name: str) -> str:
        return str(certificates.certificate_path(self.layout, name))

    def key(self, name: str) -> str:
        return str(certificates.key_path(self.layout, name))

    def kubeconfig(self, name: str) -> str:
        return str(self.layout.config / f"{name}.kubeconfig")

    def config(self, name: str) -> str:
        return str(self.layout.config / name)


@dataclass(frozen=True)
class Component:
    """A supervised program. A gate is `tcp:<address>:<port>` or `unix:<path>` which must answer before the start."""

    name: str
    argv: tuple[str, ...]
    gates: tuple[str, ...] = ()
    environment: tuple[tuple[str, str], ...] = ()

    def to_json(self) -> dict[str, Any]:
        return asdict(self)

    @classmethod
    def from_json(cls, value: dict[str, Any]) -> Component:
        return cls(
            name=value["name"],
            argv=tuple(value["argv"]),
            gates=tuple(value["gates"]),
            environment=tuple((name, content) for name, content in value["environment"]),
        )

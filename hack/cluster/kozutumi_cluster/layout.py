"""Every path, link and name of one cluster. All of them carry the cluster's name, so clusters never collide."""

from __future__ import annotations

import os
import re
from dataclasses import dataclass
from pathlib import Path

from kozutumi_cluster.errors import ClusterError

DEFAULT_NAME = "kozutumi"
NETNS_FOLDER = Path("/run/netns")
POD_RANGE = "10.244.0.0/16"
NODE_POD_RANGE = "10.244.0.0/22"
SERVICE_RANGE = "10.96.0.0/16"
SERVICE_API_ADDRESS = "10.96.0.1"
SERVICE_DNS_ADDRESS = "10.96.0.10"
API_PORT = 6443

_NAME = re.compile(r"[a-z0-9]([-a-z0-9]{0,9}[a-z0-9])?")


def state_home() -> Path:
    return Path(os.environ.get("XDG_STATE_HOME") or Path.home() / ".local/state") / "kozutumi"


def cache_home() -> Path:
    return Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache") / "kozutumi"


@dataclass(frozen=True)
class Layout:
    """The places that belong to one cluster. The name has at most 11 characters: a link's name has at most 15."""

    name: str
    clusters: Path

    @classmethod
    def of(cls, name: str) -> Layout:
        if not _NAME.fullmatch(name):
            message = f"“{name}” cannot name a cluster: use 1 to 11 of a-z, 0-9 and “-”, not “-” at an end."
            raise ClusterError(message)
        return cls(name=name, clusters=state_home() / "clusters")

    @property
    def state(self) -> Path:
        return self.clusters / self.name

    @property
    def lock(self) -> Path:
        return self.clusters / f".{self.name}.lock"

    @property
    def netns_name(self) -> str:
        return f"kozutumi-{self.name}"

    @property
    def netns(self) -> Path:
        return NETNS_FOLDER / self.netns_name

    @property
    def link(self) -> str:
        """The host's end of the veth pair; the node's end is `eth0` in its own namespace."""
        return f"kz-{self.name}"

    @property
    def cgroup(self) -> str:
        """Name of the folder under every cgroup hierarchy which holds all pods of this cluster."""
        return f"kozutumi-{self.name}"

    @property
    def node_name(self) -> str:
        return f"{self.name}-node"

    @property
    def pki(self) -> Path:
        return self.state / "pki"

    @property
    def config(self) -> Path:
        return self.state / "config"

    @property
    def logs(self) -> Path:
        return self.state / "logs"

    @property
    def volumes(self) -> Path:
        return self.state / "volumes"

    @property
    def audit_log(self) -> Path:
        return self.state / "audit" / "audit.log"

    @property
    def kubeconfig(self) -> Path:
        return self.state / "kubeconfig"

    @property
    def images(self) -> Path:
        return self.state / "images"

    @property
    def node_file(self) -> Path:
        """What was decided when the cluster was first made: its address range and the driver."""
        return self.state / "node.json"

    @property
    def components_file(self) -> Path:
        return self.state / "components.json"

    @property
    def supervisor_file(self) -> Path:
        """What the supervisor last reported about each component."""
        return self.state / "supervisor.json"

"""The node driver's one node: namespaces, the veth pair, and the supervisor inside."""

from __future__ import annotations

import datetime as dt
import json
import os
import subprocess
import sys
from ipaddress import IPv4Network
from pathlib import Path

from kozutumi_cluster import addresses, certificates, cgroups, components, files, kubeconfig, processes, shell
from kozutumi_cluster.components import apiserver
from kozutumi_cluster.errors import ClusterError
from kozutumi_cluster.layout import POD_RANGE, SERVICE_DNS_ADDRESS, Layout

_SECRETBOX_KEY_BYTES = 32


def network_of(layout: Layout) -> addresses.NodeNetwork | None:
    """The range that the cluster was given when it was made."""
    written = files.read_json(layout.node_file)
    return None if written is None else addresses.NodeNetwork(IPv4Network(written["network"]))


def choose_network(layout: Layout) -> addresses.NodeNetwork:
    """Keep the recorded range, or choose one and record it before anything uses it."""
    if (recorded := network_of(layout)) is not None:
        return recorded
    routes = json.loads(shell.run(["ip", "-json", "route", "show", "table", "all", "type", "unicast"]) or "[]")
    taken = addresses.routed(route["dst"] for route in routes if ":" not in route["dst"])
    others = [network_of(Layout(path.name, layout.clusters)) for path in layout.clusters.glob("*/")]
    chosen = addresses.choose(layout.name, [*taken, *(other.network for other in others if other is not None)])
    files.write_json(layout.node_file, {"driver": "node", "network": str(chosen.network)})
    return chosen


def prepare(layout: Layout, network: addresses.NodeNetwork, binaries: Path) -> None:
    """Certificates, configurations and the list of components, all written before anything starts."""
    now = dt.datetime.now(dt.UTC)
    certificates.ensure(layout, network.node, now)
    kubeconfig.write_all(layout, network.node)
    for folder in (layout.logs, layout.volumes, layout.audit_log.parent, layout.images, layout.state / "etcd"):
        folder.mkdir(mode=0o700, parents=True, exist_ok=True)
    encryption = layout.config / apiserver.ENCRYPTION
    if not encryption.exists():
        files.write_json(encryption, apiserver.encryption(os.urandom(_SECRETBOX_KEY_BYTES)))
    node = components.Node(layout=layout, address=network.node, binaries=binaries)
    for name, content in components.config_files(node).items():
        files.write(layout.config / name, content)
    files.write_json(layout.components_file, [part.to_json() for part in components.all_components(node)])


def connect(layout: Layout, network: addresses.NodeNetwork) -> None:
    """The network namespace and the veth pair between it and the host."""
    inside = ["ip", "-netns", layout.netns_name]
    prefix = network.network.prefixlen
    shell.run(["ip", "netns", "add", layout.netns_name])
    pair = ["ip", "link", "add", layout.link, "type", "veth"]
    shell.run([*pair, "peer", "name", "eth0", "netns", layout.netns_name])
    shell.run(["ip", "address", "add", f"{network.host}/{prefix}", "dev", layout.link])
    shell.run(["ip", "link", "set", layout.link, "up"])
    shell.run([*inside, "link", "set", "lo", "up"])
    shell.run([*inside, "address", "add", f"{network.node}/{prefix}", "dev", "eth0"])
    shell.run([*inside, "link", "set", "eth0", "up"])
    shell.run([*inside, "route", "add", "default", "via", str(network.host)])
    # Pods appear outside under the node's address; this rule ends with the namespace it is in.
    masquerade = ["-s", POD_RANGE, "!", "-d", POD_RANGE, "-o", "eth0", "-j", "MASQUERADE"]
    enter = ["nsenter", f"--net={layout.netns}"]
    shell.run([*enter, "iptables", "-w", "-t", "nat", "-A", "POSTROUTING", *masquerade])


def launch_command(layout: Layout) -> list[str]:
    """Entered with nsenter, not `ip netns exec`, which would mount a /sys that hides the cgroups."""
    unshare = ["unshare", "--mount", "--pid", "--fork", "--mount-proc", "--kill-child", "--propagation", "private"]
    supervisor = [sys.executable, "-m", processes.SUPERVISOR_MODULE, *processes.supervisor_arguments(layout)]
    return ["nsenter", f"--net={layout.netns}", "--", *unshare, "--", *supervisor]


def launch(layout: Layout) -> None:
    """Start the node. It outlives this program: a session of its own, no terminal, output to logs/node.log."""
    cgroups.create(layout.cgroup)
    layout.supervisor_file.unlink(missing_ok=True)
    package = str(Path(__file__).resolve().parent.parent)
    with (layout.logs / "node.log").open("ab") as log:
        subprocess.Popen(  # noqa: S603 - the command is built above
            launch_command(layout),
            stdin=subprocess.DEVNULL,
            stdout=log,
            stderr=log,
            start_new_session=True,
            cwd="/",
            env={**os.environ, "PYTHONPATH": package, "PYTHONUNBUFFERED": "1"},
        )


def dns_query_command(layout: Layout) -> list[str]:
    """Ask the cluster's DNS from the node, as a pod would; exit status 0 on an answer."""
    query = ["busybox", "nslookup", "kubernetes.default.svc.cluster.local", SERVICE_DNS_ADDRESS]
    return ["nsenter", f"--net={layout.netns}", "--", *query]


def enter_command(layout: Layout) -> list[str]:
    """Words that run what follows them in the node's namespaces. Raises ClusterError when it is not running."""
    pid = processes.supervisor(layout)
    if pid is None:
        message = f"The cluster “{layout.name}” is not running; start it with `up`."
        raise ClusterError(message)
    return ["nsenter", f"--target={pid}", "--mount", "--net", "--pid", "--"]

"""etcd: reached only over loopback inside the node, and only with a client certificate."""

from __future__ import annotations

from kozutumi_cluster.components.model import Component, Node

CLIENT_PORT = 2379
GATE = f"tcp:127.0.0.1:{CLIENT_PORT}"


def component(node: Node) -> Component:
    client = f"https://127.0.0.1:{CLIENT_PORT}"
    peer = "https://127.0.0.1:2380"
    arguments = {
        "name": node.layout.node_name,
        "data-dir": node.layout.state / "etcd",
        "listen-client-urls": client,
        "advertise-client-urls": client,
        "listen-peer-urls": peer,
        "initial-advertise-peer-urls": peer,
        "initial-cluster": f"{node.layout.node_name}={peer}",
        "cert-file": node.certificate("etcd-server"),
        "key-file": node.key("etcd-server"),
        "trusted-ca-file": node.certificate("etcd-ca"),
        "client-cert-auth": "true",
        "peer-cert-file": node.certificate("etcd-server"),
        "peer-key-file": node.key("etcd-server"),
        "peer-trusted-ca-file": node.certificate("etcd-ca"),
        "peer-client-cert-auth": "true",
        "auto-compaction-mode": "periodic",
        "auto-compaction-retention": "10m",
        "quota-backend-bytes": 4 * 1024**3,
        "log-level": "warn",
    }
    argv = [node.binary("etcd"), *(f"--{name}={value}" for name, value in arguments.items())]
    return Component("etcd", tuple(argv))

"""Services (kube-proxy) and NetworkPolicy (kube-router)."""

from __future__ import annotations

from kozutumi_cluster.components import apiserver
from kozutumi_cluster.components.model import Component, Node
from kozutumi_cluster.layout import POD_RANGE, SERVICE_RANGE


def kube_proxy(node: Node) -> Component:
    arguments = {
        "kubeconfig": node.kubeconfig("kube-proxy"),
        "hostname-override": node.layout.node_name,
        "cluster-cidr": POD_RANGE,
        "proxy-mode": "iptables",
        "iptables-localhost-nodeports": "false",
        "conntrack-max-per-core": 0,
        "oom-score-adj": 0,
        "healthz-bind-address": "127.0.0.1:10256",
        "metrics-bind-address": "127.0.0.1:10249",
    }
    argv = [node.binary("kube-proxy"), *(f"--{name}={value}" for name, value in arguments.items())]
    return Component("kube-proxy", tuple(argv), gates=(apiserver.gate(node),))


def kube_router(node: Node) -> Component:
    """Only the firewall. Default-deny closes the moment in which a new pod has no rules yet."""
    arguments = {
        "kubeconfig": node.kubeconfig("kube-router"),
        "run-firewall": "true",
        "run-router": "false",
        "run-service-proxy": "false",
        "run-loadbalancer": "false",
        "enable-cni": "false",
        "netpol-default-deny": "true",
        "service-cluster-ip-range": SERVICE_RANGE,
        "health-addr": "127.0.0.1",
        "iptables-sync-period": "1m",
    }
    argv = [node.binary("kube-router"), *(f"--{name}={value}" for name, value in arguments.items())]
    environment = (("NODE_NAME", node.layout.node_name),)
    return Component("kube-router", tuple(argv), gates=(apiserver.gate(node),), environment=environment)

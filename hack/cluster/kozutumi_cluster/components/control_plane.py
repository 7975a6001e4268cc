"""Controller manager and scheduler: one of each, so no leader election."""

from __future__ import annotations

from kozutumi_cluster.components import apiserver
from kozutumi_cluster.components.model import Component, Node
from kozutumi_cluster.layout import NODE_POD_RANGE, POD_RANGE, SERVICE_RANGE


def controller_manager(node: Node) -> Component:
    kubeconfig = node.kubeconfig("controller-manager")
    arguments = {
        "kubeconfig": kubeconfig,
        "authentication-kubeconfig": kubeconfig,
        "authorization-kubeconfig": kubeconfig,
        "bind-address": "127.0.0.1",
        "leader-elect": "false",
        "use-service-account-credentials": "true",
        "allocate-node-cidrs": "true",
        "cluster-cidr": POD_RANGE,
        "node-cidr-mask-size": NODE_POD_RANGE.rpartition("/")[2],
        "service-cluster-ip-range": SERVICE_RANGE,
        "cluster-name": node.layout.name,
        "cluster-signing-cert-file": node.certificate("ca"),
        "cluster-signing-key-file": node.key("ca"),
        "root-ca-file": node.certificate("ca"),
        "service-account-private-key-file": node.key("service-account"),
        "requestheader-client-ca-file": node.certificate("front-proxy-ca"),
        "client-ca-file": node.certificate("ca"),
        "profiling": "false",
    }
    argv = [node.binary("kube-controller-manager"), *(f"--{name}={value}" for name, value in arguments.items())]
    return Component("kube-controller-manager", tuple(argv), gates=(apiserver.gate(node),))


def scheduler(node: Node) -> Component:
    kubeconfig = node.kubeconfig("scheduler")
    arguments = {
        "kubeconfig": kubeconfig,
        "authentication-kubeconfig": kubeconfig,
        "authorization-kubeconfig": kubeconfig,
        "bind-address": "127.0.0.1",
        "leader-elect": "false",
        "profiling": "false",
    }
    argv = [node.binary("kube-scheduler"), *(f"--{name}={value}" for name, value in arguments.items())]
    return Component("kube-scheduler", tuple(argv), gates=(apiserver.gate(node),))

"""All components of a node in the order of their start, and the configuration files they read."""

from __future__ import annotations

import json

from kozutumi_cluster.components import apiserver, containerd, control_plane, etcd, kubelet, network
from kozutumi_cluster.components.model import Component, Node


def all_components(node: Node) -> list[Component]:
    return [
        etcd.component(node),
        containerd.component(node),
        apiserver.component(node),
        control_plane.controller_manager(node),
        control_plane.scheduler(node),
        kubelet.component(node),
        network.kube_proxy(node),
        network.kube_router(node),
    ]


def config_files(node: Node) -> dict[str, str]:
    """Name below the config folder → content. The encryption key is not here: it is drawn once and kept."""
    return {
        containerd.CONFIG: containerd.config(node),
        containerd.CNI_CONFIG: json.dumps(containerd.cni_config(), indent=2),
        kubelet.CONFIG: json.dumps(kubelet.config(node), indent=2),
        kubelet.RESOLV_CONF: kubelet.resolv_conf(),
        apiserver.AUDIT_POLICY: json.dumps(apiserver.audit_policy(), indent=2),
    }

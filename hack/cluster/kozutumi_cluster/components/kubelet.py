"""The kubelet: certificates both ways, webhook authorization, pods under a cgroup of the cluster's own."""

from __future__ import annotations

from kozutumi_cluster.components import apiserver, containerd
from kozutumi_cluster.components.model import Component, Node
from kozutumi_cluster.layout import SERVICE_DNS_ADDRESS

CONFIG = "kubelet.json"
RESOLV_CONF = "resolv.conf"


def resolv_conf() -> str:
    """What pods with `dnsPolicy: Default` get: the cluster's DNS, never the host's."""
    return f"nameserver {SERVICE_DNS_ADDRESS}\n"


def config(node: Node) -> dict[str, object]:
    return {
        "apiVersion": "kubelet.config.k8s.io/v1beta1",
        "kind": "KubeletConfiguration",
        "authentication": {
            "anonymous": {"enabled": False},
            "webhook": {"enabled": True, "cacheTTL": "2m0s"},
            "x509": {"clientCAFile": node.certificate("ca")},
        },
        "authorization": {"mode": "Webhook"},
        "tlsCertFile": node.certificate("kubelet-serving"),
        "tlsPrivateKeyFile": node.key("kubelet-serving"),
        "tlsMinVersion": "VersionTLS12",
        "readOnlyPort": 0,
        "containerRuntimeEndpoint": f"unix://{containerd.SOCKET}",
        "cgroupDriver": "cgroupfs",
        "cgroupRoot": f"/{node.layout.cgroup}",
        "failCgroupV1": False,
        "failSwapOn": False,
        "oomScoreAdj": 0,
        "clusterDNS": [SERVICE_DNS_ADDRESS],
        "clusterDomain": "cluster.local",
        "resolvConf": node.config(RESOLV_CONF),
        "podLogsDir": str(node.layout.state / "pod-logs"),
        "volumePluginDir": str(node.layout.state / "volume-plugins"),
        "maxPods": 250,
        "podPidsLimit": 4096,
        # Images are loaded by hand and cannot be pulled again, so none is ever thrown away.
        "imageGCHighThresholdPercent": 100,
        "imageGCLowThresholdPercent": 99,
        "evictionHard": {"memory.available": "200Mi", "nodefs.available": "2%", "nodefs.inodesFree": "1%"},
        "containerLogMaxSize": "20Mi",
        "containerLogMaxFiles": 3,
    }


def component(node: Node) -> Component:
    argv = (
        node.binary("kubelet"),
        f"--config={node.config(CONFIG)}",
        f"--kubeconfig={node.kubeconfig('kubelet')}",
        f"--hostname-override={node.layout.node_name}",
        f"--node-ip={node.address}",
        "--root-dir=/var/lib/kubelet",
    )
    return Component("kubelet", argv, gates=(containerd.GATE, apiserver.gate(node)))

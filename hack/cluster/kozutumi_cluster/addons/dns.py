"""CoreDNS in kube-system, found by NetworkPolicies under the usual label `k8s-app: kube-dns`."""

from __future__ import annotations

from typing import Any

from kozutumi_cluster.addons import access
from kozutumi_cluster.layout import SERVICE_DNS_ADDRESS

IMAGE = "localhost/coredns:1.14.5"
NAMESPACE = "kube-system"
DEPLOYMENT = "coredns"
_LABELS = {"k8s-app": "kube-dns"}
_NOBODY = 65534

# Port 53 in the pod too: a NetworkPolicy's port is the pod's, not the Service's. Names outside the cluster are
# refused at once, as there is no plugin for them and, here, no internet.
_COREFILE = """.:53 {
    errors
    ready :8181
    kubernetes cluster.local in-addr.arpa ip6.arpa {
        pods insecure
        ttl 5
    }
    cache 5
    reload
}
"""


def objects() -> list[dict[str, Any]]:
    account = {"namespace": NAMESPACE, "name": DEPLOYMENT}
    role = "system:coredns"
    rules = [
        access.rule("", ["services", "pods", "namespaces"], ("list", "watch")),
        access.rule("discovery.k8s.io", ["endpointslices"], ("list", "watch")),
    ]
    return [
        {"apiVersion": "v1", "kind": "ServiceAccount", "metadata": account},
        access.cluster_role(role, rules),
        access.cluster_role_binding(role, role, access.service_account(**account)),
        {"apiVersion": "v1", "kind": "ConfigMap", "metadata": account, "data": {"Corefile": _COREFILE}},
        _deployment(),
        _service(),
    ]


def _service() -> dict[str, Any]:
    ports = [
        {"name": name, "port": 53, "targetPort": 53, "protocol": protocol}
        for name, protocol in (("dns", "UDP"), ("dns-tcp", "TCP"))
    ]
    return {
        "apiVersion": "v1",
        "kind": "Service",
        "metadata": {"namespace": NAMESPACE, "name": "kube-dns", "labels": _LABELS},
        "spec": {"clusterIP": SERVICE_DNS_ADDRESS, "selector": _LABELS, "ports": ports},
    }


def _deployment() -> dict[str, Any]:
    pod = {
        "serviceAccountName": DEPLOYMENT,
        "priorityClassName": "system-cluster-critical",
        "dnsPolicy": "Default",
        "securityContext": {
            "runAsNonRoot": True,
            "runAsUser": _NOBODY,
            "runAsGroup": _NOBODY,
            "seccompProfile": {"type": "RuntimeDefault"},
        },
        "containers": [_container()],
        "volumes": [{"name": "config", "configMap": {"name": DEPLOYMENT}}],
    }
    return {
        "apiVersion": "apps/v1",
        "kind": "Deployment",
        "metadata": {"namespace": NAMESPACE, "name": DEPLOYMENT, "labels": _LABELS},
        "spec": {
            "replicas": 1,
            "selector": {"matchLabels": _LABELS},
            "template": {"metadata": {"labels": _LABELS}, "spec": pod},
        },
    }


def _container() -> dict[str, Any]:
    return {
        "name": "coredns",
        "image": IMAGE,
        "imagePullPolicy": "Never",
        "args": ["-conf", "/etc/coredns/Corefile"],
        "ports": [
            {"name": "dns", "containerPort": 53, "protocol": "UDP"},
            {"name": "dns-tcp", "containerPort": 53, "protocol": "TCP"},
        ],
        "readinessProbe": {"httpGet": {"path": "/ready", "port": 8181}, "periodSeconds": 2},
        "livenessProbe": {"tcpSocket": {"port": 53}, "periodSeconds": 10, "failureThreshold": 6},
        "resources": {"requests": {"cpu": "20m", "memory": "32Mi"}, "limits": {"memory": "128Mi"}},
        "securityContext": {
            "allowPrivilegeEscalation": False,
            "readOnlyRootFilesystem": True,
            "capabilities": {"drop": ["ALL"]},
        },
        "volumeMounts": [{"name": "config", "mountPath": "/etc/coredns", "readOnly": True}],
    }

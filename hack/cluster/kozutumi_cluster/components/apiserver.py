"""The API server, its audit policy and its encryption of Secrets."""

from __future__ import annotations

import base64

from kozutumi_cluster.components import etcd
from kozutumi_cluster.components.model import Component, Node
from kozutumi_cluster.layout import API_PORT, SERVICE_RANGE

AUDIT_POLICY = "audit-policy.json"
ENCRYPTION = "encryption.json"


def gate(node: Node) -> str:
    return f"tcp:{node.address}:{API_PORT}"


def audit_policy() -> dict[str, object]:
    """Who did what to which object, for every request; bodies never, so that no Secret enters the log."""
    return {
        "apiVersion": "audit.k8s.io/v1",
        "kind": "Policy",
        "omitStages": ["RequestReceived"],
        "rules": [{"level": "Metadata"}],
    }


def encryption(key: bytes) -> dict[str, object]:
    """Secrets are sealed with XSalsa20-Poly1305 under a 32-byte key before they reach etcd."""
    secret = base64.b64encode(key).decode()
    return {
        "apiVersion": "apiserver.config.k8s.io/v1",
        "kind": "EncryptionConfiguration",
        "resources": [
            {
                "resources": ["secrets"],
                "providers": [{"secretbox": {"keys": [{"name": "first", "secret": secret}]}}],
            }
        ],
    }


def component(node: Node) -> Component:
    arguments = {
        **_serving(node),
        **_trust(node),
        **_service_accounts(node),
        "audit-policy-file": node.config(AUDIT_POLICY),
        "audit-log-path": node.layout.audit_log,
        "audit-log-maxsize": 500,
        "audit-log-maxbackup": 4,
        "encryption-provider-config": node.config(ENCRYPTION),
    }
    argv = [node.binary("kube-apiserver"), *(f"--{name}={value}" for name, value in arguments.items())]
    return Component("kube-apiserver", tuple(argv), gates=(etcd.GATE,))


def _serving(node: Node) -> dict[str, object]:
    return {
        "advertise-address": node.address,
        "bind-address": "0.0.0.0",  # noqa: S104 - inside the node's own network namespace: its loopback and the veth
        "secure-port": API_PORT,
        "tls-cert-file": node.certificate("apiserver"),
        "tls-private-key-file": node.key("apiserver"),
        "tls-min-version": "VersionTLS12",
        "service-cluster-ip-range": SERVICE_RANGE,
        "allow-privileged": "true",
        "profiling": "false",
        "event-ttl": "1h",
    }


def _trust(node: Node) -> dict[str, object]:
    return {
        "anonymous-auth": "false",
        "authorization-mode": "Node,RBAC",
        "enable-admission-plugins": "NodeRestriction",
        "client-ca-file": node.certificate("ca"),
        "etcd-servers": f"https://127.0.0.1:{etcd.CLIENT_PORT}",
        "etcd-cafile": node.certificate("etcd-ca"),
        "etcd-certfile": node.certificate("apiserver-etcd-client"),
        "etcd-keyfile": node.key("apiserver-etcd-client"),
        "kubelet-certificate-authority": node.certificate("ca"),
        "kubelet-client-certificate": node.certificate("apiserver-kubelet-client"),
        "kubelet-client-key": node.key("apiserver-kubelet-client"),
        "kubelet-preferred-address-types": "InternalIP",
        "requestheader-client-ca-file": node.certificate("front-proxy-ca"),
        "requestheader-allowed-names": "front-proxy-client",
        "requestheader-username-headers": "X-Remote-User",
        "requestheader-group-headers": "X-Remote-Group",
        "requestheader-extra-headers-prefix": "X-Remote-Extra-",
        "proxy-client-cert-file": node.certificate("front-proxy-client"),
        "proxy-client-key-file": node.key("front-proxy-client"),
    }


def _service_accounts(node: Node) -> dict[str, object]:
    return {
        "service-account-issuer": "https://kubernetes.default.svc.cluster.local",
        "service-account-key-file": node.layout.pki / "service-account.pub",
        "service-account-signing-key-file": node.key("service-account"),
    }

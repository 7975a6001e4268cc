"""Client configurations with the certificate inside. JSON is YAML, so no YAML library is needed to write one."""

from __future__ import annotations

import base64
from ipaddress import IPv4Address

from kozutumi_cluster import certificates, files
from kozutumi_cluster.layout import API_PORT, Layout


def server_url(node: IPv4Address) -> str:
    return f"https://{node}:{API_PORT}"


def render(cluster: str, user: str, server: str, pems: dict[str, bytes]) -> dict[str, object]:
    """`pems` has `ca`, `certificate` and `key`."""
    text = {name: base64.b64encode(pem).decode() for name, pem in pems.items()}
    context = f"kozutumi-{cluster}"
    return {
        "apiVersion": "v1",
        "kind": "Config",
        "current-context": context,
        "clusters": [{"name": context, "cluster": {"server": server, "certificate-authority-data": text["ca"]}}],
        "contexts": [{"name": context, "context": {"cluster": context, "user": user}}],
        "users": [
            {
                "name": user,
                "user": {"client-certificate-data": text["certificate"], "client-key-data": text["key"]},
            }
        ],
    }


def write_all(layout: Layout, node: IPv4Address) -> None:
    """The user's kubeconfig and one for each component that talks to the API server."""
    targets = {
        "admin": layout.kubeconfig,
        **{
            name: layout.config / f"{name}.kubeconfig"
            for name in ("kubelet", "controller-manager", "scheduler", "kube-proxy", "kube-router")
        },
    }
    for name, path in targets.items():
        pems = {
            "ca": certificates.certificate_path(layout, "ca").read_bytes(),
            "certificate": certificates.certificate_path(layout, name).read_bytes(),
            "key": certificates.key_path(layout, name).read_bytes(),
        }
        files.write_json(path, render(layout.name, name, server_url(node), pems))

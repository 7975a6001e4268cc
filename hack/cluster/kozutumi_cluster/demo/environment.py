"""Where the development cluster's endpoints are, found as a person would: by asking the cluster."""

from __future__ import annotations

import base64
from pathlib import Path

from kozutumi_cluster import node
from kozutumi_cluster.demo.inbox import Inbox
from kozutumi_cluster.demo.kubectl import Kubectl
from kozutumi_cluster.demo.public import Endpoint
from kozutumi_cluster.errors import ClusterError
from kozutumi_cluster.layout import Layout

MAIL_NAMESPACE = "kozutumi-mail"
MAIL_SERVICE = "mailpit"


def address(kubectl: Kubectl, layout: Layout) -> str:
    """The node's address, at which NodePorts answer."""
    network = node.network_of(layout)
    if network is not None:
        return str(network.node)
    nodes = kubectl.json("get", "nodes")["items"]
    return str(next(entry["address"] for entry in nodes[0]["status"]["addresses"] if entry["type"] == "InternalIP"))


def platform_ca(kubectl: Kubectl, layout: Layout) -> Path:
    """The platform CA's certificate, which signs the public endpoints; written beside the kubeconfig."""
    encoded = kubectl("get", "secret", "platform-ca", "-n", "kozutumi-system", "-o", r"jsonpath={.data.ca\.crt}")
    path = layout.state / "platform-ca.crt"
    path.write_bytes(base64.b64decode(encoded))
    return path


def passwords_file(layout: Layout) -> Path:
    return layout.state / "demo-passwords.json"


def endpoint(kubectl: Kubectl, layout: Layout, code: str, ca: Path) -> Endpoint:
    url = kubectl.json("get", "organization", code).get("status", {}).get("url")
    if not url:
        raise ClusterError(f"Organization {code} has no URL yet; see `kubectl describe org {code}`.")
    return Endpoint(url=str(url).rstrip("/"), address=address(kubectl, layout), ca=ca)


def inbox_url(kubectl: Kubectl, layout: Layout) -> str:
    ports = kubectl.json("get", "service", MAIL_SERVICE, "-n", MAIL_NAMESPACE)["spec"]["ports"]
    port = next(entry["nodePort"] for entry in ports if "nodePort" in entry)
    return f"https://{address(kubectl, layout)}:{port}"


def inbox(kubectl: Kubectl, layout: Layout, ca: Path) -> Inbox:
    return Inbox(inbox_url(kubectl, layout), ca, f"{MAIL_SERVICE}.{MAIL_NAMESPACE}.svc")

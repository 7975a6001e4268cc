"""Traefik as the platform's gateway and ingress controller, its own code unchanged, in the namespace that the platform names."""

from __future__ import annotations

import base64
import json
import re
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from typing import Any, Final

from e2e_world import World
from kozutumi_cluster import binaries, images
from kozutumi_cluster.platform import definitions, names, pods, programs
from kozutumi_contract import labels
from kozutumi_operator.organizations import certificates
from kozutumi_operator.organizations.certificates import Pair, Usage

NAME: Final = "traefik"
GATEWAY_API: Final = "gateway.networking.k8s.io"
TLS_SECRET: Final = "traefik-tls"
CLUSTER_WIDE: Final = "kozutumi-test-traefik"
INSECURE_PORT: Final = 8000
PORT: Final = 8443
WATCHED_TOO: Final = ("grpcroutes", "referencegrants", "tlsroutes")
AUTHORITY: Final = certificates.authority("the gateway's CA", now=datetime.now(UTC))
_ARGUMENTS: Final = (
    f"--entrypoints.web.address=:{INSECURE_PORT}",
    f"--entrypoints.websecure.address=:{PORT}",
    "--entrypoints.websecure.transport.respondingtimeouts.readtimeout=0",
    "--providers.kubernetesgateway=true",
    "--providers.kubernetesingressnginx=true",
    "--providers.kubernetesingressnginx.httpentrypoint=web",
    "--providers.kubernetesingressnginx.httpsentrypoint=websecure",
    "--providers.kubernetesingressnginx.controllerclass=kozutumi.test/traefik",
    "--global.checknewversion=false",
    "--global.sendanonymoususage=false",
    "--log.level=DEBUG",  # why an app is not verified is told at this level
    "--log.nocolor=true",
)


def documented() -> str:
    """What docs/operations/endpoints.md says to set for ingress-nginx, whose annotations Traefik reads."""
    page = (images.ROOT / "docs/operations/endpoints.md").read_text(encoding="utf-8")
    [row] = [line for line in page.splitlines() if line.startswith("| ingress-nginx |")]
    return ",".join(re.findall("`([^`]+)`", row)).replace("…", "nginx.ingress.kubernetes.io")


@contextmanager
def running(world: World, domain: str) -> Iterator[int]:
    """The node port at which it ends TLS for `*.domain`, until the block ends and all of it is gone."""
    image = programs.image(NAME, binaries.ensure(NAME)[NAME])
    subprocess.run([sys.executable, "-m", "kozutumi_cluster", "load", str(image.archive)], check=True)  # noqa: S603 - fixed words
    made = [*_definitions(world), *_rights(), *_classes(), *_workload(image.reference, domain)]
    try:
        for each in made:
            world.kubectl.apply(each)
        world.wait_rolled_out(names.GATEWAY, NAME)
        [_, secure] = world.kubectl.json("get", "service", NAME, "-n", names.GATEWAY)["spec"]["ports"]
        yield int(secure["nodePort"])
    finally:
        everything = json.dumps({"apiVersion": "v1", "kind": "List", "items": made[::-1]})
        world.kubectl("delete", "--ignore-not-found", "-f", "-", stdin=everything)


def said(world: World, *, since: datetime) -> str:
    words = ("logs", f"deployment/{NAME}", "-n", names.GATEWAY, "--tail=-1")
    return world.kubectl(*words, f"--since-time={since.isoformat(timespec='seconds')}")


def _definitions(world: World) -> list[dict[str, Any]]:
    """What Traefik waits for before it serves anything, where the cluster has it not."""
    wanted = definitions.gateway_api(*WATCHED_TOO)
    return [each for each in wanted if not world.kubectl.exists("customresourcedefinition", each["metadata"]["name"])]


def _rights() -> list[dict[str, Any]]:
    """Those of Traefik's manual for both providers."""
    reading = ["get", "list", "watch"]
    routes = ["gatewayclasses", "gateways", "httproutes", "backendtlspolicies", *WATCHED_TOO]
    rules = [
        _rule("", ["namespaces", "services", "secrets", "configmaps"], reading),
        _rule("discovery.k8s.io", ["endpointslices"], ["list", "watch"]),
        _rule("networking.k8s.io", ["ingresses", "ingressclasses"], reading),
        _rule("networking.k8s.io", ["ingresses/status"], ["update"]),
        _rule(GATEWAY_API, routes, reading),
        _rule(GATEWAY_API, [f"{each}/status" for each in routes], ["update"]),
    ]
    group = "rbac.authorization.k8s.io"
    role = {"apiVersion": f"{group}/v1", "kind": "ClusterRole", "metadata": {"name": CLUSTER_WIDE}, "rules": rules}
    binding = {
        "apiVersion": f"{group}/v1",
        "kind": "ClusterRoleBinding",
        "metadata": {"name": CLUSTER_WIDE},
        "roleRef": {"apiGroup": group, "kind": "ClusterRole", "name": CLUSTER_WIDE},
        "subjects": [{"kind": "ServiceAccount", "name": NAME, "namespace": names.GATEWAY}],
    }
    account = {"apiVersion": "v1", "kind": "ServiceAccount", "metadata": {"name": NAME, "namespace": names.GATEWAY}}
    return [account, role, binding]


def _rule(group: str, resources: list[str], verbs: list[str]) -> dict[str, Any]:
    return {"apiGroups": [group], "resources": resources, "verbs": verbs}


def _classes() -> list[dict[str, Any]]:
    namespaces = {"matchExpressions": [{"key": labels.SERVICE_CODE, "operator": "Exists"}]}
    listener = {
        "name": "https",
        "port": PORT,
        "protocol": "HTTPS",
        "tls": {"mode": "Terminate", "certificateRefs": [{"name": TLS_SECRET}]},
        "allowedRoutes": {"namespaces": {"from": "Selector", "selector": namespaces}},
    }
    return [
        {
            "apiVersion": f"{GATEWAY_API}/v1",
            "kind": "GatewayClass",
            "metadata": {"name": NAME},
            "spec": {"controllerName": "traefik.io/gateway-controller"},
        },
        {
            "apiVersion": f"{GATEWAY_API}/v1",
            "kind": "Gateway",
            "metadata": {"name": "public", "namespace": names.GATEWAY},
            "spec": {"gatewayClassName": NAME, "listeners": [listener]},
        },
        {
            "apiVersion": "networking.k8s.io/v1",
            "kind": "IngressClass",
            "metadata": {"name": NAME},
            "spec": {"controller": "kozutumi.test/traefik"},
        },
    ]


def _workload(image: str, domain: str) -> list[dict[str, Any]]:
    now = datetime.now(UTC)
    pair = certificates.issue(AUTHORITY, "gateway", usage=Usage.SERVER, hosts=(f"*.{domain}",), now=now)
    container = pods.container(
        NAME,
        image,
        args=list(_ARGUMENTS),
        ports=[{"containerPort": INSECURE_PORT}, {"containerPort": PORT}],
        readinessProbe={"tcpSocket": {"port": PORT}, "periodSeconds": 2},
        resources=pods.resources("10m", "64Mi", "512Mi"),
    )
    pod = {"serviceAccountName": NAME, "automountServiceAccountToken": True, "containers": [container]}
    ports = {"web": INSECURE_PORT, "websecure": PORT}
    service = pods.service(NAME, names.GATEWAY, NAME, NAME, ports)
    # Local: the client's own address reaches Traefik.
    service["spec"] |= {"type": "NodePort", "externalTrafficPolicy": "Local"}
    return [_tls_secret(pair), pods.deployment(NAME, names.GATEWAY, NAME, "", pod), service]


def _tls_secret(pair: Pair) -> dict[str, Any]:
    entries = {"tls.crt": pair.certificate, "tls.key": pair.private_key.reveal()}
    return {
        "apiVersion": "v1",
        "kind": "Secret",
        "metadata": {"name": TLS_SECRET, "namespace": names.GATEWAY},
        "type": "kubernetes.io/tls",
        "data": {name: base64.b64encode(value).decode() for name, value in entries.items()},
    }

"""Walking the network matrix from sources and towards listeners that mask nothing.

NetworkPolicies add up, so what limits the other end is lifted by adding one that lets everything pass.
"""

from __future__ import annotations

import json
import socket
import subprocess
import threading
from collections.abc import Callable, Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from typing import Any, Final, TypeVar

from e2e_world import World, wait_until
from kozutumi_cluster.demo import environment
from kozutumi_cluster.demo.kubectl import Kubectl
from kozutumi_cluster.platform import names as platform
from kozutumi_contract import labels
from kozutumi_operator.probe.table import Column, Row

METADATA: Final = "169.254.169.254"
WALK: Final = "walk"
KUBELET: Final = 10250
PROGRAM: Final = """
import json, sys
from kozutumi_operator.probe.__main__ import judge
targets, patience = json.loads(sys.argv[1])
print(json.dumps(judge([tuple(target) for target in targets], patience)))
"""
Target = tuple[str, int]
S = TypeVar("S")
T = TypeVar("T")
ENTRANCES: Final = (Column.PUBLIC, Column.INTERNAL, Column.METRICS, Column.SCAN)


@dataclass(frozen=True)
class Source:
    """A pod that walks. `unlimited`: nothing limits its ways out."""

    row: Row
    name: str
    namespace: str
    component: str
    unlimited: bool = False


def inside(code: str) -> list[Source]:
    where = labels.namespace(code)
    return [
        Source(Row.APP, "walk-app", where, "app"),
        Source(Row.SCANNER, "walk-scanner", where, "scanner"),
        Source(Row.OTHER, "walk-other", where, "probe"),
    ]


# Who comes from elsewhere carries the labels of those who may, where that could confuse a policy.
ELSEWHERE: Final = [
    Source(Row.OTHER, "walk-as-app", labels.CANARY_NAMESPACE, "app", unlimited=True),
    Source(Row.OTHER, "walk-as-scanner", labels.CANARY_NAMESPACE, "scanner", unlimited=True),
    Source(Row.OTHER, "walk-as-operator", labels.CANARY_NAMESPACE, "operator", unlimited=True),
    Source(Row.MONITORING, "walk-monitoring", platform.MONITORING, "prometheus", unlimited=True),
    Source(Row.OPERATOR, "walk-operator", platform.SYSTEM, "operator"),
    Source(Row.OPERATOR, "walk-operator-unlimited", platform.SYSTEM, "operator", unlimited=True),
]
CONTROL: Final = ELSEWHERE[0]


def pod(source: Source, image: str) -> dict[str, Any]:
    """It waits to be told where to go; no Service selects it."""
    security = {"allowPrivilegeEscalation": False, "capabilities": {"drop": ["ALL"]}, "readOnlyRootFilesystem": True}
    return {
        "apiVersion": "v1",
        "kind": "Pod",
        "metadata": {
            "name": source.name,
            "namespace": source.namespace,
            "labels": {labels.COMPONENT: source.component, labels.PROBE: WALK if source.unlimited else "limited"},
        },
        "spec": {
            "automountServiceAccountToken": False,
            "terminationGracePeriodSeconds": 0,
            "securityContext": {
                "runAsNonRoot": True,
                "runAsUser": 65532,
                "seccompProfile": {"type": "RuntimeDefault"},
            },
            "containers": [
                {
                    "name": "walk",
                    "image": image,
                    "imagePullPolicy": "IfNotPresent",
                    "command": ["python", "-m", "kozutumi_operator.probe", "listen", "8443"],
                    "securityContext": security,
                    "resources": {
                        "requests": {"cpu": "1m", "memory": "16Mi"},
                        "limits": {"memory": "64Mi"},
                    },
                }
            ],
        },
    }


def opening(namespace: str, selector: Mapping[str, Any], direction: str) -> dict[str, Any]:
    """Lets everything pass one way, for the pods selected."""
    return {
        "apiVersion": "networking.k8s.io/v1",
        "kind": "NetworkPolicy",
        "metadata": {"name": "test-walk", "namespace": namespace},
        "spec": {"podSelector": selector, "policyTypes": [direction], direction.lower(): [{}]},
    }


UNMASKING: Final = [
    opening(platform.STORAGE, {}, "Ingress"),
    opening(platform.MAIL, {}, "Ingress"),
    opening(platform.SYSTEM, {"matchLabels": {labels.COMPONENT: "signature-mirror"}}, "Ingress"),
    {
        **opening(platform.SYSTEM, {"matchLabels": {labels.PROBE: WALK}}, "Egress"),
        "metadata": {"name": "test-walk-out", "namespace": platform.SYSTEM},
    },
]


@contextmanager
def walkers(world: World, operator: Kubectl, codes: Sequence[str]) -> Iterator[None]:
    """All pods that walk, and what they need; gone afterwards. Pods inside are the operator's to make."""
    image = world.kubectl.json("get", "deployment", "listener", "-n", labels.CANARY_NAMESPACE)
    image = image["spec"]["template"]["spec"]["containers"][0]["image"]
    sources = [*ELSEWHERE, *(source for code in codes for source in inside(code))]
    with ExitStack() as stack:
        stack.enter_context(outside_listeners(world))
        stack.callback(_remove, world, operator, sources)
        for policy in UNMASKING:
            world.kubectl.apply(policy)
        each_of(sources, lambda source: _start(source, world, operator, image))
        yield


def each_of(sources: Sequence[S], act: Callable[[S], T]) -> list[T]:
    """Acts for all of them at the same time: most of what they do is wait."""
    with ThreadPoolExecutor(len(sources)) as pool:
        return list(pool.map(act, sources))


def _start(source: Source, world: World, operator: Kubectl, image: str) -> None:
    kubectl, where = _by(source, world, operator), ("-n", source.namespace)
    kubectl("delete", "pod", source.name, *where, "--ignore-not-found")
    kubectl("create", "-f", "-", stdin=json.dumps(pod(source, image)))
    world.kubectl("wait", "--for=condition=Ready", f"pod/{source.name}", *where, "--timeout=240s")


def _by(source: Source, world: World, operator: Kubectl) -> Kubectl:
    return operator if source.namespace.startswith(labels.NAMESPACE_PREFIX) else world.kubectl


def _remove(world: World, operator: Kubectl, sources: Sequence[Source]) -> None:
    words = ("--ignore-not-found", "--wait=false")
    each_of(sources, lambda each: _by(each, world, operator)("delete", "pod", each.name, "-n", each.namespace, *words))
    for policy in UNMASKING:
        name, namespace = policy["metadata"]["name"], policy["metadata"]["namespace"]
        world.kubectl("delete", "networkpolicy", name, "-n", namespace, "--ignore-not-found")


@contextmanager
def outside_listeners(world: World) -> Iterator[None]:
    """On this host, beyond the cluster: one that stands for the internet, one for a cloud's metadata address."""
    link = ("dev", world.layout.link)
    with ExitStack() as stack:
        ip("address", "replace", f"{METADATA}/32", *link)
        stack.callback(ip, "address", "delete", f"{METADATA}/32", *link)
        for address, port in ((METADATA, 80), (host_address(world), 443)):
            server = stack.enter_context(socket.create_server((address, port)))
            threading.Thread(target=_accept, args=(server,), daemon=True).start()
            stack.callback(server.shutdown, socket.SHUT_RDWR)
        yield


def _accept(server: socket.socket) -> None:
    while True:
        try:
            server.accept()[0].close()
        except OSError:
            return


def host_address(world: World) -> str:
    """This host's end of the link to the node: outside every range of the cluster."""
    shown = json.loads(ip("-json", "address", "show", "dev", world.layout.link))
    found: list[str] = [entry["local"] for entry in shown[0]["addr_info"] if entry["family"] == "inet"]
    return next(address for address in found if address != METADATA)


def ip(*words: str) -> str:
    return subprocess.run(["ip", *words], check=True, capture_output=True, text=True).stdout  # noqa: S603, S607 - fixed words of this file


def service_address(world: World, name: str, namespace: str) -> str:
    return str(world.kubectl.json("get", "service", name, "-n", namespace)["spec"]["clusterIP"])


def entrances(world: World, code: str) -> dict[Column, list[Target]]:
    """By pod address: no Service in between decides anything."""
    app = world.pod(code, "app")["status"]["podIP"]
    scanner = world.pod(code, "scanner")["status"]["podIP"]
    return {
        Column.PUBLIC: [(app, labels.APP_PORT)],
        Column.INTERNAL: [(app, labels.INTERNAL_PORT)],
        Column.METRICS: [(app, labels.METRICS_PORT), (scanner, labels.METRICS_PORT)],
        Column.SCAN: [(scanner, labels.SCANNER_PORT)],
    }


def beyond(world: World) -> dict[Column, list[Target]]:
    """What nothing of its own protects while `walkers` lasts."""
    node = environment.address(world.kubectl, world.layout)
    store = service_address(world, platform.S3, platform.STORAGE)
    return {
        Column.STORE: [(store, platform.S3_PORT)],
        Column.IAM: [(store, platform.IAM_PORT)],
        Column.DNS: [(service_address(world, "kube-dns", "kube-system"), 53)],
        Column.MIRROR: [(service_address(world, platform.MIRROR, platform.SYSTEM), platform.MIRROR_PORT)],
        Column.LISTED: [(service_address(world, platform.SMTP, platform.MAIL), platform.SMTP_PORT)],
        Column.API_SERVER: [(service_address(world, "kubernetes", "default"), 443), (node, 6443)],
        Column.METADATA: [(METADATA, 80)],
        Column.FOREIGN: [(service_address(world, "listener", labels.CANARY_NAMESPACE), 8443)],
        Column.INTERNET: [(host_address(world), 443)],
        Column.NODE: [(node, KUBELET)],
    }


def walk(world: World, source: Source, targets: Sequence[tuple[str, int, str]], *, patience: float = 15) -> list[bool]:
    """Which of (host, port, expected "open" or "closed") could be connected to."""
    words = ("exec", "-n", source.namespace, source.name, "--", "python", "-c", PROGRAM)
    outcomes = json.loads(world.kubectl(*words, json.dumps([list(targets), patience])))
    return [outcome == "c" for outcome in outcomes]


@contextmanager
def routed(world: World, addresses: Sequence[str]) -> Iterator[None]:
    """This host as a client that comes straight to the pods, as behind a load balancer that keeps addresses."""
    node = environment.address(world.kubectl, world.layout)
    with ExitStack() as stack:
        for address in set(addresses):
            ip("route", "replace", f"{address}/32", "via", node)
            stack.callback(ip, "route", "delete", f"{address}/32")
        yield


@contextmanager
def held(kubectl: Kubectl, code: str) -> Iterator[None]:
    """While it lasts the operator cannot repair the policies of this organization, and of no other."""
    name = f"test-hold-{code}"
    kind = {"apiVersion": "admissionregistration.k8s.io/v1", "metadata": {"name": name}}
    operator = f"system:serviceaccount:{platform.SYSTEM}:kozutumi-operator"
    rule = {
        "apiGroups": ["networking.k8s.io"],
        "apiVersions": ["v1"],
        "operations": ["CREATE", "UPDATE"],
        "resources": ["networkpolicies"],
    }
    condition = f"request.userInfo.username == '{operator}' && request.namespace == '{labels.namespace(code)}'"
    spec = {
        "failurePolicy": "Fail",
        "matchConstraints": {"resourceRules": [rule]},
        "matchConditions": [{"name": "held", "expression": condition}],
        "validations": [{"expression": "false", "message": "held by a test", "reason": "Forbidden"}],
    }
    binding = {"policyName": name, "validationActions": ["Deny"]}
    try:
        kubectl.apply({**kind, "kind": "ValidatingAdmissionPolicy", "spec": spec})
        kubectl.apply({**kind, "kind": "ValidatingAdmissionPolicyBinding", "spec": binding})
        yield
    finally:
        kubectl("delete", "validatingadmissionpolicybinding", name, "--ignore-not-found")
        kubectl("delete", "validatingadmissionpolicy", name, "--ignore-not-found")


__all__ = ["CONTROL", "ELSEWHERE", "ENTRANCES", "Source", "Target", "wait_until"]

"""Trying, from inside one organization, what must not work towards another."""

from __future__ import annotations

import json
from typing import Final

from kozutumi_cluster.demo.kubectl import Kubectl
from kozutumi_cluster.errors import ClusterError
from kozutumi_contract import labels

# Connects to each target given and prints which of them answered. TCP is enough: a refused packet never gets so far.
PROGRAM: Final = """
import json, socket, sys, concurrent.futures
def opens(target):
    try:
        socket.create_connection(tuple(target), timeout=3).close()
        return True
    except OSError:
        return False
targets = json.loads(sys.argv[1])
with concurrent.futures.ThreadPoolExecutor(16) as pool:
    print(json.dumps(dict(zip((name for name, _ in targets), pool.map(opens, (target for _, target in targets))))))
"""
PYTHON: Final = "/opt/kozutumi/bin/python"


def targets(kubectl: Kubectl, victim: str) -> list[tuple[str, tuple[str, int]]]:
    """Pod addresses, Service addresses and node ports of `victim`, and what no tenant may reach at all."""
    namespace = labels.namespace(victim)
    ports = {"app": (labels.APP_PORT, labels.INTERNAL_PORT, labels.METRICS_PORT), "scanner": (labels.SCANNER_PORT,)}
    found: list[tuple[str, tuple[str, int]]] = []
    for component, numbers in ports.items():
        selector = f"{labels.COMPONENT}={component}"
        pods = kubectl.json("get", "pods", "-n", namespace, "-l", selector)["items"]
        addresses = [pod["status"]["podIP"] for pod in pods if pod["status"].get("phase") == "Running"]
        found += [
            (f"{component} {number} at {address}", (address, number)) for address in addresses for number in numbers
        ]
    for service in kubectl.json("get", "services", "-n", namespace)["items"]:
        address = service["spec"]["clusterIP"]
        found += [
            (f"service {service['metadata']['name']} {port['port']}", (address, port["port"]))
            for port in service["spec"]["ports"]
            if address != "None"
        ]
    node = kubectl.json("get", "nodes")["items"][0]["status"]["addresses"][0]["address"]
    return [
        *found,
        ("API server (service)", ("10.96.0.1", 443)),
        ("API server (node)", (node, 6443)),
        ("kubelet", (node, 10250)),
        ("metadata address", ("169.254.169.254", 80)),
        ("internet", ("192.0.2.1", 443)),
    ]


def reachable_from(kubectl: Kubectl, attacker: str, component: str, victim: str) -> dict[str, bool]:
    """For each target by name, whether a pod of `attacker` could connect to it."""
    namespace = labels.namespace(attacker)
    listed = json.dumps(targets(kubectl, victim))
    words = ("exec", "-n", namespace, f"deployment/{component}", "-c", _container(component), "--", PYTHON, "-c")
    answer: dict[str, bool] = json.loads(kubectl(*words, PROGRAM, listed))
    return answer


def refused_from(kubectl: Kubectl, attacker: str, victim: str) -> list[str]:
    """Names of all targets, every one refused; ClusterError naming the one that was not."""
    answers = reachable_from(kubectl, attacker, "app", victim)
    opened = [name for name, answered in answers.items() if answered]
    if opened:
        raise ClusterError(f"From {attacker}, this of {victim} could be reached: {', '.join(opened)}.")
    return list(answers)


def _container(component: str) -> str:
    return "agent" if component == "scanner" else component

"""A pod that plays the platform's gateway: it verifies the app as a BackendTLSPolicy says, and forwards for others."""

from __future__ import annotations

import json
from collections.abc import Sequence
from typing import Any, Final

from e2e_world import World, wait_until
from kozutumi_contract import labels

PORT: Final = 8443
# One line of JSON: the status of a request for each value of X-Forwarded-For ("" sends none), or why there is none.
PROGRAM: Final = """
import http.client, json, os, ssl, sys
service, host, *forwarded = sys.argv[1:]
context = ssl.create_default_context(cadata=os.environ["CA"])
said = []
for each in forwarded:
    connection = http.client.HTTPSConnection(service, 8443, context=context, timeout=10)
    headers = {"Host": host} | ({"X-Forwarded-For": each} if each else {})
    try:
        connection.request("GET", "/api/v1/session", headers=headers)
        said.append(connection.getresponse().status)
    except OSError as error:
        said.append(type(error).__name__)
    connection.close()
print(json.dumps(said))
"""


def forward(world: World, code: str, host: str, forwarded: Sequence[str], *, namespace: str) -> list[Any]:
    """What the app answers when a pod of `namespace` forwards for these addresses."""
    name = f"gateway-{code}"
    world.kubectl("delete", "pod", name, "-n", namespace, "--ignore-not-found", "--grace-period=0", "--force")
    world.kubectl.apply(_pod(world, code, name, namespace, host, forwarded))
    try:
        wait_until(f"{name} to end", lambda: _ended(world, name, namespace), seconds=180, interval=0.5)
        said: list[Any] = json.loads(world.kubectl("logs", name, "-n", namespace))
        return said
    finally:
        world.kubectl("delete", "pod", name, "-n", namespace, "--grace-period=0", "--force")


def _ended(world: World, name: str, namespace: str) -> bool:
    return world.kubectl.json("get", "pod", name, "-n", namespace)["status"]["phase"] in {"Succeeded", "Failed"}


def _pod(world: World, code: str, name: str, namespace: str, host: str, forwarded: Sequence[str]) -> dict[str, Any]:
    where = labels.namespace(code)
    policy = world.kubectl.json("get", "backendtlspolicy", "app-public", "-n", where)["spec"]["validation"]
    trust = policy["caCertificateRefs"][0]["name"]
    authority = world.kubectl.json("get", "configmap", trust, "-n", where)["data"]["ca.crt"]
    image = world.kubectl.json("get", "deployment", "kozutumi-operator", "-n", labels.SYSTEM_NAMESPACE)["spec"]
    container = {
        "name": "gateway",
        "image": image["template"]["spec"]["containers"][0]["image"],
        "command": ["python", "-c", PROGRAM, policy["hostname"], host, *forwarded],
        "env": [{"name": "CA", "value": authority}],
        "securityContext": {
            "allowPrivilegeEscalation": False,
            "readOnlyRootFilesystem": True,
            "capabilities": {"drop": ["ALL"]},
        },
    }
    security = {
        "runAsNonRoot": True,
        "runAsUser": 65532,
        "runAsGroup": 65532,
        "seccompProfile": {"type": "RuntimeDefault"},
    }
    return {
        "apiVersion": "v1",
        "kind": "Pod",
        "metadata": {"name": name, "namespace": namespace},
        "spec": {
            "restartPolicy": "Never",
            "automountServiceAccountToken": False,
            "securityContext": security,
            "containers": [container],
        },
    }

"""What every end-to-end test stands on: kubectl, the inbox, the public endpoints and who can sign in."""

from __future__ import annotations

import json
import secrets
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from kozutumi_cluster import binaries
from kozutumi_cluster.demo import environment, organizations, people
from kozutumi_cluster.demo import kubectl as kubectls
from kozutumi_cluster.demo.inbox import Inbox
from kozutumi_cluster.demo.kubectl import Kubectl
from kozutumi_cluster.demo.public import Endpoint, Public
from kozutumi_cluster.errors import ClusterError
from kozutumi_cluster.layout import DEFAULT_NAME, Layout
from kozutumi_contract import labels

AOI = "aoi-law"
KAEDE = "kaede-bank"
PATIENCE = 3  # a machine may be three times as slow as the ones that the tests' limits were found on
EICAR = "X5O!P%@AP[4\\PZX54(P^)7CC)7}" + "$EICAR-STANDARD-ANTIVIRUS-TEST-FILE!$H+H*"


def wait_until(what: str, check: Callable[[], bool], *, seconds: float, interval: float = 1) -> None:
    """Poll `check`; ClusterError when it does not come true. No promise is about these seconds.

    A question that the cluster could not answer is asked again: a busy API server or a pod that moves is no outcome.
    """
    unanswered: list[ClusterError] = []

    def asked() -> bool:
        unanswered.clear()
        try:
            return check()
        except ClusterError as error:
            unanswered.append(error)
            return False

    try:
        kubectls.wait_until(what, asked, seconds=PATIENCE * seconds, interval=interval)
    except ClusterError as error:
        raise ClusterError(" It was told: ".join(str(each) for each in (error, *unanswered))) from error


@dataclass(frozen=True)
class World:
    layout: Layout
    kubectl: Kubectl
    inbox: Inbox
    ca: Path
    passwords: people.Passwords

    def endpoint(self, code: str) -> Endpoint:
        return environment.endpoint(self.kubectl, self.layout, code, self.ca)

    def administrator(self, code: str) -> Public:
        return people.ensure_administrator(self.endpoint(code), self.inbox, self.passwords, f"admin@{code}.example")

    def member(self, code: str, who: str = "member") -> Public:
        endpoint = self.endpoint(code)
        with self.administrator(code) as administrator:
            email = f"{who}@{code}.example"
            return people.ensure_member(endpoint, self.inbox, self.passwords, administrator, email, "一般 太郎")

    def pod(self, code: str, component: str) -> dict[str, Any]:
        """The one running pod of a component."""
        selector = f"{labels.COMPONENT}={component},!{labels.PROBE}"
        listed = self.kubectl.json("get", "pods", "-n", labels.namespace(code), "-l", selector)
        running: list[dict[str, Any]] = [
            pod
            for pod in listed["items"]
            if pod["status"]["phase"] == "Running" and "deletionTimestamp" not in pod["metadata"]
        ]
        assert running, f"no running {component} pod of {code}"
        return running[-1]

    def python(self, code: str, component: str, program: str, *arguments: str, container: str | None = None) -> str:
        """Run a Python program inside the pod of a component."""
        name = self.pod(code, component)["metadata"]["name"]
        chosen = ("-c", container) if container else ()
        words = ("exec", "-n", labels.namespace(code), name, *chosen, "--", "/opt/kozutumi/bin/python", "-c", program)
        return self.kubectl(*words, *arguments)

    def fresh_code(self) -> str:
        return f"t-{secrets.token_hex(4)}"

    def create(self, code: str, **spec: Any) -> None:
        self.kubectl.apply(organizations.manifest(code, "試験", "Test", **spec))

    def confirm_deletion(self, code: str) -> None:
        self.kubectl("annotate", "organization", code, f"{labels.CONFIRM_DELETION}={code}", "--overwrite")

    def dispose(self, code: str, *, cascade: str = "background") -> None:
        if not self.kubectl.exists("organization", code):
            return
        self.confirm_deletion(code)
        self.kubectl("delete", "organization", code, f"--cascade={cascade}", "--timeout=240s")

    def patch(self, *words: str, patch: dict[str, Any]) -> None:
        self.kubectl("patch", *words, "--type=merge", "-p", json.dumps(patch))

    def leader(self) -> str:
        """The pod of the operator that is at work."""
        lease = self.kubectl.json("get", "lease", "kozutumi-operator", "-n", labels.SYSTEM_NAMESPACE)
        return str(lease["spec"].get("holderIdentity") or "")

    def operator_said(self) -> str:
        """Log of the operator at work; empty while the Lease still names one that is going or gone."""
        name = self.leader()
        of_system = ("-n", labels.SYSTEM_NAMESPACE)
        staying = ("get", "pods", *of_system, "-o", "json", f"--field-selector=metadata.name={name}")
        pods = json.loads(self.kubectl(*staying))["items"] if name else []
        if not pods or "deletionTimestamp" in pods[0]["metadata"]:
            return ""
        return self.kubectl("logs", *of_system, name)

    def wait_rolled_out(self, namespace: str, deployment: str) -> None:
        self.kubectl("rollout", "status", "-n", namespace, f"deployment/{deployment}", "--timeout=280s")


def world_of() -> World:
    layout = Layout.of(DEFAULT_NAME)
    programs = binaries.installed("cluster")
    assert programs is not None, "start the cluster first: make install"
    kubectl = Kubectl(programs["kubectl"], layout.kubeconfig)
    ca = environment.platform_ca(kubectl, layout)
    passwords = people.Passwords.load(environment.passwords_file(layout))
    return World(layout, kubectl, environment.inbox(kubectl, layout, ca), ca, passwords)


__all__ = ["AOI", "EICAR", "KAEDE", "World", "wait_until", "world_of"]

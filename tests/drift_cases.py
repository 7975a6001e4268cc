"""What somebody with cluster-admin rights may do to an organization's objects. Each is to be put back, and told."""

from __future__ import annotations

import base64
import json
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from kozutumi_cluster.demo.kubectl import Kubectl
from kozutumi_contract import labels

_LEVEL = "pod-security.kubernetes.io/enforce"
_MALLORY = {"kind": "User", "apiGroup": "rbac.authorization.k8s.io", "name": "mallory"}
_VOLATILE = ("resourceVersion", "managedFields", "generation", "uid", "creationTimestamp", "selfLink")
Patch = Mapping[str, Any]


@dataclass(frozen=True)
class Case:
    """One way in which an object may drift. Exactly one of the last four says how."""

    name: str
    kind: str
    object: str
    merge: Patch | None = None
    strategic: Patch | None = None
    delete: bool = False
    create: Patch | None = None

    @property
    def told(self) -> str:
        """How the Event begins."""
        return f"{self.kind} {self.object}: "

    def place(self, code: str) -> tuple[str, ...]:
        found = (self.kind.lower(), self.object.replace("CODE", code))
        return found if self.kind == "Namespace" else (*found, "-n", labels.namespace(code))

    def commit(self, kubectl: Kubectl, code: str) -> None:
        if self.delete:
            kubectl("delete", *self.place(code), "--wait=false")
        elif self.create is not None:
            described = {"metadata": {"name": self.object, "namespace": labels.namespace(code)}}
            kubectl("create", "-f", "-", stdin=json.dumps({**self.create, "kind": self.kind, **described}))
        else:
            how, patch = ("merge", self.merge) if self.merge is not None else ("strategic", self.strategic)
            kubectl("patch", *self.place(code), f"--type={how}", "-p", json.dumps(patch))

    def look(self, kubectl: Kubectl, code: str) -> Any:
        """The object as far as somebody decides it; None if there is none."""
        found = kubectl("get", *self.place(code), "--ignore-not-found", "-o", "json")
        return normal(json.loads(found)) if found.strip() else None


def normal(obj: dict[str, Any]) -> dict[str, Any]:
    metadata = {key: value for key, value in obj["metadata"].items() if key not in _VOLATILE}
    marks = metadata.get("annotations", {})
    metadata["annotations"] = {k: v for k, v in marks.items() if not k.startswith("deployment.kubernetes.io/")}
    kept = {key: value for key, value in obj.items() if key not in {"status", "metadata"}}
    if obj["kind"] == "Secret":  # made anew, with other random bytes: what counts is that it is whole
        kept["data"] = {name: len(base64.b64decode(value)) > 64 for name, value in obj.get("data", {}).items()}
    return {**kept, "metadata": metadata}


def _garbage(*entries: str) -> Patch:
    return {"data": {entry: base64.b64encode(b"garbage").decode() for entry in entries}}


def _role(name: str) -> Patch:
    reference = {"apiGroup": "rbac.authorization.k8s.io", "kind": "ClusterRole", "name": name}
    return {"apiVersion": "rbac.authorization.k8s.io/v1", "roleRef": reference, "subjects": [_MALLORY]}


CASES = [
    Case("a policy deleted", "NetworkPolicy", "default-deny", delete=True),
    Case("a policy opened", "NetworkPolicy", "app-ingress", merge={"spec": {"ingress": [{}]}}),
    Case("a way out added", "NetworkPolicy", "app-egress", merge={"spec": {"egress": [{}]}}),
    Case(
        "a policy aimed elsewhere",
        "NetworkPolicy",
        "scanner-egress",
        merge={"spec": {"podSelector": {"matchLabels": {"app.kubernetes.io/component": "nobody"}}}},
    ),
    Case(
        "one more policy that allows everything",
        "NetworkPolicy",
        "stranger",
        create={
            "apiVersion": "networking.k8s.io/v1",
            "spec": {"podSelector": {}, "ingress": [{}], "egress": [{}], "policyTypes": ["Ingress", "Egress"]},
        },
    ),
    Case("Pod Security lowered", "Namespace", "kz-CODE", merge={"metadata": {"labels": {_LEVEL: "privileged"}}}),
    Case("Pod Security taken off", "Namespace", "kz-CODE", merge={"metadata": {"labels": {_LEVEL: None}}}),
    Case(
        "the service code taken off",
        "Namespace",
        "kz-CODE",
        merge={"metadata": {"labels": {labels.SERVICE_CODE: None}}},
    ),
    Case("the quota raised", "ResourceQuota", "organization", merge={"spec": {"hard": {"pods": "500"}}}),
    Case("the quota deleted", "ResourceQuota", "organization", delete=True),
    Case("the limits deleted", "LimitRange", "organization", delete=True),
    Case("the operator's binding deleted", "RoleBinding", "kozutumi-operator", delete=True),
    Case(
        "the operator's binding given to another, too",
        "RoleBinding",
        "kozutumi-operator",
        merge={
            "subjects": [
                {"kind": "ServiceAccount", "name": "kozutumi-operator", "namespace": labels.SYSTEM_NAMESPACE},
                _MALLORY,
            ]
        },
    ),
    Case("one more binding", "RoleBinding", "stranger", create=_role("view")),
    Case("a token for the app", "ServiceAccount", "app", merge={"automountServiceAccountToken": True}),
    Case("an account deleted", "ServiceAccount", "scanner", delete=True),
    Case("a certificate deleted", "Secret", "app-metrics-tls", delete=True),
    Case("a certificate overwritten", "Secret", "scanner-metrics-tls", merge=_garbage("tls.crt", "tls.key")),
    Case("trust swapped", "ConfigMap", "platform-ca", merge={"data": {"ca.crt": "another's"}}),
    Case(
        "the volume's label taken off",
        "PersistentVolumeClaim",
        "data",
        merge={"metadata": {"labels": {labels.SERVICE_CODE: None}}},
    ),
    Case(
        "a port added to a Service",
        "Service",
        "app",
        strategic={"spec": {"ports": [{"name": "stranger", "port": 5000, "targetPort": 5000}]}},
    ),
    Case(
        "a Service aimed elsewhere",
        "Service",
        "scanner",
        merge={"spec": {"selector": {"app.kubernetes.io/component": "nobody"}}},
    ),
    Case("client addresses hidden", "Service", "app-public", merge={"spec": {"externalTrafficPolicy": "Cluster"}}),
    Case(
        "one more Service",
        "Service",
        "stranger",
        create={
            "apiVersion": "v1",
            "spec": {"selector": {"app.kubernetes.io/component": "app"}, "ports": [{"port": 9443}]},
        },
    ),
    Case(
        "a variable in the scanner",
        "Deployment",
        "scanner",
        strategic={
            "spec": {
                "template": {"spec": {"containers": [{"name": "agent", "env": [{"name": "STRANGER", "value": "x"}]}]}}
            }
        },
    ),
    Case(
        "a foreign workload",
        "Deployment",
        "stranger",
        create={
            "apiVersion": "apps/v1",
            "spec": {
                "replicas": 0,
                "selector": {"matchLabels": {"a": "b"}},
                "template": {
                    "metadata": {"labels": {"a": "b"}},
                    "spec": {"containers": [{"name": "x", "image": "localhost/none"}]},
                },
            },
        },
    ),
    Case("the disruption budget deleted", "PodDisruptionBudget", "app", delete=True),
]

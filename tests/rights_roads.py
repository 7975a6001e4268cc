"""Ways to more rights than one has, each as words for kubectl and what to send."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

from e2e_world import AOI
from kozutumi_contract import labels

SYSTEM, OWN = labels.SYSTEM_NAMESPACE, labels.namespace(AOI)
ACCOUNT = "kozutumi-operator"


@dataclass(frozen=True)
class Road:
    """A way to more rights: words for kubectl, `{pod}` being the app's, and what to send."""

    words: str
    sent: dict[str, Any] | None = field(default=None, hash=False)


def bound(namespace: str, role: str, subject: dict[str, str], kind: str = "RoleBinding") -> dict[str, Any]:
    metadata = {"name": "test-road"} | ({"namespace": namespace} if namespace else {})
    reference = {"apiGroup": "rbac.authorization.k8s.io", "kind": "ClusterRole", "name": role}
    return {
        "apiVersion": "rbac.authorization.k8s.io/v1",
        "kind": kind,
        "metadata": metadata,
        "roleRef": reference,
        "subjects": [subject],
    }


def role(name: str) -> dict[str, Any]:
    """A cluster role with every right."""
    return {
        "apiVersion": "rbac.authorization.k8s.io/v1",
        "kind": "ClusterRole",
        "metadata": {"name": name},
        "rules": [{"apiGroups": ["*"], "resources": ["*"], "verbs": ["*"]}],
    }


def namespace(name: str, **marks: str) -> dict[str, Any]:
    return {"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": name, "labels": marks}}


def pod(where: str, **spec: Any) -> dict[str, Any]:
    """Restricted, and without a token, but for what `spec` says."""
    security = {"allowPrivilegeEscalation": False, "capabilities": {"drop": ["ALL"]}}
    profile = {"runAsNonRoot": True, "runAsUser": 65532, "seccompProfile": {"type": "RuntimeDefault"}}
    container = {"name": "road", "image": "localhost/none", "securityContext": security}
    base = {"automountServiceAccountToken": False, "securityContext": profile, "containers": [container]}
    return {
        "apiVersion": "v1",
        "kind": "Pod",
        "metadata": {"name": "test-road", "namespace": where},
        "spec": base | spec,
    }


ITSELF = {"kind": "ServiceAccount", "name": ACCOUNT, "namespace": SYSTEM}
ANOTHER = {"kind": "User", "apiGroup": "rbac.authorization.k8s.io", "name": "mallory"}
EVERYBODY = {"kind": "Group", "apiGroup": "rbac.authorization.k8s.io", "name": "system:authenticated"}
CODE, LEVEL = labels.SERVICE_CODE, "pod-security.kubernetes.io/enforce"
CREATE = "create -f - --dry-run=server"
PATCH = "apply --server-side --force-conflicts --validate=false -f - --dry-run=server"
OPERATOR_ROADS: dict[str, Road] = {
    "read the Secrets of all namespaces": Road("get secrets -A"),
    "read a Secret of kube-system": Road("get secrets -n kube-system"),
    "read a Secret of its own namespace": Road(f"get secret platform-ca -n {SYSTEM}"),
    "read a Secret of the storage namespace": Road(f"get secrets -n {labels.STORAGE_NAMESPACE}"),
    "read ConfigMaps elsewhere": Road("get configmaps -n kube-system"),
    "label kube-system": Road("label namespace kube-system x=y --dry-run=server"),
    "adopt kube-system": Road(f"label namespace kube-system {CODE}=kube {LEVEL}=restricted --dry-run=server"),
    "label its own namespace": Road(f"label namespace {SYSTEM} x=y --dry-run=server"),
    "delete kube-system": Road("delete namespace kube-system --dry-run=server"),
    "bind itself in kube-system": Road(CREATE, bound("kube-system", "kozutumi-tenant", ITSELF)),
    "bind itself in its own namespace": Road(CREATE, bound(SYSTEM, "kozutumi-tenant", ITSELF)),
    "bind another in kube-system": Road(CREATE, bound("kube-system", "kozutumi-tenant", ANOTHER)),
    "bind another in an organization's namespace": Road(CREATE, bound(OWN, "kozutumi-tenant", ANOTHER)),
    "bind a larger role to itself": Road(CREATE, bound(OWN, "cluster-admin", ITSELF)),
    "bind the role admin": Road(CREATE, bound(OWN, "admin", ITSELF)),
    "bind a grant's role to itself": Road(CREATE, bound(OWN, "kozutumi-grant-operate", ITSELF)),
    "bind a grant's role to everybody": Road(CREATE, bound(OWN, "kozutumi-grant-operate", EVERYBODY)),
    "bind for the whole cluster": Road(CREATE, bound("", "kozutumi-tenant", ITSELF, "ClusterRoleBinding")),
    "widen its own role": Road(PATCH, role("kozutumi-operator")),
    "widen the tenant role": Road(PATCH, role("kozutumi-tenant")),
    "loosen Pod Security": Road(f"label namespace {OWN} {LEVEL}=privileged --overwrite --dry-run=server"),
    "take Pod Security off": Road(f"label namespace {OWN} {LEVEL}- --dry-run=server"),
    "make a namespace kz-… without Pod Security": Road(CREATE, namespace("kz-test-road", **{CODE: "test-road"})),
    "make a namespace kz-… without a code": Road(CREATE, namespace("kz-test-road", **{LEVEL: "restricted"})),
    "make a namespace outside the prefix": Road(CREATE, namespace("test-road", **{CODE: "t", LEVEL: "restricted"})),
    "run a privileged pod": Road(CREATE, pod(OWN, hostNetwork=True, hostPID=True)),
    "run a pod in kube-system": Road(CREATE, pod("kube-system")),
    "run a pod with a token": Road(CREATE, pod("kozutumi-monitoring", automountServiceAccountToken=True)),
    "run a pod as another account": Road(CREATE, pod(OWN, serviceAccountName="app")),
    "mount a Secret from where it probes": Road(
        CREATE, pod("kozutumi-monitoring", volumes=[{"name": "v", "secret": {"secretName": "any"}}])
    ),
    "delete an admission policy": Road(
        "delete validatingadmissionpolicy kozutumi-operator-role-bindings --dry-run=server"
    ),
    "delete a binding of one": Road(
        "delete validatingadmissionpolicybinding kozutumi-operator-role-bindings --dry-run=server"
    ),
    "edit an admission policy": Road(
        PATCH,
        {
            "apiVersion": "admissionregistration.k8s.io/v1",
            "kind": "ValidatingAdmissionPolicy",
            "metadata": {"name": "kozutumi-operator-namespaces"},
            "spec": {"validations": [{"expression": "true"}]},
        },
    ),
    "add an admission webhook": Road(
        CREATE,
        {
            "apiVersion": "admissionregistration.k8s.io/v1",
            "kind": "ValidatingWebhookConfiguration",
            "metadata": {"name": "test-road"},
        },
    ),
    "mint a token of its own": Road(f"create token {ACCOUNT} -n {SYSTEM}"),
    "mint a token of an app": Road(f"create token app -n {OWN}"),
    "mint a token in kube-system": Road("create token default -n kube-system"),
    "impersonate an administrator": Road("get namespaces --as=admin --as-group=system:masters"),
    "exec into an app": Road(f"exec -n {OWN} {{pod}} -c app -- true"),
    "attach to an app": Road(f"attach -n {OWN} {{pod}} -c app"),
    "forward a port of an app": Road(f"port-forward -n {OWN} {{pod}} :9443"),
    "debug an app": Road(f"debug -n {OWN} {{pod}} --image=localhost/none --target=app --profile=general"),
    "read an app's log": Road(f"logs -n {OWN} {{pod}} -c app"),
    "reach a node's kubelet": Road("get --raw /api/v1/nodes/{node}/proxy/pods"),
    "ask for a certificate": Road(
        CREATE,
        {
            "apiVersion": "certificates.k8s.io/v1",
            "kind": "CertificateSigningRequest",
            "metadata": {"name": "test-road"},
            "spec": {"request": "eA==", "signerName": "kubernetes.io/kube-apiserver-client", "usages": ["client auth"]},
        },
    ),
    "delete an organization": Road(f"delete organization {AOI} --dry-run=server"),
}


ADMINISTRATOR_ROADS: dict[str, Road] = {
    "edit a policy": Road(f"label networkpolicy default-deny -n {OWN} x=y --dry-run=server"),
    "delete a policy": Road(f"delete networkpolicy default-deny -n {OWN} --dry-run=server"),
    "add a policy": Road(
        CREATE,
        {
            "apiVersion": "networking.k8s.io/v1",
            "kind": "NetworkPolicy",
            "metadata": {"name": "test-road", "namespace": OWN},
            "spec": {"podSelector": {}, "ingress": [{}], "policyTypes": ["Ingress"]},
        },
    ),
    "delete the key ring": Road(f"delete secret keyring -n {OWN} --dry-run=server"),
    "edit the deployment": Road(f"set env deployment/app -n {OWN} X=y --dry-run=server"),
    "lower Pod Security": Road(f"label namespace {OWN} {LEVEL}=privileged --overwrite --dry-run=server"),
    "delete the namespace": Road(f"delete namespace {OWN} --dry-run=server"),
    "take the reserved prefix": Road(CREATE, namespace("kz-test-road")),
    "bind a role in there": Road(CREATE, bound(OWN, "view", ANOTHER)),
    "run a pod in there": Road(CREATE, pod(OWN)),
    "run a job in there": Road(f"create job test-road -n {OWN} --image=localhost/none --dry-run=server"),
    "mint a token of an app": Road(f"create token app -n {OWN}"),
    "forge a managed Secret": Road(
        CREATE,
        {
            "apiVersion": "v1",
            "kind": "Secret",
            "metadata": {
                "name": "test-road",
                "namespace": OWN,
                "labels": {"app.kubernetes.io/managed-by": labels.FIELD_MANAGER},
            },
        },
    ),
}


PEOPLE_ROADS = {
    "an organization's Secrets": f"get secrets -n {OWN}",
    "an organization's ConfigMaps": f"get configmaps -n {OWN}",
    "exec": f"exec -n {OWN} {{pod}} -c app -- true",
    "port-forward": f"port-forward -n {OWN} {{pod}} :9443",
    "an app's log": f"logs -n {OWN} {{pod}} -c app",
    "a debug container": f"debug -n {OWN} {{pod}} --image=localhost/none --target=app --profile=general",
    "editing an organization": f"annotate organization {AOI} x=y --dry-run=server",
    "deleting a pod": f"delete pod -n {OWN} {{pod}} --dry-run=server",
}

"""At start: does the cluster refuse what only admission policies can refuse? Tried as dry runs, nothing is made."""

from __future__ import annotations

from typing import Any, Final

from kozutumi_contract import labels
from kozutumi_operator.cluster.client import AlreadyExists, Cluster
from kozutumi_operator.cluster.kinds import NAMESPACE, POD, ROLE_BINDING, Object
from kozutumi_operator.errors import ApplyRefused
from kozutumi_operator.manifests import names, pod
from kozutumi_operator.platform import PlatformSettings

_NAME: Final = "kozutumi-guard-test"
_LEVEL: Final = "pod-security.kubernetes.io/enforce"


class UnguardedError(RuntimeError):
    """The cluster lets the operator do what its admission policies must refuse."""


def attempts(service_account: str, image: str = "probe") -> dict[str, Object]:
    """What the operator's role alone would allow, by what it amounts to: one for each policy that limits it."""
    marks = {labels.SERVICE_CODE: "guard-test", _LEVEL: "restricted"}
    return {
        "bind its role in kube-system": {
            "apiVersion": ROLE_BINDING.api_version,
            "kind": ROLE_BINDING.name,
            "metadata": {"name": _NAME, "namespace": "kube-system"},
            "roleRef": {"apiGroup": "rbac.authorization.k8s.io", "kind": "ClusterRole", "name": names.ROLE},
            "subjects": [{"kind": "ServiceAccount", "name": service_account, "namespace": labels.SYSTEM_NAMESPACE}],
        },
        f"make a namespace outside {labels.NAMESPACE_PREFIX}…": _namespace(_NAME, marks),
        "make a namespace with privileged pods": _namespace(
            f"{labels.NAMESPACE_PREFIX}{_NAME}", marks | {_LEVEL: "privileged"}
        ),
        "mount a Secret of another namespace": _mounting_pod(image),
    }


def _namespace(name: str, marks: dict[str, Any]) -> Object:
    return {"apiVersion": NAMESPACE.api_version, "kind": NAMESPACE.name, "metadata": {"name": name, "labels": marks}}


def _mounting_pod(image: str) -> Object:
    """A probe pod but for its volume: nothing else about it may be the reason of a refusal."""
    container = pod.container(
        "probe",
        image,
        pod.PROBE,
        command=["python"],
        environment={},
        mounts=[pod.mount("secret", "/secret")],
    )
    return {
        "apiVersion": POD.api_version,
        "kind": POD.name,
        "metadata": {"name": _NAME, "namespace": labels.CANARY_NAMESPACE},
        "spec": {**pod.restricted(), "containers": [container], "volumes": [pod.secret_volume("secret")]},
    }


async def refuse_unguarded(cluster: Cluster, platform: PlatformSettings) -> None:
    """Errors: UnguardedError where one attempt is let through; ClusterUnavailable."""
    for what, obj in attempts(platform.operator_service_account, platform.image_probe).items():
        try:
            await cluster.create(obj, dry_run=True)
        except AlreadyExists:
            pass  # admission comes before the look at what exists: it was let through
        except ApplyRefused:
            continue
        raise UnguardedError(f"the operator may {what}; install the admission policies first")

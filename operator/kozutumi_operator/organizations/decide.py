"""From what should be and what is to the next actions. Pure."""

from __future__ import annotations

from collections.abc import Container, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final

from kozutumi_contract import keyring, labels
from kozutumi_operator.errors import NamespaceConflict
from kozutumi_operator.manifests import names
from kozutumi_operator.organizations import drift, quantities
from kozutumi_operator.organizations.observed import Key, Object, Observed, key_of
from kozutumi_operator.organizations.reasons import Reason


@dataclass(frozen=True, slots=True)
class Apply:
    """Server-side apply, forced. `drifted` names what others changed; a drift is an Event.

    It is "" where the object is new, or where our own wish changed (another image, another setting), and "deleted"
    where the inventory lists what is no longer there.
    """

    object: Object
    drifted: str = ""


@dataclass(frozen=True, slots=True)
class Strip:
    """JSON patch (RFC 6902) that removes what others added and server-side apply would leave."""

    key: Key
    patch: tuple[Object, ...]


@dataclass(frozen=True, slots=True)
class Delete:
    """Delete with the uid as precondition."""

    key: Key
    uid: str


@dataclass(frozen=True, slots=True)
class Wait:
    """Nothing more can be done until something else happens; `message` names the next action."""

    reason: Reason
    message: str


Action = Apply | Strip | Delete | Wait

ISOLATION: Final = frozenset({"Namespace", "RoleBinding", "ResourceQuota", "LimitRange", "NetworkPolicy"})
COUNTED: Final = frozenset({"PersistentVolumeClaim", "Service", "Deployment"})
# Only these are looked at as surplus; pods, endpoints and the like carry our labels too, but belong to controllers.
SWEPT: Final = frozenset(
    {
        "RoleBinding",
        "ResourceQuota",
        "LimitRange",
        "NetworkPolicy",
        "ServiceAccount",
        "Secret",
        "ConfigMap",
        "Service",
        "Deployment",
        "PodDisruptionBudget",
        "Ingress",
        "HTTPRoute",
        "BackendTLSPolicy",
        "ListenerSet",
        "Certificate",
    }
)
# One more of these, whoever made it, can only open: policies and bindings add up, a Service or route leads to our pods,
# a Deployment's pods may mount our Secrets. Other kinds go only if they carry our label.
NEVER_FOREIGN: Final = frozenset({"NetworkPolicy", "RoleBinding", "Service", "Deployment", "Ingress", "HTTPRoute"})
# Never deleted as surplus: what they hold could not be made again, or they are held back only for now.
KEPT: Final = frozenset({("Secret", keyring.SECRET_NAME), ("Deployment", names.APP), ("Deployment", names.SCANNER)})


def plan(desired: Sequence[Object], observed: Observed, recorded: Container[str] = ()) -> list[Action]:
    """Actions in the order in which to perform them; stop at the first that fails, then observe and plan again.

    Plan again also after performing all: a plan ends early where the next objects need what it just made
    (namespace → isolation → pods). `recorded` is the inventory in the status, as Kind/name.
    Raises NamespaceConflict where a namespace of that name is not ours.
    """
    namespace = desired[0]
    live = observed.objects.get(key_of(namespace))
    if live is None:
        return [_anew(namespace, recorded)]
    refuse_foreign(namespace, live)
    if live["metadata"].get("deletionTimestamp"):
        return [Wait(Reason.NAMESPACE_TERMINATING, "The namespace is being deleted; wait until it is gone.")]
    isolation = [
        action for each in desired if each["kind"] in ISOLATION for action in _repair(each, observed, recorded)
    ]
    surplus = list(_surplus(desired, observed))
    actions: list[Action] = [*isolation, *surplus]
    quota_pending = not _quota_counts(desired, observed)
    for each in desired:
        if each["kind"] in ISOLATION:
            continue
        if quota_pending and each["kind"] in COUNTED:
            continue
        if each["kind"] == "Deployment":
            actions.extend(_pods(each, observed, recorded, isolated=not isolation and not surplus))
        else:
            actions.extend(_repair(each, observed, recorded))
    if quota_pending and not isolation:
        actions.append(Wait(Reason.NAMESPACE_PENDING, "Kubernetes is counting the new quota; no action needed."))
    if not any((each["kind"], each["metadata"]["name"]) == ("Deployment", names.APP) for each in desired):
        actions.append(Wait(Reason.ENDPOINT_PENDING, "The API server is to allot the node port; no action needed."))
    return actions


def refuse_foreign(namespace: Object, live: Object) -> None:
    """Raise NamespaceConflict unless `live` was made for this very organization."""
    name, metadata = live["metadata"]["name"], live["metadata"]
    code = (metadata.get("labels") or {}).get(labels.SERVICE_CODE)
    uid = (metadata.get("annotations") or {}).get(labels.ORGANIZATION_UID)
    if code is None and uid is None:
        raise NamespaceConflict(
            f"Namespace {name} exists and was not made by Kozutumi; move its content elsewhere and delete it, "
            "or choose another service code."
        )
    if uid != namespace["metadata"]["annotations"][labels.ORGANIZATION_UID]:
        raise NamespaceConflict(
            f"Namespace {name} belongs to an earlier organization of this name; check that its data is not needed, "
            "then delete the namespace."
        )


def _anew(wanted: Object, recorded: Container[str]) -> Apply:
    return Apply(wanted, drifted="deleted" if f"{wanted['kind']}/{wanted['metadata']['name']}" in recorded else "")


def _repair(wanted: Object, observed: Observed, recorded: Container[str]) -> Iterator[Action]:
    live = observed.objects.get(key_of(wanted))
    if live is None:
        yield _anew(wanted, recorded)
        return
    patch = drift.foreign(wanted, live)
    if patch:
        yield Strip(key_of(wanted), patch)
    changed = drift.differences(wanted, live)
    if changed or drift.unwanted(wanted, live):
        others = sorted(each.path for each in changed if each.by_others) if drift.applied_before(live) else []
        yield Apply(wanted, drifted=", ".join(others[:5]))


def _pods(wanted: Object, observed: Observed, recorded: Container[str], *, isolated: bool) -> Iterator[Action]:
    """A pod may start or change only behind complete policies, and when all that it mounts is there."""
    if not isolated:
        return
    missing = [key for key in mounted(wanted) if observed.get(*key) is None]
    name = wanted["metadata"]["name"]
    if ("Secret", keyring.SECRET_NAME) in missing:
        yield Wait(Reason.KEY_RING_PENDING, f"{name} waits for the key ring; no action needed.")
    elif ("Secret", names.STORAGE_CREDENTIAL) in missing:
        yield Wait(Reason.STORAGE_PENDING, f"{name} waits for the object store; see condition StorageReady.")
    elif not missing:
        yield from _repair(wanted, observed, recorded)


def mounted(deployment: Mapping[str, Any]) -> list[tuple[str, str]]:
    """(kind, name) of everything the pod template mounts."""
    found = []
    for volume in deployment["spec"]["template"]["spec"].get("volumes", ()):
        if "secret" in volume:
            found.append(("Secret", volume["secret"]["secretName"]))
        elif "configMap" in volume:
            found.append(("ConfigMap", volume["configMap"]["name"]))
        elif "persistentVolumeClaim" in volume:
            found.append(("PersistentVolumeClaim", volume["persistentVolumeClaim"]["claimName"]))
    return found


def _quota_counts(desired: Sequence[Object], observed: Observed) -> bool:
    """Until Kubernetes has counted a new quota, the API server refuses whatever it limits, and by its old limits."""
    for wanted in desired:
        if wanted["kind"] == "ResourceQuota":
            live = observed.objects.get(key_of(wanted)) or {}
            status, hard = live.get("status", {}), wanted["spec"]["hard"]
            counted = status.get("hard") or {}
            if not hard.keys() <= (status.get("used") or {}).keys():
                return False
            if any(
                quantities.quantity(counted[key]) != quantities.quantity(hard[key]) for key in hard if key in counted
            ):
                return False
    return True


def _surplus(desired: Sequence[Object], observed: Observed) -> Iterator[Action]:
    wanted = {key_of(each) for each in desired}
    for key, live in sorted(observed.objects.items()):
        metadata = live["metadata"]
        if key in wanted or key.kind not in SWEPT or (key.kind, key.name) in KEPT or metadata.get("deletionTimestamp"):
            continue
        marks = metadata.get("labels") or {}
        if key.kind == "RoleBinding" and labels.ACCESS_GRANT in marks:
            continue  # the grants' own controller keeps or removes it
        ours = marks.get("app.kubernetes.io/managed-by") == labels.FIELD_MANAGER
        if ours or key.kind in NEVER_FOREIGN:
            yield Delete(key, metadata["uid"])

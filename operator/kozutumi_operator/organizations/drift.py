"""What differs between an object as rendered and as found.

Three views, because none alone sees everything: `differences` compares what we render; `unwanted` uses
managedFields to find what we once set and no longer render (server-side apply removes it); `foreign`
finds what others added, which server-side apply would leave in place.
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final

from kozutumi_contract import labels
from kozutumi_operator.organizations import quantities
from kozutumi_operator.organizations.observed import Object

# Compared exactly, not as a subset: the API takes each as one atomic value, so a key more is a drift too.
EXACT: Final = frozenset(
    {
        ("NetworkPolicy", "spec"),
        ("Service", "spec.selector"),
        ("RoleBinding", "roleRef"),
        ("RoleBinding", "subjects"),
        ("PodDisruptionBudget", "spec.selector"),
        ("LimitRange", "spec.limits"),
        ("Ingress", "spec"),
        ("HTTPRoute", "spec"),
        ("BackendTLSPolicy", "spec"),
        ("ListenerSet", "spec"),
    }
)
# By which field the API tells the items of a list apart; the first that an item has.
MERGE_KEYS: Final = ("mountPath", "containerPort", "port", "name")
QUANTITIES: Final = frozenset({"requests", "limits", "hard", "default", "defaultRequest", "sizeLimit"})
# Fields that Kubernetes itself allots, or an SRE sets on purpose: `kubectl rollout restart` is no drift.
TOLERATED: Final = frozenset(
    {
        ("Namespace", "/spec"),
        ("PersistentVolumeClaim", "/spec/volumeName"),
        ("PersistentVolumeClaim", "/spec/storageClassName"),
        ("Service", "/spec/clusterIP"),
        ("Service", "/spec/clusterIPs"),
        ("Service", "/spec/ipFamilies"),
        ("Service", "/spec/healthCheckNodePort"),
        ("Deployment", "/spec/template/metadata/annotations"),
        ("Deployment", "/spec/template/metadata/annotations/kubectl.kubernetes.io~1restartedAt"),
    }
)
# What the API server fills in where nothing is said. Removing it would only bring it back, for ever.
DEFAULTS: Final[Mapping[str, Any]] = {
    "allocateLoadBalancerNodePorts": True,
    "creationTimestamp": None,
    "dnsPolicy": "ClusterFirst",
    "failureThreshold": 3,
    "internalTrafficPolicy": "Cluster",
    "ipFamilyPolicy": "SingleStack",
    "minReadySeconds": 0,
    "restartPolicy": "Always",
    "schedulerName": "default-scheduler",
    "sessionAffinity": "None",
    "successThreshold": 1,
    "terminationMessagePath": "/dev/termination-log",
    "terminationMessagePolicy": "File",
    "volumeMode": "Filesystem",
}
_MISSING: Final = object()
_BOOKKEEPING: Final = frozenset({"apiVersion", "kind", "metadata", "status"})


@dataclass(frozen=True, slots=True, order=True)
class Difference:
    """`by_others`: somebody changed it after our last apply. Otherwise our own wish changed since."""

    path: str
    by_others: bool


def differences(wanted: Object, live: Object) -> list[Difference]:
    """Where `live` is not what `wanted` says, by dotted path; fields we do not render are not looked at."""
    owned = next(_managers(live, ours=True), None)
    return list(_compare(wanted["kind"], (), wanted, live, owned))


def unwanted(wanted: Object, live: Object) -> list[str]:
    """JSON pointers of fields that our own applies set and `wanted` has no more."""
    return [pointer for manager in _managers(live, ours=True) for pointer in _surplus(manager, wanted, live)]


def applied_before(live: Object) -> bool:
    """Tell whether we ever applied it; Kubernetes itself makes ServiceAccount `default`, which is no drift."""
    return any(True for _ in _managers(live, ours=True))


def foreign(wanted: Object, live: Object) -> tuple[Object, ...]:
    """A JSON patch (RFC 6902) that removes what others added; empty if nothing was.

    It replaces resourceVersion by itself, so that a patch on an object that has moved on is a conflict.
    """
    pointers: dict[str, tuple[str | int, ...]] = {}
    for manager in _managers(live, ours=False):
        pointers.update(_surplus(manager, wanted, live))
    kept = [
        path
        for pointer, path in pointers.items()
        if (wanted["kind"], pointer) not in TOLERATED
        and not any(path != other and path[: len(other)] == other for other in pointers.values())
    ]
    if not kept:
        return ()
    version = live["metadata"]["resourceVersion"]
    guard = {"op": "replace", "path": "/metadata/resourceVersion", "value": version}
    # Later items of a list go first, or the indices of the others would shift.
    ordered = sorted(kept, key=lambda path: [(str(part), 0) if isinstance(part, str) else ("", part) for part in path])
    return (guard, *({"op": "remove", "path": _pointer(path)} for path in reversed(ordered)))


def _compare(
    kind: str, path: tuple[str, ...], wanted: Any, live: Any, owned: Mapping[str, Any] | None
) -> Iterator[Difference]:
    """`owned` is our part of managedFields at this path. Whoever else changes a field takes it from us."""
    if (kind, ".".join(path)) in EXACT:
        if _normal(wanted, path) != _normal(live, path):
            yield Difference(".".join(path), not _owns_all(wanted, owned))
    elif isinstance(wanted, Mapping) and isinstance(live, Mapping):
        for key, value in wanted.items():
            yield from _compare(kind, (*path, key), value, live.get(key, _MISSING), _owned_field(owned, key))
    elif isinstance(wanted, list) and isinstance(live, list) and _are_mappings(wanted):
        for item in wanted:
            found = _counterpart(item, live)
            yield from _compare(kind, (*path, _title(item)), item, found, _owned_item(owned, item))
    elif not _same(path, wanted, live):
        yield Difference(".".join(path), owned is None)


def _owns_all(wanted: Any, owned: Mapping[str, Any] | None) -> bool:
    if owned == {}:
        return True
    return isinstance(wanted, Mapping) and all(_owned_field(owned, key) is not None for key in wanted)


def _owned_field(owned: Mapping[str, Any] | None, key: str) -> Mapping[str, Any] | None:
    """A node without children is one atomic value, owned as a whole."""
    return owned if not owned else owned.get(f"f:{key}")


def _owned_item(owned: Mapping[str, Any] | None, item: Mapping[str, Any]) -> Mapping[str, Any] | None:
    if not owned:
        return owned
    keyed = (inner for key, inner in owned.items() if key.startswith("k:") and _has(item, json.loads(key[2:])))
    return next(keyed, None)


def _are_mappings(items: Sequence[Any]) -> bool:
    return bool(items) and all(isinstance(item, Mapping) for item in items)


def _same(path: tuple[str, ...], wanted: Any, live: Any) -> bool:
    if live is _MISSING:
        return wanted in ([], None)
    if wanted == live and isinstance(wanted, bool) == isinstance(live, bool):
        return True
    if isinstance(wanted, str) and isinstance(live, str) and not QUANTITIES.isdisjoint(path):
        try:
            return quantities.quantity(wanted) == quantities.quantity(live)
        except ValueError:
            return False
    return False


def _normal(value: Any, path: tuple[str, ...]) -> Any:
    """As the API server writes it back: empty lists left out, quantities in one form."""
    if isinstance(value, Mapping):
        return {key: _normal(each, (*path, key)) for key, each in value.items() if each not in ([], None)}
    if isinstance(value, list):
        return [_normal(each, path) for each in value]
    if isinstance(value, str) and not QUANTITIES.isdisjoint(path):
        try:
            return quantities.quantity(value)
        except ValueError:
            return value
    return value


def _merge_key(item: Mapping[str, Any]) -> str | None:
    return next((key for key in MERGE_KEYS if key in item), None)


def _title(item: Mapping[str, Any]) -> str:
    key = _merge_key(item)
    return "item" if key is None else str(item[key])


def _counterpart(item: Mapping[str, Any], live: Sequence[Any]) -> Any:
    key = _merge_key(item)
    if key is None:
        return _MISSING
    return next((each for each in live if isinstance(each, Mapping) and each.get(key) == item[key]), _MISSING)


def _managers(live: Object, *, ours: bool) -> Iterator[Mapping[str, Any]]:
    """fieldsV1 trees. Names are not trusted: whoever is not our own apply is foreign, whatever it calls itself."""
    for entry in live["metadata"].get("managedFields") or ():
        own = entry.get("manager") == labels.FIELD_MANAGER and entry.get("operation") == "Apply"
        if own == ours and not entry.get("subresource"):
            yield entry.get("fieldsV1") or {}


def _surplus(fields: Mapping[str, Any], wanted: Object, live: Object) -> dict[str, tuple[str | int, ...]]:
    top = {key: value for key, value in fields.items() if key.removeprefix("f:") not in _BOOKKEEPING}
    return {_pointer(path): path for path in _walk(top, wanted, live, ())}


def _walk(
    fields: Mapping[str, Any], wanted: Any, live: Any, path: tuple[str | int, ...]
) -> Iterator[tuple[str | int, ...]]:
    """Paths of owned fields that exist in `live` and not in `wanted`."""
    for key, inner in fields.items():
        step, live_child, wanted_child = _descend(key, wanted, live)
        if step is None:
            continue
        if wanted_child is _MISSING:
            if not _is_default(step, live_child, wanted):
                yield (*path, step)
        else:
            yield from _walk(inner, wanted_child, live_child, (*path, step))


def _is_default(step: str | int, live: Any, wanted_parent: Any) -> bool:
    if step == "serviceAccount":  # the old name of serviceAccountName; the API server keeps the two equal
        return isinstance(wanted_parent, Mapping) and live == wanted_parent.get("serviceAccountName")
    return step in DEFAULTS and DEFAULTS[str(step)] == live


def _descend(key: str, wanted: Any, live: Any) -> tuple[str | int | None, Any, Any]:
    kind, _, rest = key.partition(":")
    if kind == "f" and isinstance(live, Mapping) and rest in live:
        return rest, live[rest], wanted.get(rest, _MISSING) if isinstance(wanted, Mapping) else _MISSING
    if kind == "k" and isinstance(live, list):
        wanted_keys = json.loads(rest)
        for index, item in enumerate(live):
            if isinstance(item, Mapping) and _has(item, wanted_keys):
                found = [each for each in wanted if _has(each, wanted_keys)] if isinstance(wanted, list) else []
                return index, item, found[0] if found else _MISSING
    return None, None, None


def _has(item: Mapping[str, Any], keys: Mapping[str, Any]) -> bool:
    return all(item.get(key) == value for key, value in keys.items())


def _pointer(path: Sequence[str | int]) -> str:
    return "".join("/" + str(part).replace("~", "~0").replace("/", "~1") for part in path)

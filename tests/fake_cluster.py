"""An API server in memory: enough of one to run whole reconciliations, deletions and crashes in a unit test."""

from __future__ import annotations

import copy
import itertools
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any, cast

from kozutumi_contract.labels import SYSTEM_NAMESPACE
from kozutumi_operator.cluster.client import AlreadyExists, Cluster, Conflict, Forbidden
from kozutumi_operator.cluster.kinds import (
    CONFIDENTIAL,
    DEPLOYMENT,
    NAMESPACE,
    POD,
    ROLE_BINDING,
    SERVICE,
    WATCHED,
    Kind,
    Object,
    of,
)
from operator_builders import fields_of

Place = tuple[str, str, str]


def merged(old: Any, new: Any) -> Any:
    if not (isinstance(old, dict) and isinstance(new, dict)):
        return copy.deepcopy(new)
    result = {key: value for key, value in old.items() if new.get(key, value) is not None}
    return result | {key: merged(old.get(key), value) for key, value in new.items() if value is not None}


@dataclass
class FakeCluster:
    """`log` lists what was changed, as "verb Kind name". Pods of a Deployment are up at once."""

    objects: dict[Place, Object] = field(default_factory=dict)
    log: list[str] = field(default_factory=list)
    kinds: tuple[Kind, ...] = WATCHED
    clock_offset: float | None = None
    _numbers: itertools.count[int] = field(default_factory=lambda: itertools.count(1))

    def as_cluster(self) -> Cluster:
        return cast("Cluster", self)

    def wrote(self, obj: Object) -> bool:
        return bool(obj)

    async def get(self, kind: Kind, name: str, namespace: str | None = None) -> Object | None:
        found = self.objects.get(_place(kind, namespace, name))
        return copy.deepcopy(found)

    async def list(self, kind: Kind, namespace: str | None = None, *, label_selector: str = "") -> list[Object]:
        if kind in CONFIDENTIAL and not self._may_read(namespace or ""):
            raise Forbidden("no role binding here")
        places = [place for place in self.objects if place[0] == kind.name and place[1] == (namespace or "")]
        found = [copy.deepcopy(self.objects[place]) for place in places]
        return [each for each in found if not label_selector or _has(each, label_selector)]

    async def create(self, obj: Object, *, dry_run: bool = False, namespace: str | None = None) -> Object:
        if "name" not in obj["metadata"]:
            obj = {
                **obj,
                "metadata": {**obj["metadata"], "name": f"{obj['metadata']['generateName']}{next(self._numbers)}"},
            }
        del namespace
        place = _place_of(obj)
        if place in self.objects:
            raise AlreadyExists(f"{place} exists")
        if dry_run:
            return copy.deepcopy(obj)
        self._put("create", place, copy.deepcopy(obj))
        return copy.deepcopy(self.objects[place])

    async def replace(self, obj: Object) -> Object:
        place = _place_of(obj)
        old = self.objects.get(place)
        if old is None or old["metadata"]["resourceVersion"] != obj["metadata"]["resourceVersion"]:
            raise Conflict(f"{place} changed meanwhile")
        self._put("replace", place, copy.deepcopy(obj))
        return copy.deepcopy(self.objects[place])

    async def apply(self, obj: Object, *, manager: str = "kozutumi-operator", subresource: str | None = None) -> Object:
        place = _place_of(obj)
        old = self.objects.get(place)
        uid = obj["metadata"].get("uid")
        if uid is not None and (old is None or old["metadata"]["uid"] != uid):
            raise Conflict(f"{place}: another uid")
        if subresource == "status":
            assert old is not None
            self._put("status", place, {**old, "status": copy.deepcopy(obj["status"])})
            return copy.deepcopy(self.objects[place])
        new = merged(old or {}, obj)
        owned = {"f:metadata": {}, **fields_of({key: value for key, value in obj.items() if key != "metadata"})}
        new["metadata"]["managedFields"] = [{"manager": manager, "operation": "Apply", "fieldsV1": owned}]
        self._put("apply", place, new)
        return copy.deepcopy(self.objects[place])

    async def merge(self, kind: Kind, name: str, patch: Object, namespace: str | None = None) -> Object | None:
        place = _place(kind, namespace, name)
        old = self.objects.get(place)
        if old is None:
            return None
        expected = patch.get("metadata", {}).get("resourceVersion")
        if expected is not None and expected != old["metadata"]["resourceVersion"]:
            raise Conflict(f"{place} changed meanwhile")
        self._put("merge", place, merged(old, patch))
        return self._sweep(place)

    async def patch(self, kind: Kind, name: str, operations: Sequence[Object], namespace: str | None) -> Object | None:
        place = _place(kind, namespace, name)
        new = copy.deepcopy(self.objects[place])
        for operation in operations:
            *path, last = [part.replace("~1", "/") for part in operation["path"].split("/")[1:]]
            target = new
            for part in path:
                target = target[part]
            if operation["op"] == "remove":
                del target[last]
        self._put("patch", place, new)
        return copy.deepcopy(new)

    async def delete(
        self, kind: Kind, name: str, namespace: str | None = None, *, uid: str | None = None, grace: int | None = None
    ) -> bool:
        del grace
        place = _place(kind, namespace, name)
        old = self.objects.get(place)
        if old is None:
            return False
        if uid is not None and old["metadata"]["uid"] != uid:
            raise Conflict(f"{place}: another uid")
        self.log.append(f"delete {kind.name} {name}")
        if old["metadata"].get("finalizers"):
            self._put("deleting", place, merged(old, {"metadata": {"deletionTimestamp": "2026-01-01T00:00:00Z"}}))
            return True
        del self.objects[place]
        if kind == NAMESPACE:
            for inner in [each for each in self.objects if each[1] == name]:
                del self.objects[inner]
        if kind == DEPLOYMENT:
            self.objects.pop(_place(POD, namespace, name), None)
        return True

    def _put(self, verb: str, place: Place, obj: Object) -> None:
        self.log.append(f"{verb} {place[0]} {place[2]}")
        metadata = obj.setdefault("metadata", {})
        number = next(self._numbers)
        metadata.setdefault("uid", f"uid-{number}")
        metadata["resourceVersion"] = str(number)
        if place[0] == "ResourceQuota":
            obj["status"] = {"used": dict.fromkeys(obj["spec"]["hard"], "0")}
        if place[0] == SERVICE.name and obj["spec"].get("type") == "NodePort":
            obj["spec"]["ports"][0].setdefault("nodePort", 30000 + number % 2000)
        if place[0] == DEPLOYMENT.name:
            obj["status"] = {"replicas": 1, "updatedReplicas": 1, "availableReplicas": 1, "observedGeneration": 0}
            pod = {"apiVersion": "v1", "kind": "Pod", "metadata": {"name": place[2], "namespace": place[1]}}
            self.objects[_place(POD, place[1], place[2])] = {**pod, "status": {"phase": "Running"}}
        self.objects[place] = obj

    def _sweep(self, place: Place) -> Object:
        """The last finalizer off a deleted object: it is gone."""
        found = self.objects[place]
        if found["metadata"].get("deletionTimestamp") and not found["metadata"].get("finalizers"):
            del self.objects[place]
        return copy.deepcopy(found)

    def _may_read(self, namespace: str) -> bool:
        if namespace == SYSTEM_NAMESPACE:
            return True  # by the operator's own Role there
        return any(place[0] == ROLE_BINDING.name and place[1] == namespace for place in self.objects)


def _place(kind: Kind, namespace: str | None, name: str) -> Place:
    return kind.name, (namespace or "") if kind.namespaced else "", name


def _place_of(obj: Object) -> Place:
    return _place(of(obj), obj["metadata"].get("namespace"), obj["metadata"]["name"])


def _has(thing: Object, selector: str) -> bool:
    """A selector of one label: its name alone, or name=value."""
    name, equals, value = selector.partition("=")
    labels = thing["metadata"].get("labels") or {}
    return labels.get(name) == value if equals else name in labels

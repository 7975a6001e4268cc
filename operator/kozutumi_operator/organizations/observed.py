"""What was found in the cluster, keyed so that plans can compare it with what should be there."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any, NamedTuple

Object = dict[str, Any]


class Key(NamedTuple):
    """Names one Kubernetes object. `namespace` is "" for a cluster-scoped one."""

    api_version: str
    kind: str
    namespace: str
    name: str


def key_of(thing: Mapping[str, Any]) -> Key:
    metadata = thing["metadata"]
    return Key(thing["apiVersion"], thing["kind"], metadata.get("namespace", ""), metadata["name"])


@dataclass(frozen=True, slots=True)
class Observed:
    """Live objects: the namespace itself, and all of the managed kinds in it, also unlabelled ones."""

    objects: Mapping[Key, Object] = field(default_factory=dict)

    def get(self, kind: str, name: str) -> Object | None:
        return next((thing for key, thing in self.objects.items() if (key.kind, key.name) == (kind, name)), None)

    def of_kind(self, kind: str) -> Iterator[Object]:
        return (thing for key, thing in self.objects.items() if key.kind == kind)


def observe(things: Iterable[Object]) -> Observed:
    """Items of a list response carry neither apiVersion nor kind: the caller sets both before."""
    return Observed({key_of(thing): thing for thing in things})

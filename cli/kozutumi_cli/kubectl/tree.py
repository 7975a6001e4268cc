"""`kubectl kozutumi tree`: everything that one organization owns, and what Kubernetes made of it."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from typing import Final

import typer
from rich.markup import escape
from rich.tree import Tree

from kozutumi_cli.kubectl import owned, reading, session
from kozutumi_cli.kubectl.reading import Object, at
from kozutumi_cli.kubectl.status import Code
from kozutumi_contract import labels

_OUTSIDE: Final = ("bucket/", "iam-user/")


def tree(context: typer.Context, code: Code) -> None:
    """Show everything that an organization owns: objects, pods, buckets and user of the object store."""
    at_hand = session.of(context)
    organization = at_hand.kubectl.organization(code)
    found, unread = at_hand.kubectl.listed((*owned.KINDS, *owned.MADE_OF_THEM), "-n", labels.namespace(code))
    at_hand.console.print(grown(organization, found))
    if unread:
        short = ", ".join(kind.partition(".")[0] for kind in unread)
        at_hand.say(f"Not readable with your rights, or not in this cluster: {short}.", style="dim")


def grown(organization: Object, objects: Iterable[Object]) -> Tree:
    """The inventory says what there should be; `objects` say how it is."""
    code = reading.code(organization)
    root = Tree(f"[bold]Organization {escape(code)}[/bold] {_ready(organization)}")
    live = {f"{each['kind']}/{each['metadata']['name']}": each for each in objects}
    below = _below(live.values())
    inventory = sorted({str(name) for name in (organization.get("status") or {}).get("inventory") or ()})
    outside = [name for name in inventory if name.startswith(_OUTSIDE)]
    inside = sorted({name for name, each in live.items() if not _owners(each)} | set(inventory) - set(outside))
    namespace = labels.namespace(code)
    branch = root.add(f"Namespace {escape(namespace)}")
    for name in inside:
        if name != f"Namespace/{namespace}":
            _grow(branch, name, live.get(name), below)
    store = root.add("Object store") if outside else root
    for name in outside:
        store.add(escape(name.replace("/", " ", 1)))
    return root


def _grow(branch: Tree, name: str, found: Object | None, below: Mapping[str, Sequence[Object]]) -> None:
    said = "" if found is None else _state(found)
    grown_branch = branch.add(f"{escape(name.replace('/', ' ', 1))}{f'  {said}' if said else ''}")
    uid = at(found, "metadata", "uid", default="")
    for each in below.get(uid, ()) if uid else ():
        _grow(grown_branch, f"{each['kind']}/{each['metadata']['name']}", each, below)


def _below(objects: Iterable[Object]) -> Mapping[str, list[Object]]:
    """Objects by the uid of their owner. ReplicaSets of earlier rollouts, with no pod left, are no part of it."""
    found: dict[str, list[Object]] = defaultdict(list)
    for each in sorted(objects, key=lambda each: str(each["metadata"]["name"])):
        if each["kind"] == "ReplicaSet" and not (each.get("status") or {}).get("replicas"):
            continue
        for owner in _owners(each):
            found[owner].append(each)
    return found


def _owners(each: Object) -> list[str]:
    return [str(owner["uid"]) for owner in each["metadata"].get("ownerReferences") or ()]


def _ready(organization: Object) -> str:
    ready = reading.condition(organization, "Ready")
    style = "green" if ready.get("status") == "True" else "red"
    return f"[{style}]{escape(at(ready, 'reason'))}[/{style}]"


def _state(each: Object) -> str:
    if each["metadata"].get("deletionTimestamp"):
        return "[yellow]being deleted[/yellow]"
    if each["kind"] in {"Deployment", "ReplicaSet"}:
        wanted, ready = (
            int(at(each, *path, default="0")) for path in (("spec", "replicas"), ("status", "readyReplicas"))
        )
        return f"[{'green' if ready >= wanted else 'red'}]{ready}/{wanted} ready[/]"
    if each["kind"] in {"Pod", "PersistentVolumeClaim"}:
        phase = at(each, "status", "phase")
        return f"[{'green' if phase in {'Running', 'Bound', 'Succeeded'} else 'red'}]{escape(phase)}[/]"
    return ""

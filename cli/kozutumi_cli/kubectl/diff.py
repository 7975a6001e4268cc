"""`kubectl kozutumi diff`: where an organization is not, or not yet, what its manifest says."""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any, Final

import typer

from kozutumi_cli.kubectl import owned, reading, session, tables
from kozutumi_cli.kubectl.reading import Object, at
from kozutumi_cli.kubectl.status import Code
from kozutumi_contract import labels

DIFFERENT: Final = 1
# Whose writing is the cluster at work: status, allotted fields, revisions.
_CLUSTER: Final = frozenset({"kube-controller-manager", "kube-scheduler", "kubelet", "cloud-controller-manager"})
_BOOKKEEPING: Final = frozenset({"f:metadata", "f:status"})


@dataclass(frozen=True, slots=True)
class Difference:
    what: str
    where: str
    said: str


def diff(context: typer.Context, code: Code) -> None:
    """Show what differs from the manifest: changes not acted on, pending, or made by others. Exit status 1 if anything."""
    at_hand = session.of(context)
    organization = at_hand.kubectl.organization(code)
    words = ("-n", labels.namespace(code), "--show-managed-fields")
    objects, unread = at_hand.kubectl.listed(owned.KINDS, *words)
    found = [*pending(organization), *missing(organization, objects, unread), *edited(objects)]
    if unread:
        short = ", ".join(kind.partition(".")[0] for kind in unread)
        at_hand.say(f"Not looked at (your rights, or not in this cluster): {short}.", style="dim")
    if not found:
        at_hand.say(f"{code} is as its manifest says, as far as you may read.")
        return
    columns = ("WHAT", "WHERE", "WHY")
    at_hand.console.print(tables.table(columns, ((each.what, each.where, each.said) for each in found), wide="WHY"))
    raise typer.Exit(DIFFERENT)


def pending(organization: Object) -> Iterator[Difference]:
    """From status: what the operator has not done yet, and why."""
    if reading.unobserved(organization):
        yield Difference("not acted on", "the manifest", "The operator has not looked at the newest change yet.")
    for each in reading.conditions(organization):
        if not reading.is_good(each) and each.get("type") not in {"Ready", "LegalHold"}:
            yield Difference("condition", str(each.get("type")), f"{at(each, 'reason')}: {at(each, 'message')}")


def missing(organization: Object, objects: Iterable[Object], unread: Iterable[str]) -> Iterator[Difference]:
    """What the inventory lists and the API, asked for that kind, does not have."""
    live = {f"{each['kind']}/{each['metadata']['name']}" for each in objects}
    looked_at = {kind.partition(".")[0].removesuffix("s") for kind in owned.KINDS if kind not in set(unread)}
    looked_at = {"networkpolicy" if kind == "networkpolicie" else kind for kind in looked_at}
    for name in (organization.get("status") or {}).get("inventory") or ():
        if str(name).partition("/")[0].lower() in looked_at and name not in live:
            yield Difference(
                "missing", str(name), "In the inventory, but not in the cluster; the operator makes it again."
            )


def edited(objects: Iterable[Object]) -> Iterator[Difference]:
    """Fields of our objects that somebody else wrote last, by managedFields.

    A wrong value is put back within seconds. What stays here is what the operator found as wanted, or has not seen.
    """
    for each in objects:
        if (each["metadata"].get("labels") or {}).get("app.kubernetes.io/managed-by") != labels.FIELD_MANAGER:
            yield Difference(
                "not ours", _name(each), "Made by somebody else; the operator removes what could open a way."
            )
            continue
        managers = each["metadata"].get("managedFields") or ()
        ours = {path for entry in managers if _is_ours(entry) for path in _paths(entry.get("fieldsV1") or {})}
        for entry in managers:
            if not _is_ours(entry) and not _is_the_clusters(entry):
                # What we wrote, too, has the value that we want, whoever wrote it first.
                fields = ", ".join(sorted(set(_paths(entry.get("fieldsV1") or {})) - ours)[:5])
                if fields:
                    said = f"{at(entry, 'manager')} wrote {fields} at {at(entry, 'time')}."
                    yield Difference("edited", _name(each), said)


def _name(each: Object) -> str:
    return f"{each['kind']}/{each['metadata']['name']}"


def _is_ours(entry: Mapping[str, Any]) -> bool:
    return entry.get("manager") == labels.FIELD_MANAGER and entry.get("operation") == "Apply"


def _is_the_clusters(entry: Mapping[str, Any]) -> bool:
    return bool(entry.get("subresource")) or entry.get("manager") in _CLUSTER


def _paths(fields: Mapping[str, Any], path: str = "") -> Iterator[str]:
    """Dotted paths of the leaves of a fieldsV1 tree; metadata and status are the cluster's bookkeeping."""
    for key, below in fields.items():
        if key == "." or (not path and key in _BOOKKEEPING):
            continue
        step = _step(key)
        if isinstance(below, Mapping) and set(below) - {"."}:
            yield from _paths(below, f"{path}.{step}" if path else step)
        else:
            yield f"{path}.{step}" if path else step


def _step(key: str) -> str:
    kind, _, rest = key.partition(":")
    if kind != "k":
        return rest
    named = json.loads(rest)
    return "[" + ",".join(f"{name}={value}" for name, value in named.items()) + "]"

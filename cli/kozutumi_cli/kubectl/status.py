"""`kubectl kozutumi status`: how the organizations are, or one of them, condition by condition."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import datetime
from typing import Annotated

import typer
from rich.console import Group
from rich.table import Table
from rich.text import Text

from kozutumi_cli.kubectl import reading, session, tables
from kozutumi_cli.kubectl.reading import Object, at

Code = Annotated[str, typer.Argument(metavar="CODE", help="Service code of the organization.")]


def status(
    context: typer.Context,
    code: Annotated[str, typer.Argument(metavar="[CODE]", help="Service code; without it, all organizations.")] = "",
) -> None:
    """Show how all organizations are, or one with every condition."""
    at_hand = session.of(context)
    now = at_hand.now()
    if code:
        at_hand.console.print(one(at_hand.kubectl.organization(code), now))
        return
    found = at_hand.kubectl.organizations()
    at_hand.console.print(fleet(found, now) if found else "There is no organization yet.")


def fleet(organizations: Iterable[Object], now: datetime) -> Table:
    columns = ("CODE", "READY", "REASON", "PLAN", "SIGNATURES", "PROBED", "AGE", "URL")
    return tables.table(columns, (_row(each, now) for each in organizations), wide="URL")


def _row(organization: Object, now: datetime) -> tuple[tables.Cell, ...]:
    ready = reading.condition(organization, "Ready")
    return (
        reading.code(organization),
        tables.judged(at(ready, "status", default="Unknown"), good=ready.get("status") == "True"),
        at(ready, "reason"),
        at(organization, "status", "plan"),
        at(organization, "status", "scanner", "signatureVersion"),
        reading.age(at(organization, "status", "isolation", "probedAt"), now),
        reading.age(at(organization, "metadata", "creationTimestamp"), now),
        at(organization, "status", "url"),
    )


def one(organization: Object, now: datetime) -> Group:
    facts = tables.table(("", ""), _facts(organization, now), wide="")
    facts.show_header = False
    parts: list[Table | Text] = [facts, Text()]
    if reading.unobserved(organization):
        parts += [Text("The newest change of the manifest is not acted on yet.", style="yellow"), Text()]
    columns = ("CONDITION", "STATUS", "REASON", "SINCE", "MESSAGE")
    rows = (_condition(each, now) for each in reading.conditions(organization))
    return Group(*parts, tables.table(columns, rows, wide="MESSAGE"))


def _facts(organization: Object, now: datetime) -> list[tuple[str, str]]:
    state, spec = ("status", "spec")
    facts = [
        ("Organization", f"{reading.code(organization)}  {reading.display_name(organization)}"),
        ("URL", at(organization, state, "url")),
        ("Namespace", at(organization, state, "namespace")),
        ("Plan", at(organization, state, "plan")),
        ("Region", at(organization, spec, "residency", "region")),
        ("Key version", _keys(organization, now)),
        ("Signatures", _signatures(organization)),
        ("Isolation", _isolation(organization, now)),
        ("Usage", _usage(organization)),
        ("Deletion", _deletion(organization)),
    ]
    return [(name, value) for name, value in facts if value != reading.NONE]


def _keys(organization: Object, now: datetime) -> str:
    version = at(organization, "status", "encryption", "activeKeyVersion")
    since = reading.age(at(organization, "status", "encryption", "rotatedAt"), now)
    stage, progress = (at(organization, "status", "encryption", name, default="") for name in ("stage", "progress"))
    parts = [version, "" if since == reading.NONE else f"active for {since}", stage, progress]
    return ", ".join(part for part in parts if part and part != "None")


def _signatures(organization: Object) -> str:
    version = at(organization, "status", "scanner", "signatureVersion")
    age = at(organization, "status", "scanner", "signatureAge", default="")
    return f"{version} ({age} old)" if age else version


def _isolation(organization: Object, now: datetime) -> str:
    probed = reading.age(at(organization, "status", "isolation", "probedAt"), now)
    if probed == reading.NONE:
        return probed
    allowed, denied = (at(organization, "status", "isolation", name, default="0") for name in ("allowed", "denied"))
    return f"{allowed} cells open and {denied} closed as they should be, probed {probed} ago"


def _usage(organization: Object) -> str:
    usage = {name: at(organization, "status", "usage", name, default="") for name in ("storage", "files", "users")}
    shown = [f"{usage['storage']} stored"] if usage["storage"] else []
    shown += [f"{usage[name]} {name}" for name in ("files", "users") if usage[name]]
    return ", ".join(shown) or reading.NONE


def _deletion(organization: Object) -> str:
    since = at(organization, "metadata", "deletionTimestamp", default="")
    step = at(organization, "status", "disposal", "step", default="")
    return f"asked for at {since}{', now: ' + step if step else ''}" if since else reading.NONE


def _condition(each: Object, now: datetime) -> tuple[tables.Cell, ...]:
    return (
        at(each, "type"),
        tables.judged(at(each, "status"), good=reading.is_good(each)),
        at(each, "reason"),
        reading.age(at(each, "lastTransitionTime"), now),
        at(each, "message"),
    )

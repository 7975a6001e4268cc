"""`kubectl kozutumi grant`: break-glass access, asked for by one person and approved by another."""

from __future__ import annotations

import json
from collections.abc import Iterable
from datetime import datetime
from enum import StrEnum
from typing import Annotated, Final

import typer
from rich.table import Table

from kozutumi_cli import running
from kozutumi_cli.errors import CliError
from kozutumi_cli.kubectl import reading, session, tables
from kozutumi_cli.kubectl.reading import Object, at
from kozutumi_cli.kubectl.status import Code
from kozutumi_contract import labels

app = running.application("Break-glass access: asked for by one person, approved by another, at most 8 hours.")
_KIND: Final = "accessgrants.kozutumi.com"
Name = Annotated[str, typer.Argument(metavar="GRANT", help="Name of the AccessGrant, as `grant list` shows it.")]


class Role(StrEnum):
    DIAGNOSE = "Diagnose"
    OPERATE = "Operate"


@app.command()
def request(
    context: typer.Context,
    code: Code,
    *,
    reason: Annotated[str, typer.Option("--reason", help="Why, for the organization's administrators to read.")],
    ticket: Annotated[str, typer.Option("--ticket", help="Number of the ticket or incident.")],
    role: Annotated[
        Role, typer.Option("--role", help="Diagnose reads pods, events, logs; Operate also scales and deletes pods.")
    ] = Role.DIAGNOSE,
    duration: Annotated[str, typer.Option("--duration", help="From the approval on, at most 8h.")] = "1h",
    subject: Annotated[
        str, typer.Option("--subject", help="Who gets it, as the API server knows them; you, if left out.")
    ] = "",
    change: Annotated[
        list[str] | None, typer.Option("--change", help="Id of a pending change to let through; may be repeated.")
    ] = None,
) -> None:
    """Ask for access to one organization's namespace. Somebody else must approve it."""
    at_hand = session.of(context)
    at_hand.kubectl.organization(code)
    you = at_hand.kubectl.user()
    spec = {
        "requestedBy": you,
        "subject": subject or you,
        "organization": code,
        "role": role.value,
        "reason": reason,
        "ticket": ticket,
        "duration": duration,
        **({"changes": change} if change else {}),
    }
    manifest = {
        "apiVersion": f"{labels.GROUP}/{labels.VERSION}",
        "kind": "AccessGrant",
        "metadata": {"generateName": f"{code}-"},
        "spec": spec,
    }
    made = at_hand.kubectl("create", "-f", "-", "-o", "name", stdin=json.dumps(manifest)).strip().rpartition("/")[2]
    at_hand.say(f"Asked for as {made}. Somebody else runs: kubectl kozutumi grant approve {made}")


@app.command()
def approve(
    context: typer.Context,
    name: Name,
    *,
    yes: Annotated[bool, typer.Option("--yes", "-y", help="Do not ask.")] = False,
) -> None:
    """Approve what somebody else asked for, in your own name. It is shown first."""
    at_hand = session.of(context)
    grant: Object = at_hand.kubectl.json("get", _KIND, name)
    you = at_hand.kubectl.user()
    if you in {at(grant, "spec", "requestedBy"), at(grant, "spec", "subject")}:
        raise CliError(f"{you} asked for {name} or would get it; somebody else must approve it.")
    at_hand.console.print(described(grant))
    if not yes:
        typer.confirm("Approve it?", abort=True)
    at_hand.kubectl("patch", _KIND, name, "--type=merge", "-p", json.dumps({"spec": {"approvedBy": you}}))
    at_hand.say(f"{name} is approved by {you}. To take it back: kubectl kozutumi grant revoke {name}")


@app.command()
def revoke(context: typer.Context, name: Name) -> None:
    """Take access back at once, or a request before its approval."""
    at_hand = session.of(context)
    at_hand.kubectl("delete", _KIND, name, "--timeout=60s")
    at_hand.say(f"{name} is revoked; the organization's audit log says so.")


@app.command("list")
def show(context: typer.Context) -> None:
    """Show every grant, newest last."""
    at_hand = session.of(context)
    found: list[Object] = at_hand.kubectl.json("get", _KIND)["items"]
    at_hand.console.print(listed(found, at_hand.now()) if found else "There is no grant.")


def listed(grants: Iterable[Object], now: datetime) -> Table:
    columns = ("GRANT", "ORGANIZATION", "ROLE", "PHASE", "SUBJECT", "APPROVED BY", "TICKET", "AGE", "EXPIRES")
    ordered = sorted(grants, key=lambda each: at(each, "metadata", "creationTimestamp"))
    return tables.table(columns, (_row(each, now) for each in ordered), wide="SUBJECT")


def _row(grant: Object, now: datetime) -> tuple[str, ...]:
    return (
        at(grant, "metadata", "name"),
        at(grant, "spec", "organization"),
        at(grant, "spec", "role"),
        at(grant, "status", "phase", default="Pending"),
        at(grant, "spec", "subject"),
        at(grant, "spec", "approvedBy"),
        at(grant, "spec", "ticket"),
        reading.age(at(grant, "metadata", "creationTimestamp"), now),
        at(grant, "status", "expiresAt"),
    )


def described(grant: Object) -> Table:
    names = ("organization", "subject", "role", "duration", "reason", "ticket", "requestedBy", "changes")
    rows = [(name, at(grant, "spec", name)) for name in names if at(grant, "spec", name) != reading.NONE]
    made = tables.table(("", ""), rows, wide="")
    made.show_header = False
    return made

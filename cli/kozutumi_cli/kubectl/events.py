"""`kubectl kozutumi events`: what happened to an organization, its own Events and those of its namespace, oldest first."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import datetime
from typing import Annotated, Final

import typer
from rich.table import Table
from rich.text import Text

from kozutumi_cli.kubectl import reading, session, tables
from kozutumi_cli.kubectl.reading import Object, at
from kozutumi_cli.kubectl.status import Code
from kozutumi_contract import labels

# Events about cluster-scoped objects live here.
_NAMESPACE: Final = "default"
_TIMES: Final = ("lastTimestamp", "eventTime", "firstTimestamp")


def events(
    context: typer.Context,
    code: Code,
    *,
    limit: Annotated[int, typer.Option("--limit", min=1, help="Show that many of the newest.")] = 50,
    warnings: Annotated[bool, typer.Option("--warnings", help="Show warnings only.")] = False,
) -> None:
    """Show what happened to an organization, oldest first."""
    at_hand = session.of(context)
    at_hand.kubectl.organization(code)
    chosen = f"involvedObject.kind=Organization,involvedObject.name={code}"
    own: list[Object] = at_hand.kubectl.json("get", "events", "-n", _NAMESPACE, "--field-selector", chosen)["items"]
    inside, refused = at_hand.kubectl.listed(["events"], "-n", labels.namespace(code))
    found = [each for each in (*own, *inside) if not warnings or each.get("type") == "Warning"]
    if refused:
        at_hand.say(f"Events of namespace {labels.namespace(code)} are not readable with your rights.", style="dim")
    at_hand.console.print(listed(found, at_hand.now(), limit) if found else "Nothing happened lately.")


def listed(found: Iterable[Object], now: datetime, limit: int) -> Table:
    newest = sorted(found, key=_when)[-limit:]
    columns = ("AGO", "TYPE", "REASON", "OBJECT", "MESSAGE")
    return tables.table(columns, (_row(each, now) for each in newest), wide="MESSAGE")


def _when(each: Object) -> str:
    """RFC 3339 in UTC sorts as text; a series counts by its last observation."""
    return max(at(each, "series", "lastObservedTime", default=""), *(at(each, name, default="") for name in _TIMES))


def _row(each: Object, now: datetime) -> tuple[tables.Cell, ...]:
    kind = at(each, "type")
    count = int(at(each, "series", "count", default="0") or 0) or int(at(each, "count", default="1"))
    return (
        reading.age(_when(each), now),
        Text(kind, style="yellow" if kind == "Warning" else ""),
        at(each, "reason"),
        f"{at(each, 'involvedObject', 'kind')}/{at(each, 'involvedObject', 'name')}",
        at(each, "message") + (f" (×{count})" if count > 1 else ""),
    )

"""`kubectl kozutumi report`: one line of evidence per organization, for an auditor or a spreadsheet."""

from __future__ import annotations

import csv
import io
import json
from collections.abc import Callable, Iterable, Sequence
from datetime import datetime
from enum import StrEnum
from pathlib import Path
from typing import Annotated, Final

import typer
from rich.table import Table

from kozutumi_cli.errors import CliError
from kozutumi_cli.kubectl import reading, session, tables
from kozutumi_cli.kubectl.reading import Object, at

# A spreadsheet would run a cell that begins with one of these.
_FORMULA: Final = ("=", "+", "-", "@", "\t", "\r")


class Format(StrEnum):
    TABLE = "table"
    CSV = "csv"
    JSON = "json"


def _path(*path: str) -> Callable[[Object], str]:
    return lambda organization: at(organization, *path, default="")


def _condition(kind: str) -> Callable[[Object], str]:
    return lambda organization: at(reading.condition(organization, kind), "status", default="")


# Names of customers' people are no part of it.
COLUMNS: Final[tuple[tuple[str, Callable[[Object], str]], ...]] = (
    ("organization", reading.code),
    ("ready", _condition("Ready")),
    ("reason", lambda organization: at(reading.condition(organization, "Ready"), "reason", default="")),
    ("plan", _path("status", "plan")),
    ("region", _path("spec", "residency", "region")),
    ("dataResident", _condition("DataResident")),
    ("networkIsolated", _condition("NetworkIsolated")),
    ("probedAt", _path("status", "isolation", "probedAt")),
    ("cellsAllowed", _path("status", "isolation", "allowed")),
    ("cellsDenied", _path("status", "isolation", "denied")),
    ("scannerReady", _condition("ScannerReady")),
    ("signatureVersion", _path("status", "scanner", "signatureVersion")),
    ("signatureAge", _path("status", "scanner", "signatureAge")),
    ("clockInSync", _condition("ClockInSync")),
    ("keyVersion", _path("status", "encryption", "activeKeyVersion")),
    ("keyRotatedAt", _path("status", "encryption", "rotatedAt")),
    ("backupVerifiedAt", _path("status", "backup", "lastVerified")),
    ("changePending", _condition("ChangePending")),
    ("legalHold", _condition("LegalHold")),
    ("suspended", _path("spec", "suspend")),
    ("deletionPolicy", _path("spec", "deletionPolicy")),
    ("storageUsed", _path("status", "usage", "storage")),
    ("users", _path("status", "usage", "users")),
    ("statusWrittenAt", _path("status", "reportedAt")),
)
_SHOWN: Final = ("CODE", "READY", "PLAN", "REGION", "RESIDENT", "ISOLATED", "PROBED", "SIGNATURES", "KEY", "CLOCK")


def report(
    context: typer.Context,
    *,
    form: Annotated[Format, typer.Option("--format", help="table, csv or json.")] = Format.TABLE,
    output: Annotated[
        Path | None, typer.Option("--output", help="Write to this file instead, as csv if no format is named.")
    ] = None,
) -> None:
    """Show evidence of every organization's controls: isolation, signatures, keys, residency, clocks."""
    at_hand = session.of(context)
    rows = [row(each) for each in at_hand.kubectl.organizations()]
    if form is Format.TABLE and output is None:
        at_hand.console.print(shown(rows, at_hand.now()))
        return
    text = as_json(rows, at_hand.now()) if form is Format.JSON else as_csv(rows)
    if output is None:
        typer.echo(text, nl=False)
        return
    try:
        output.write_text(text, encoding="utf-8")
    except OSError as error:
        raise CliError(f"{output} cannot be written ({error.strerror}).") from None
    at_hand.say(f"{len(rows)} organizations written to {output}.")


def row(organization: Object) -> dict[str, str]:
    return {name: read(organization) for name, read in COLUMNS}


def shown(rows: Iterable[dict[str, str]], now: datetime) -> Table:
    """The same evidence in a terminal's width: times as ages."""
    return tables.table(_SHOWN, (_line(each, now) for each in rows), wide="REGION")


def _line(each: dict[str, str], now: datetime) -> tuple[str, ...]:
    version, rotated = each["keyVersion"], reading.age(each["keyRotatedAt"], now)
    cells = (
        *(each[name] for name in ("organization", "ready", "plan", "region", "dataResident", "networkIsolated")),
        reading.age(each["probedAt"], now),
        f"{each['signatureVersion']} ({each['signatureAge']})" if each["signatureAge"] else each["signatureVersion"],
        f"{version} ({rotated})" if version and rotated != reading.NONE else version,
        each["clockInSync"],
    )
    return tuple(cell or reading.NONE for cell in cells)


def as_csv(rows: Iterable[dict[str, str]]) -> str:
    """RFC 4180, with cells that a spreadsheet would take for a formula put in quotes of its own kind."""
    out = io.StringIO()
    writer = csv.DictWriter(out, [name for name, _ in COLUMNS], lineterminator="\r\n")
    writer.writeheader()
    for each in rows:
        writer.writerow({name: f"'{cell}" if cell.startswith(_FORMULA) else cell for name, cell in each.items()})
    return out.getvalue()


def as_json(rows: Sequence[dict[str, str]], now: datetime) -> str:
    document = {"generatedAt": now.isoformat(timespec="seconds"), "organizations": list(rows)}
    return json.dumps(document, ensure_ascii=False, indent=2) + "\n"

"""`kozutumi verify-disposal`: check a disposal certificate without a cluster, against a key one has kept."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Annotated, Any, Final

import typer
from rich.console import Console
from rich.markup import escape
from rich.table import Table

from kozutumi_cli.errors import CliError
from kozutumi_contract import disposal_certificate
from kozutumi_contract.disposal_certificate import Refuted, SignerError

REFUTED: Final = 3


def verify_disposal(
    certificate: Annotated[Path, typer.Argument(help="The certificate, as kept in ConfigMap disposal-<code>.")],
    key: Annotated[Path, typer.Option("--key", help="The platform's public disposal key (PEM), kept since before.")],
    *,
    quiet: Annotated[bool, typer.Option("--quiet", help="Print nothing where it is genuine.")] = False,
) -> None:
    """Check a disposal certificate against a pinned key. Exit status 0: genuine; 3: not; 1: a file cannot be used."""
    content = _read(certificate)
    try:
        pinned = disposal_certificate.pinned(_read(key))
    except SignerError as error:
        raise CliError(f"{key}: {error}; give the file disposal.pub of ConfigMap disposal-signer.") from None
    result = disposal_certificate.verify(content, pinned)
    if isinstance(result, Refuted):
        Console(stderr=True).print(f"[red]not genuine:[/red] {escape(result.reason)}", highlight=False, soft_wrap=True)
        raise typer.Exit(REFUTED)
    if not quiet:
        _show(result.document)


def _read(path: Path) -> bytes:
    try:
        return path.read_bytes()
    except OSError as error:
        raise CliError(f"{path} cannot be read ({error.strerror}).") from None


def _show(document: Mapping[str, Any]) -> None:
    console = Console(highlight=False, soft_wrap=True)
    console.print(f"[green]genuine:[/green] organization {escape(str(document['serviceCode']))}")
    table = Table("what", "name", "destroyed at", box=None)
    for each in document["destroyed"]:
        table.add_row(*(escape(str(each.get(column, ""))) for column in ("what", "name", "at")))
    console.print(table)
    stays = Table("what stays", "name", "until", box=None)
    for each in document["kept"]:
        stays.add_row(escape(str(each["what"])), escape(str(each["name"])), escape(str(each["until"] or "not stated")))
    console.print(stays)
    console.print(f"Asked for {document['requested']['at']}, completed {document['completed']}.")

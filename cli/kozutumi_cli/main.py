"""`kozutumi`: send and receive files from a terminal, and check proofs offline."""

from __future__ import annotations

from importlib import metadata
from typing import Annotated

import typer

from kozutumi_cli import audit, running
from kozutumi_cli.transfers.receiving import receive
from kozutumi_cli.transfers.sending import send
from kozutumi_cli.transfers.status import status
from kozutumi_cli.verify_disposal import verify_disposal

app = running.application("Send and receive files; check Kozutumi's proofs, offline.")


@app.callback(invoke_without_command=True)
def start(
    context: typer.Context,
    *,
    version: Annotated[bool, typer.Option("--version", help="Print the version and stop.")] = False,
) -> None:
    """Send and receive files; check Kozutumi's proofs, offline."""
    if version:
        typer.echo(metadata.version("kozutumi"))
        raise typer.Exit
    if context.invoked_subcommand is None:
        typer.echo(context.get_help())
        raise typer.Exit(2)


app.command("send")(send)
app.command("receive")(receive)
app.command("status")(status)
app.command("verify-disposal")(verify_disposal)
app.add_typer(audit.app, name="audit")


def main() -> None:
    running.run(app, "kozutumi")

"""`kozutumi status`: what became of one's transfers."""

from __future__ import annotations

from typing import Annotated, Any, Final

import typer
from rich.console import Console
from rich.markup import escape
from rich.table import Table

from kozutumi_cli.transfers import settings
from kozutumi_cli.transfers.words import say

_ID_WIDTH: Final = 26


def status(
    transfer: Annotated[str | None, typer.Argument(help="A transfer's id; without it, the newest are listed.")] = None,
    *,
    limit: Annotated[int, typer.Option("--limit", min=1, max=200)] = 20,
) -> None:
    """Show transfers. Needs KOZUTUMI_URL and a token with the scope transfers:read."""
    connection, console = settings.connection(), Console(highlight=False)
    try:
        if transfer is None:
            _list(console, connection.ask("GET", f"/api/v1/transfers?limit={limit}")["transfers"][:limit])
        else:
            _show(console, connection.ask("GET", f"/api/v1/transfers/{transfer}"))
    finally:
        connection.close()


def _list(console: Console, transfers: list[Any]) -> None:
    table = Table(box=None)
    table.add_column("id", no_wrap=True, min_width=_ID_WIDTH)  # whole, to be copied
    for heading in ("state", "subject", "created", "expires"):
        table.add_column(say(heading), overflow="fold")
    for each in transfers:
        row = (each["id"], each["state"], each["subject"], _minute(each["created_at"]), _minute(each["expires_at"]))
        table.add_row(*map(escape, row))
    console.print(table)


def _show(console: Console, transfer: Any) -> None:
    console.print(f"{escape(transfer['id'])}  {escape(transfer['state'])}  {escape(transfer['subject'])}")
    files = Table(say("file"), say("size"), say("state"), "SHA-256", box=None)
    for file in transfer["files"]:
        arrived = f"{file['offset']} / {file['size']}" if file["offset"] < file["size"] else str(file["size"])
        files.add_row(escape(file.get("path") or file["name"]), arrived, escape(file["state"]), file["sha256"] or "")
    recipients = Table(say("recipient"), say("received"), box=None)
    for recipient in transfer["recipients"]:
        recipients.add_row(escape(recipient["email"]), escape(recipient["extent"]))
    console.print(files)
    console.print(recipients)


def _minute(moment: str) -> str:
    return moment[:16].replace("T", " ") + "Z"

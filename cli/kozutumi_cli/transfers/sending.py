"""`kozutumi send`: files and folders to recipients. The same command, run again after a cut, goes on where it was."""

from __future__ import annotations

import hashlib
import json
import uuid
from collections.abc import Sequence
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Annotated, Any

import typer
from rich.console import Console
from rich.progress import (
    BarColumn,
    DownloadColumn,
    Progress,
    TaskID,
    TextColumn,
    TimeRemainingColumn,
    TransferSpeedColumn,
)

from kozutumi_cli.transfers import settings, uploading
from kozutumi_cli.transfers.http import Connection, RefusedError
from kozutumi_cli.transfers.settings import Kept
from kozutumi_cli.transfers.uploading import Source
from kozutumi_cli.transfers.words import say


@dataclass
class Sending:
    """What is under way. `kept` holds the draft's id, the Idempotency-Key of its creation and the address of each upload."""

    connection: Connection
    kept: Kept
    state: dict[str, Any]
    console: Console

    def note(self, sentence: str) -> None:
        self.console.print(sentence, style="yellow", markup=False, highlight=False)

    def draft(self, body: dict[str, Any]) -> str:
        """Id of the draft, made once whatever is cut."""
        if "transfer" in self.state:
            self.note(say("Going on with {id}, which was begun before.", id=self.state["transfer"]))
        else:
            self.state.setdefault("key", str(uuid.uuid4()))
            self.kept.save(self.state)
            key = self.state["key"]
            made = self._repeated("POST", "/api/v1/transfers", body, Idempotency_Key=key)
            self.state["transfer"] = made["id"]
            self.kept.save(self.state)
        return str(self.state["transfer"])

    def upload_of(self, transfer_id: str, source: Source) -> str:
        """Address of the file's upload: the one of before, or a new one."""
        uploads = self.state.setdefault("uploads", {})
        if source.name not in uploads:
            uploads[source.name] = self._unknown(transfer_id, source) or uploading.begin(
                self.connection, transfer_id, source
            )
            self.kept.save(self.state)
        return str(uploads[source.name])

    def finish(self, transfer_id: str) -> str:
        state = self._repeated("POST", f"/api/v1/transfers/{transfer_id}/send", {})["state"]
        self.kept.forget()
        return str(state)

    def _unknown(self, transfer_id: str, source: Source) -> str | None:
        """An upload of this file whose creation was answered to nobody: without it the draft could not be sent."""
        known = set(self.state["uploads"].values())
        listed = self._repeated("GET", f"/api/v1/transfers/{transfer_id}")["files"]
        for file in listed:
            url = f"/files/{file['id']}"
            same = source.name in {file["name"], file.get("path")} and file["size"] == source.size
            if same and file["deleted_at"] is None and url not in known:
                return url
        return None

    def _repeated(self, method: str, path: str, document: Any = None, **headers: str) -> Any:
        return uploading.repeated(lambda: self.connection.ask(method, path, document, **headers), self.note)


def send(
    paths: Annotated[list[Path], typer.Argument(help="Files and folders.")],
    to: Annotated[list[str], typer.Option("--to", help="A recipient's e-mail address; may be given again.")],
    *,
    subject: Annotated[str, typer.Option("--subject")] = "",
    message: Annotated[str, typer.Option("--message")] = "",
    days: Annotated[int | None, typer.Option("--days", min=1, help="Days until the files expire.")] = None,
    downloads: Annotated[int | None, typer.Option("--downloads", min=1, help="Downloads of each recipient.")] = None,
    quiet: Annotated[bool, typer.Option("--quiet", help="Print only the transfer's id.")] = False,
) -> None:
    """Send files. Needs KOZUTUMI_URL and a token with the scope transfers:write."""
    connection, console = settings.connection(), Console(stderr=True, quiet=quiet)
    found = uploading.sources(paths)
    body: dict[str, Any] = {"recipients": [{"email": each} for each in to], "subject": subject, "message": message}
    if days is not None:
        body["expires_in"] = days * 86_400
    if downloads is not None:
        body["max_downloads"] = downloads
    kept = Kept(f"send-{_name(connection.url, body, found)}")
    sending = Sending(connection, kept, kept.load(), console)
    try:
        transfer_id = sending.draft(body)
        _upload(sending, transfer_id, found, console)
        state = sending.finish(transfer_id)
    except RefusedError as error:
        if error.status in {404, 410} or error.code == "transfer_closed":
            kept.forget()  # what was begun is over: the same command begins anew
        raise
    finally:
        connection.close()
    console.print(say("Sent: {id} ({state})", id=transfer_id, state=state), markup=False, highlight=False)
    typer.echo(transfer_id)


def _upload(sending: Sending, transfer_id: str, found: Sequence[Source], console: Console) -> None:
    with bar(console) as progress:
        for source in found:
            task = progress.add_task(source.name.replace("[", "\\["), total=source.size)
            url = sending.upload_of(transfer_id, source)
            uploading.send(sending.connection, source, url, partial(_advance, progress, task), sending.note)


def _advance(progress: Progress, task: TaskID, offset: int) -> None:
    progress.update(task, completed=offset)


def bar(console: Console) -> Progress:
    return Progress(
        TextColumn("{task.description}"),
        BarColumn(),
        DownloadColumn(binary_units=True),
        TransferSpeedColumn(),
        TimeRemainingColumn(),
        console=console,
    )


def _name(url: str, body: dict[str, Any], found: Sequence[Source]) -> str:
    """Names this very sending: the same files, as they are now, to the same people."""
    files = [(str(source.path.resolve()), source.size, source.modified) for source in found]
    return hashlib.sha256(json.dumps([url, body, files], sort_keys=True).encode()).hexdigest()[:32]

"""`kozutumi receive LINK`: prove the address, fetch every file, go on after a cut, check what arrived."""

from __future__ import annotations

import hashlib
import http.client
import os
import re
import unicodedata
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import partial
from pathlib import Path, PurePosixPath
from typing import Annotated, Any, Final
from urllib.parse import urlsplit

import typer
from rich.console import Console
from rich.markup import escape

from kozutumi_cli.errors import CliError
from kozutumi_cli.transfers import settings, uploading
from kozutumi_cli.transfers.http import Connection, RefusedError
from kozutumi_cli.transfers.sending import bar
from kozutumi_cli.transfers.settings import Kept
from kozutumi_cli.transfers.words import say

_LINK: Final = re.compile(r"/r/([a-z0-9]{1,64})/?")
_PART: Final = ".kozutumi-part"
_DOTS: Final = frozenset({"", ".", ".."})


def receive(
    link: Annotated[str, typer.Argument(help="The link of the mail: https://…/r/…")],
    *,
    output: Annotated[Path, typer.Option("--output", "-o", help="The folder to write into.")] = Path(),
    quiet: Annotated[bool, typer.Option("--quiet")] = False,
) -> None:
    """Fetch what was sent to you. Asks for the code that is mailed to you; shows your token where an account is needed."""
    parts, match = urlsplit(link), _LINK.fullmatch(urlsplit(link).path)
    if parts.scheme != "https" or match is None:
        raise CliError(say("This is no link to files: {link}", link=link))
    link_id, console = match[1], Console(stderr=True, quiet=quiet)
    kept = Kept(f"receive-{link_id}")
    state = {"cookies": {}, "etags": {}} | kept.load()
    connection = Connection(f"https://{parts.netloc}", ca=os.environ.get(settings.CA), cookies=state["cookies"])
    receiving = Receiving(connection, kept, state, link_id, output, console)
    try:
        shown = _delivery(connection, link_id)
        receiving.keep()
        for file in shown["files"]:
            uploading.repeated(partial(receiving.fetch, file), receiving.note)
    finally:
        connection.close()


@dataclass
class Receiving:
    """`state`, kept for the same command run again: cookies (who proved the address) and each content's ETag."""

    connection: Connection
    kept: Kept
    state: dict[str, Any]
    link_id: str
    output: Path
    console: Console

    def note(self, sentence: str) -> None:
        self.console.print(sentence, style="yellow", markup=False, highlight=False)

    def say(self, sentence: str, **style: str) -> None:
        self.console.print(sentence, markup=False, highlight=False, **style)  # type: ignore[arg-type]  # `style` alone

    def keep(self) -> None:
        self.state["cookies"] = self.connection.cookies
        self.kept.save(self.state)

    def fetch(self, file: Any) -> None:
        """Fetch one file, from where it was cut off; CliError where what arrived is not what was sent."""
        target = self.output / safe_path(file.get("path") or file["name"])
        if target.exists() and file["sha256"] is not None and _digest(target) == file["sha256"]:
            self.say(say("Already here: {path}", path=target))
            return
        target.parent.mkdir(parents=True, exist_ok=True)
        part = target.with_name(target.name + _PART)
        address = f"/api/v1/r/{self.link_id}/files/{file['id']}/download"
        opened = self.connection.ask("POST", address, {})
        self.keep()
        self._download(opened["url"], part, file)
        if file["sha256"] is not None and _digest(part) != file["sha256"]:
            part.unlink()
            wrong = "{name}: what arrived is not what was sent (SHA-256). It was removed; please try again."
            raise CliError(say(wrong, name=target))
        part.replace(target)
        if file.get("unscanned"):
            self.say(say("No virus scanner looked inside {name}.", name=target), style="red")
        self.say(say("Received: {path}", path=target))

    def _download(self, url: str, part: Path, file: Any) -> None:
        """Append what is missing. If-Range: bytes of other content are never put together (RFC 9110 §13.1.5)."""
        have, size = part.stat().st_size if part.exists() else 0, int(file["size"])
        if part.exists() and have == size:
            return
        etag = self.state["etags"].get(file["id"])
        wanted = {"Range": f"bytes={have}-", "If-Range": etag} if have and etag else {}
        status, headers, blocks = self.connection.stream(url, {"Accept": "*/*", **wanted})
        self.state["etags"][file["id"]] = headers.get("ETag", "")
        self.keep()
        goes_on = status == http.client.PARTIAL_CONTENT
        with part.open("ab" if goes_on else "wb") as content, bar(self.console) as progress:
            name = escape(part.name.removesuffix(_PART))
            task = progress.add_task(name, total=size, completed=have if goes_on else 0)
            for block in blocks:
                content.write(block)
                progress.advance(task, len(block))


def _delivery(connection: Connection, link_id: str) -> Any:
    path = f"/api/v1/r/{link_id}"
    try:
        return connection.ask("GET", f"{path}/files")
    except RefusedError as error:
        if error.code != "recipient_not_proven":
            raise
    proof = connection.ask("GET", path)["authentication"]
    _PROOFS.get(proof, _by_account)(connection, path)
    return connection.ask("GET", f"{path}/files")


def _by_code(connection: Connection, path: str) -> None:
    connection.ask("POST", f"{path}/code", {})
    code = typer.prompt(say("A code was mailed to the recipient's address. Code"), err=True)
    connection.ask("POST", f"{path}/verify", {"code": code})


def _by_password(connection: Connection, path: str) -> None:
    connection.ask("POST", f"{path}/password", {"password": typer.prompt(say("Password"), hide_input=True, err=True)})


def _by_link(connection: Connection, path: str) -> None:
    connection.ask("POST", f"{path}/open", {})


def _by_account(connection: Connection, path: str) -> None:
    """Shows the token to nobody but the organization it is of, whatever host a link names."""
    mine = settings.connection()
    if _origin(mine.url) != _origin(connection.url):
        needed = "These files need your account: set KOZUTUMI_URL to {url} and its token."
        raise CliError(say(needed, url=connection.url))
    connection.ask("POST", f"{path}/account", {}, Authorization=f"Bearer {mine.token}")


def _origin(url: str) -> tuple[str | None, int]:
    parts = urlsplit(url)
    return parts.hostname, parts.port or http.client.HTTPS_PORT


_PROOFS: Final[Mapping[str, Callable[[Connection, str], None]]] = {
    "EmailCode": _by_code,
    "Password": _by_password,
    "Link": _by_link,
}


def safe_path(name: str) -> Path:
    """A path below the folder of choice, whatever the sender called the file."""
    pieces = [unicodedata.normalize("NFC", piece) for piece in PurePosixPath(name.replace("\\", "/")).parts]
    kept = ["".join(character for character in piece if character.isprintable()) for piece in pieces]
    kept = [piece.lstrip("/") for piece in kept if piece.strip("/ .") not in _DOTS]
    return Path(*kept) if kept else Path("file")


def _digest(path: Path) -> str:
    with path.open("rb") as content:
        return hashlib.file_digest(content, "sha256").hexdigest()

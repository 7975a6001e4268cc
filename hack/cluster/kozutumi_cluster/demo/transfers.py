"""Sending and receiving through the public endpoint."""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Self

from kozutumi_cluster.demo.inbox import Inbox
from kozutumi_cluster.demo.kubectl import wait_until
from kozutumi_cluster.demo.public import Endpoint, Public, upload_file
from kozutumi_cluster.errors import ClusterError


@dataclass(frozen=True)
class Outgoing:
    """A file to send: `name` as the recipient will see it, `cuts` the bytes at which the sender's line drops."""

    path: Path
    name: str
    cuts: tuple[int, ...] = ()


def send(
    sender: Public, recipient: str, files: Iterable[Outgoing], *, report: Callable[[int], None] = lambda _: None
) -> str:
    """Create a transfer, upload its files, send it; give the transfer's id."""
    transfer = _draft(sender, recipient, files, report)
    sender.json("POST", f"/api/v1/transfers/{transfer}/send", {}, expect=200)
    return transfer


def send_bad(sender: Public, recipient: str, file: Outgoing) -> str:
    """Likewise for a file that is refused: sending it is too, where the scanner was quicker than the sender."""
    transfer = _draft(sender, recipient, [file], lambda _: None)
    answer = sender.request("POST", f"/api/v1/transfers/{transfer}/send", json={})
    if answer.status_code != 200 and answer.json().get("code") != "not_deliverable":
        raise RuntimeError(f"send: {answer.status_code}: {answer.text[:500]}")
    return transfer


def view(sender: Public, transfer: str) -> dict[str, Any]:
    shown: dict[str, Any] = sender.json("GET", f"/api/v1/transfers/{transfer}")
    return shown


def wait_state(sender: Public, transfer: str, state: str, *, seconds: float = 240) -> dict[str, Any]:
    try:
        wait_until(
            f"transfer {transfer} becoming {state}", lambda: view(sender, transfer)["state"] == state, seconds=seconds
        )
    except ClusterError as error:
        shown = view(sender, transfer)
        files = [(file["state"], file["verdict"]) for file in shown["files"]]
        raise ClusterError(f"{error} It is {shown['state']}, its files {files}.") from None
    return view(sender, transfer)


def wait_file_state(sender: Public, transfer: str, state: str, *, seconds: float = 240) -> None:
    wait_until(
        f"a file of {transfer} becoming {state}", lambda: state in file_states(sender, transfer), seconds=seconds
    )


def file_states(sender: Public, transfer: str) -> list[str]:
    return [file["state"] for file in view(sender, transfer)["files"]]


@dataclass
class Recipient:
    """Somebody without an account who has proved the address by the mailed code."""

    client: Public
    link: str

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.client.close()

    def files(self) -> list[dict[str, Any]]:
        listed: list[dict[str, Any]] = self.client.json("GET", f"/api/v1/r/{self.link}/files")["files"]
        return listed

    def open_download(self, file: str) -> str:
        return str(self.client.json("POST", f"/api/v1/r/{self.link}/files/{file}/download", {}, expect=201)["url"])

    def download(self, file: str, *, cut_after: int | None = None) -> str:
        """SHA-256 (hex) of the whole file; with `cut_after` the line drops there once and a Range request resumes."""
        url, digest, received = self.open_download(file), hashlib.sha256(), 0
        limits = [cut_after, None] if cut_after is not None else [None]
        for limit in limits:
            received = self._receive(url, digest.update, received, limit)
        return digest.hexdigest()

    def _receive(self, url: str, update: Callable[[bytes], None], start: int, limit: int | None) -> int:
        with self.client.stream("GET", url, headers={"Range": f"bytes={start}-"}) as response:
            if response.status_code != 206:
                raise RuntimeError(f"download from byte {start}: {response.status_code}")
            for chunk in response.iter_bytes():
                update(chunk)
                start += len(chunk)
                if limit is not None and start >= limit:
                    break
        return start


def receive(endpoint: Endpoint, inbox: Inbox, address: str, *, after: int = 0) -> Recipient:
    """Follow the newest delivery mail: ask for a code, read it from the inbox, prove the address with it."""
    link = inbox.wait(address, containing=f"{endpoint.url.rstrip('/')}/r/", after=after).link("/r/")
    identifier = link.split("/r/", 1)[1].split("?", 1)[0].rstrip("/")
    codes = sum("/r/" not in message.text for message in inbox.messages(address))
    client = endpoint.open()
    client.json("POST", f"/api/v1/r/{identifier}/code", {}, expect=202)
    wait_until(
        "the mailed code",
        lambda: sum("/r/" not in message.text for message in inbox.messages(address)) > codes,
        seconds=180,
    )
    code = next(message for message in inbox.messages(address) if "/r/" not in message.text).code()
    client.csrf = client.json("POST", f"/api/v1/r/{identifier}/verify", {"code": code}).get("csrf")
    return Recipient(client, identifier)


def _draft(sender: Public, recipient: str, files: Iterable[Outgoing], report: Callable[[int], None]) -> str:
    letter = {"subject": "資料送付", "message": "ご確認ください。"}
    body = {"recipients": [{"email": recipient, "locale": "ja"}], **letter}
    transfer = str(sender.json("POST", "/api/v1/transfers", body, expect=201)["id"])
    for file in files:
        upload_file(sender, transfer, file.path, file.name, cuts=file.cuts, report=report)
    return transfer

"""The development cluster's mail inbox (Mailpit), read over its API as a recipient would read mail."""

from __future__ import annotations

import contextlib
import re
import ssl
import time
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import httpx


@dataclass(frozen=True)
class Message:
    """`sender` is that of the envelope."""

    id: str
    subject: str
    text: str
    sender: str = ""
    message_id: str = ""

    def link(self, path: str) -> str:
        """The one link of the message whose path starts with `path`."""
        found = re.findall(rf"https://[^\s/]+{re.escape(path)}[^\s\"<>]*", self.text)
        if not found:
            raise LookupError(f"the mail {self.subject!r} has no link to {path}")
        return str(found[0])

    def code(self) -> str:
        found = re.search(r"(?<!\d)(\d{8})(?!\d)", self.text)
        if not found:
            raise LookupError(f"the mail {self.subject!r} has no code of 8 digits")
        return found.group(1)


class Inbox:
    def __init__(self, url: str, ca: Path, host: str) -> None:
        self._http = httpx.Client(
            base_url=url, verify=ssl.create_default_context(cafile=str(ca)), timeout=30, trust_env=False
        )
        self._extensions = {"sni_hostname": host}

    def close(self) -> None:
        self._http.close()

    def messages(self, address: str) -> list[Message]:
        """Every message to `address`, newest first."""
        listed = self._get("/api/v1/search", query=f'to:"{address}"', limit="50")
        return [self._message(entry["ID"]) for entry in listed["messages"]]

    def wait(self, address: str, *, containing: str, after: int = 0, seconds: float = 180) -> Message:
        """The newest message to `address` whose text holds `containing`, once more than `after` such have come."""
        deadline = time.monotonic() + seconds
        while time.monotonic() < deadline:
            with contextlib.suppress(httpx.TransportError):  # the inbox may be starting again
                found = [message for message in self.messages(address) if containing in message.text]
                if len(found) > after:
                    return found[0]
            time.sleep(0.5)
        raise TimeoutError(f"no mail containing {containing!r} came to {address} within {seconds:g} s")

    def _message(self, identifier: str) -> Message:
        raw = self._get(f"/api/v1/message/{identifier}")
        return Message(identifier, raw["Subject"], raw["Text"], raw["ReturnPath"], raw["MessageID"])

    def _get(self, path: str, **query: str) -> Any:
        response = self._http.get(path, params=query, extensions=self._extensions)
        response.raise_for_status()
        return response.json()

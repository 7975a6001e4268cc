"""HTTP/1.1 over TLS to one organization, with the standard library: small answers whole, files in a stream."""

from __future__ import annotations

import http.client
import json
import ssl
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from http.cookies import SimpleCookie
from typing import Any, Final
from urllib.parse import urlsplit

from kozutumi_cli.errors import CliError
from kozutumi_cli.transfers.words import language, say

TIMEOUT_SECONDS: Final = 60
_BLOCK: Final = 256 * 1024


class ConnectionLostError(CliError):
    """The network or the server went away; what was acknowledged is kept, so the request may be sent again."""


class RefusedError(CliError):
    """The server's problem (RFC 9457)."""

    def __init__(self, status: int, code: str, detail: str, retry_after: int | None) -> None:
        super().__init__(detail)
        self.status, self.code, self.retry_after = status, code, retry_after


@dataclass(frozen=True, slots=True)
class Answer:
    status: int
    headers: http.client.HTTPMessage
    body: bytes

    @property
    def json(self) -> Any:
        return json.loads(self.body)


@dataclass
class Connection:
    """`cookies` are kept and sent as a browser would; a `token` is sent instead of a session."""

    url: str
    token: str | None = None
    ca: str | None = None
    cookies: dict[str, str] = field(default_factory=dict)
    _open: http.client.HTTPSConnection | None = None

    def request(
        self, method: str, path: str, *, body: bytes | None = None, headers: Mapping[str, str] | None = None
    ) -> Answer:
        """Return a good answer; RefusedError for a problem, ConnectionLostError where none came."""
        response = self._send(method, path, body, headers or {})
        try:
            content = response.read()
        except (OSError, http.client.HTTPException) as error:
            raise self._lost(error) from None
        return self._checked(response, content)

    def ask(self, method: str, path: str, document: Any = None, **headers: str) -> Any:
        """Send and return JSON; header names with underscores."""
        body = None if document is None else json.dumps(document).encode()
        named = {name.replace("_", "-"): value for name, value in headers.items()}
        if body is not None:
            named["Content-Type"] = "application/json"
        answer = self.request(method, path, body=body, headers=named)
        return answer.json if answer.body else None

    def stream(self, path: str, headers: Mapping[str, str]) -> tuple[int, http.client.HTTPMessage, Iterator[bytes]]:
        """Status, headers and the content of a GET, in blocks."""
        response = self._send("GET", path, None, headers)
        if response.status >= http.client.BAD_REQUEST:
            self._checked(response, response.read())
        return response.status, response.headers, self._blocks(response)

    def close(self) -> None:
        if self._open is not None:
            self._open.close()
            self._open = None

    def _blocks(self, response: http.client.HTTPResponse) -> Iterator[bytes]:
        try:
            while block := response.read(_BLOCK):
                yield block
        except (OSError, http.client.HTTPException) as error:
            raise self._lost(error) from None

    def _send(self, method: str, path: str, body: bytes | None, headers: Mapping[str, str]) -> http.client.HTTPResponse:
        every = {"Accept-Language": language(), "Accept": "application/json", **headers}
        if self.token is not None:
            every["Authorization"] = f"Bearer {self.token}"
        if self.cookies:
            every["Cookie"] = "; ".join(f"{name}={value}" for name, value in self.cookies.items())
        try:
            connection = self._connected()
            connection.request(method, urlsplit(path)._replace(scheme="", netloc="").geturl(), body, every)
            response = connection.getresponse()
        except (OSError, http.client.HTTPException) as error:
            raise self._lost(error) from None
        for line in response.headers.get_all("Set-Cookie") or ():
            self.cookies |= {name: morsel.value for name, morsel in SimpleCookie(line).items()}
        return response

    def _connected(self) -> http.client.HTTPSConnection:
        if self._open is None:
            parts = urlsplit(self.url)
            context = ssl.create_default_context(cafile=self.ca)
            self._open = http.client.HTTPSConnection(
                parts.hostname or "", parts.port, timeout=TIMEOUT_SECONDS, context=context
            )
        return self._open

    def _checked(self, response: http.client.HTTPResponse, content: bytes) -> Answer:
        if response.status < http.client.BAD_REQUEST:
            return Answer(response.status, response.headers, content)
        try:
            problem = json.loads(content)
            code, detail = str(problem["code"]), str(problem["detail"])
        except (ValueError, KeyError, TypeError):
            code, detail = "unknown", f"HTTP {response.status}"
        wait = response.headers.get("Retry-After", "")
        raise RefusedError(response.status, code, detail, int(wait) if wait.isdecimal() else None)

    def _lost(self, error: Exception) -> ConnectionLostError:
        self.close()
        reason = str(error) or type(error).__name__
        return ConnectionLostError(say("{host} cannot be reached: {reason}", host=self.url, reason=reason))

"""The organization's own scanner agent, over mutual TLS (port 3311). Blocks: called from job threads only."""

from __future__ import annotations

import http.client
import json
import ssl
from collections.abc import Iterable, Iterator
from contextlib import closing, contextmanager
from datetime import datetime
from typing import Any, Final
from urllib.parse import urlsplit

from kozutumi_app.domain.ports import ScannerStatus, Verdict
from kozutumi_app.errors import ScannerUnavailable

_CONNECT_SECONDS: Final = 5
_SEND_SECONDS: Final = 60
_ANSWER_SECONDS: Final = 660  # the agent gives up a scan after 600
_ANSWER_BYTES: Final = 64 * 1024
_VERDICTS: Final = frozenset({"clean", "infected", "unscannable"})


class ScannerAgent:
    """Implements domain.ports.Scanner. The context shows our certificate and verifies the agent's DNS name."""

    def __init__(self, url: str, context: ssl.SSLContext) -> None:
        parts = urlsplit(url)
        if parts.scheme != "https" or parts.hostname is None:
            raise ValueError("KOZUTUMI_SCANNER_URL must begin with https://")
        self._host, self._port, self._context = parts.hostname, parts.port or 443, context

    def scan(self, chunks: Iterable[bytes]) -> Verdict:
        """Send the content, chunked (RFC 9112 §7.1). What is raised by `chunks` passes through, and the scan is cut."""
        with self._connection() as connection:
            try:
                connection.request("POST", "/v1/scan", body=_nonempty(chunks), headers=_CHUNKED, encode_chunked=True)
            except OSError:
                return _early_answer(connection)
            _patience(connection, _ANSWER_SECONDS)
            return _verdict(*_answer(connection))

    def status(self) -> ScannerStatus:
        try:
            with self._connection() as connection:
                connection.request("GET", "/v1/status")
                status, document = _answer(connection)
        except ScannerUnavailable:
            return ScannerStatus(ok=False, message="the scanner does not answer")
        if status != http.client.OK:
            return ScannerStatus(ok=False, message=f"the scanner answered {status}")
        return _status(document)

    @contextmanager
    def _connection(self) -> Iterator[http.client.HTTPSConnection]:
        connection = http.client.HTTPSConnection(
            self._host, self._port, timeout=_CONNECT_SECONDS, context=self._context
        )
        with closing(connection):
            try:
                connection.connect()
                _patience(connection, _SEND_SECONDS)
                yield connection
            except (OSError, http.client.HTTPException) as error:
                raise ScannerUnavailable from error


_CHUNKED: Final = {"Transfer-Encoding": "chunked", "Content-Type": "application/octet-stream"}


def _nonempty(chunks: Iterable[bytes]) -> Iterator[bytes]:
    """An empty chunk would end the body early."""
    return (chunk for chunk in chunks if chunk)


def _early_answer(connection: http.client.HTTPSConnection) -> Verdict:
    """The agent closed while we sent: only a refusal may be believed, as it has not seen everything."""
    status, document = _answer(connection)
    if status == http.client.OK:
        raise ScannerUnavailable("the scanner answered before it had the whole file")
    return _verdict(status, document)


def _patience(connection: http.client.HTTPSConnection, seconds: int) -> None:
    if connection.sock is not None:
        connection.sock.settimeout(seconds)


def _answer(connection: http.client.HTTPSConnection) -> tuple[int, dict[str, Any]]:
    response = connection.getresponse()
    try:
        document = json.loads(response.read(_ANSWER_BYTES))
    except ValueError:
        raise ScannerUnavailable("the scanner's answer is not JSON") from None
    if not isinstance(document, dict):
        raise ScannerUnavailable("the scanner's answer is not an object")
    return response.status, document


def _verdict(status: int, document: dict[str, Any]) -> Verdict:
    if status == http.client.REQUEST_ENTITY_TOO_LARGE:
        return Verdict("unscannable", None, "too_large", None, None)
    verdict = document.get("verdict")
    if status != http.client.OK or verdict not in _VERDICTS:
        raise ScannerUnavailable(str(document.get("error", "the scanner gave no verdict")))
    return Verdict(
        verdict,
        document.get("signature"),
        document.get("reason"),
        document.get("signature_version"),
        _time(document.get("signature_published")),
    )


def _status(document: dict[str, Any]) -> ScannerStatus:
    age, largest = document.get("signature_age_seconds"), document.get("max_scan_size")
    return ScannerStatus(
        ok=document.get("ok") is True,
        message=str(document.get("message", "")),
        signature_version=document.get("signature_version"),
        signature_age_seconds=age if isinstance(age, int) else None,
        self_test=document.get("self_test") is True,
        max_scan_size=largest if isinstance(largest, int) and largest > 0 else None,
    )


def _time(text: object) -> datetime | None:
    """RFC 3339; None (unknown, so not to be trusted) for anything else or without a zone."""
    try:
        time = datetime.fromisoformat(str(text))
    except ValueError:
        return None
    return time if time.tzinfo is not None else None

"""A client of one organization's public endpoint, as a browser or a script outside the cluster would be."""

from __future__ import annotations

import base64
import ssl
import time
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from http import HTTPStatus
from pathlib import Path
from types import TracebackType
from typing import Any, Final, Self
from urllib.parse import urlsplit

import httpx

TUS: Final = {"Tus-Resumable": "1.0.0"}
PATCH_BYTES: Final = 64 * 1024
RESUMPTIONS: Final = 30


@dataclass(frozen=True)
class Endpoint:
    """`url` is the organization's; the connection goes to `address`, whose certificate must be for the URL's host.

    The development domain is in no DNS, so the address is given and the name is still verified. `port` 0: the URL's.
    """

    url: str
    address: str
    ca: Path
    port: int = 0

    def open(self) -> Public:
        return Public(self)


class Public:
    """One person's (or one recipient's) session: cookies, CSRF token, requests."""

    def __init__(self, endpoint: Endpoint) -> None:
        parts = urlsplit(endpoint.url)
        self.host = parts.hostname or ""
        self.url = endpoint.url
        self.csrf: str | None = None
        self._authority = parts.netloc
        self._http = httpx.Client(
            base_url=f"https://{endpoint.address}:{endpoint.port or parts.port or 443}",
            verify=ssl.create_default_context(cafile=str(endpoint.ca)),
            timeout=60,
            trust_env=False,
        )

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    def close(self) -> None:
        self._http.close()

    @property
    def cookies(self) -> httpx.Cookies:
        return self._http.cookies

    def request(self, method: str, path: str, **options: Any) -> httpx.Response:
        """Send one request. `path` may be a whole URL of this organization."""
        return self._http.request(method, self._path(path), **self._options(options))

    def stream(self, method: str, path: str, **options: Any) -> Any:
        return self._http.stream(method, self._path(path), **self._options(options))

    def json(self, method: str, path: str, body: object = None, *, expect: int = 200) -> Any:
        """Call the JSON API; RuntimeError with the server's own words when the status is another."""
        response = self.request(method, path, json=body) if body is not None else self.request(method, path)
        if response.status_code != expect:
            raise RuntimeError(f"{method} {path}: {response.status_code}, not {expect}: {response.text[:500]}")
        return response.json() if response.content else None

    def accept_invitation(self, token: str, name: str, password: str) -> None:
        self.json("POST", f"/api/v1/invitations/{token}/accept", {"name": name, "password": password})

    def sign_in(self, email: str, password: str) -> None:
        self.csrf = self.json("POST", "/api/v1/session", {"email": email, "password": password})["csrf"]

    def _path(self, path: str) -> str:
        return path.removeprefix(self.url) if path.startswith("https:") else path

    def _options(self, options: dict[str, Any]) -> dict[str, Any]:
        headers = {"Host": self._authority, "Origin": self.url.rstrip("/"), **options.pop("headers", {})}
        if self.csrf:
            headers["X-CSRF-Token"] = self.csrf
        return {**options, "headers": headers, "extensions": {"sni_hostname": self.host}}


class Cut(Exception):  # noqa: N818 - it is an event of the network, played on purpose
    """The sender's connection ends here."""


class MovedError(RuntimeError):
    """The upload's offset is another one by now, or the upload is still being written to."""


def create_upload(
    client: Public, transfer: str, name: str, size: int, media_type: str = "application/octet-stream"
) -> str:
    """Create one tus upload in a transfer and give its path (tus 1.0, creation extension)."""
    fields = {"transfer": transfer, "filename": name, "filetype": media_type}
    metadata = ",".join(f"{key} {base64.b64encode(value.encode()).decode()}" for key, value in fields.items())
    response = client.request(
        "POST", "/files/", headers={**TUS, "Upload-Length": str(size), "Upload-Metadata": metadata}
    )
    if response.status_code != 201:
        raise RuntimeError(f"upload of {size} bytes was not created: {response.status_code} {response.text[:500]}")
    return response.headers["Location"]


def offset(client: Public, upload: str) -> int:
    response = client.request("HEAD", upload, headers=TUS)
    response.raise_for_status()
    return int(response.headers["Upload-Offset"])


def send_from(client: Public, upload: str, data: Path, start: int, *, cut_at: int | None = None) -> None:
    """PATCH the rest of `data` from `start`; with `cut_at` the connection is dropped at that byte."""
    body = _body(data, start, cut_at)
    headers = {**TUS, "Upload-Offset": str(start), "Content-Type": "application/offset+octet-stream"}
    response = client.request("PATCH", upload, headers=headers, content=body)
    if response.status_code in (HTTPStatus.CONFLICT, HTTPStatus.LOCKED):
        raise MovedError(f"PATCH at {start}: {response.status_code} {response.text[:500]}")
    if response.status_code != HTTPStatus.NO_CONTENT:
        raise RuntimeError(f"PATCH at {start}: {response.status_code} {response.text[:500]}")


def resume(client: Public, upload: str, data: Path, *, cut_at: int | None = None) -> None:
    """Go on at what the server acknowledged, asking again while it still writes what came before the line dropped."""
    for _ in range(RESUMPTIONS):
        try:
            return send_from(client, upload, data, offset(client, upload), cut_at=cut_at)
        except MovedError:
            time.sleep(1)
    return send_from(client, upload, data, offset(client, upload), cut_at=cut_at)


def upload_file(
    client: Public,
    transfer: str,
    data: Path,
    name: str,
    *,
    cuts: Iterable[int] = (),
    report: Callable[[int], None] = lambda _: None,
) -> str:
    """Upload `data`, dropping the connection at each of `cuts` and resuming at what the server acknowledged."""
    upload = create_upload(client, transfer, name, data.stat().st_size)
    for cut in cuts:
        try:
            resume(client, upload, data, cut_at=cut)
        except Cut:
            report(offset(client, upload))
    resume(client, upload, data)
    report(offset(client, upload))
    return upload


def _body(data: Path, start: int, cut_at: int | None) -> Iterator[bytes]:
    with data.open("rb") as file:
        file.seek(start)
        position = start
        while chunk := file.read(PATCH_BYTES):
            if cut_at is not None and position + len(chunk) > cut_at:
                raise Cut
            position += len(chunk)
            yield chunk

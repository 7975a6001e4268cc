"""Downloads: a POST opens one and sets its cookie; GET and HEAD with that cookie read, and consume nothing."""

from __future__ import annotations

import asyncio
import base64
from collections.abc import Callable
from typing import Final

from fastapi import APIRouter, Request, Response

from kozutumi_app.domain import byte_ranges, filenames
from kozutumi_app.domain.byte_ranges import Partial, Unsatisfiable
from kozutumi_app.domain.grants import Capacity, Reader
from kozutumi_app.domain.tokens import Scope
from kozutumi_app.errors import (
    ArchiveNotReady,
    DownloadsExhausted,
    Draining,
    NotFound,
    PreconditionFailed,
    RangeNotSatisfiable,
    StorageUnavailable,
    TransferOver,
    Unavailable,
)
from kozutumi_app.services import Services
from kozutumi_app.use_cases import archives, grants
from kozutumi_app.use_cases import download as downloads
from kozutumi_app.use_cases.download import Download
from kozutumi_app.web import streaming
from kozutumi_app.web.api.callers import ActingMember, App, Recipient
from kozutumi_app.web.api.documented import Raw, Shown, answers
from kozutumi_app.web.problems import problem

router = APIRouter()
_of_recipient: Final = APIRouter(prefix="/api/v1/r/{link_id}")
_OPENING: Final = answers(NotFound, TransferOver, DownloadsExhausted, Draining, status=201)
_OPENING_ALL: Final = answers(NotFound, TransferOver, DownloadsExhausted, ArchiveNotReady, Draining, status=201)
_PREVIEW: Final = answers(NotFound, TransferOver, ArchiveNotReady, Draining, status=201, scope=Scope.REQUESTS_READ)
_HEADERS: Final = (
    ("ETag", "Names these very bytes; send it as If-Range to go on with a download."),
    ("Accept-Ranges", "bytes"),
    ("Content-Disposition", "The name (RFC 6266, RFC 8187)."),
    ("Repr-Digest", "SHA-256 of the whole file (RFC 9530); none of an archive."),
)
_WHOLE: Final = Raw(
    "application/octet-stream", "The content. The cookie of its opening must come with the request.", _HEADERS
)
_PART: Final = Raw(
    "application/octet-stream",
    "The range that was asked for.",
    (*_HEADERS, ("Content-Range", "Which it is (RFC 9110).")),
)
_READING: Final = answers(
    NotFound,
    TransferOver,
    PreconditionFailed,
    RangeNotSatisfiable,
    StorageUnavailable,
    Unavailable,
    raw=_WHOLE,
    also={206: _PART, 304: Raw(description="It is what If-None-Match names.")},
)


class Opened(Shown):
    """Where the content is read from, in the browser that has just been given a cookie for it."""

    url: str


@_of_recipient.post("/files/{file_id}/download", **_OPENING)
def open_download(file_id: str, request: Request, response: Response, services: App, recipient: Recipient) -> Opened:
    return opened_file(request, response, services, Reader(Capacity.RECIPIENT, recipient.recipient_id), file_id)


@_of_recipient.post("/archive", **_OPENING_ALL)
def open_archive(request: Request, response: Response, services: App, recipient: Recipient) -> Opened:
    """All files in one zip archive. Each counts as downloaded once."""
    reader = Reader(Capacity.RECIPIENT, recipient.recipient_id)
    return opened_archive(request, response, services, reader, recipient.transfer_id)


router.include_router(_of_recipient)


@router.post("/api/v1/transfers/{transfer_id}/files/{file_id}/download", **_PREVIEW)
def open_as_member(
    transfer_id: str, file_id: str, request: Request, response: Response, services: App, user: ActingMember
) -> Opened:
    """For who asked for the files by a receive request, and for who is to approve the transfer."""
    return opened_file(request, response, services, reader_of(services, user.user_id, transfer_id), file_id)


@router.post("/api/v1/transfers/{transfer_id}/archive", **_PREVIEW)
def open_archive_as_member(
    transfer_id: str, request: Request, response: Response, services: App, user: ActingMember
) -> Opened:
    return opened_archive(request, response, services, reader_of(services, user.user_id, transfer_id), transfer_id)


@router.get("/downloads/{file_id}", **_READING)
@router.head("/downloads/{file_id}", **_READING)
async def read(request: Request, file_id: str) -> Response:
    return await _read(request, file_id, downloads.find)


@router.get("/downloads/archives/{transfer_id}", **_READING)
@router.head("/downloads/archives/{transfer_id}", **_READING)
async def read_archive(request: Request, transfer_id: str) -> Response:
    return await _read(request, transfer_id, archives.find)


def opened_file(request: Request, response: Response, services: Services, reader: Reader, file_id: str) -> Opened:
    """Open a download and give the browser its cookie."""
    token = downloads.open_file(services, reader, file_id, request.cookies.get(_cookie(file_id)))
    _give(response, file_id, token)
    return Opened(url=f"/downloads/{file_id}")


def opened_archive(
    request: Request, response: Response, services: Services, reader: Reader, transfer_id: str
) -> Opened:
    token = archives.open_archive(services, reader, transfer_id, request.cookies.get(_cookie(transfer_id)))
    _give(response, transfer_id, token)
    return Opened(url=f"/downloads/archives/{transfer_id}")


def reader_of(services: Services, user_id: str, transfer_id: str) -> Reader:
    """As what a member reads this transfer; NotFound when as nothing."""
    with services.database.read() as tx:
        capacity = grants.capacity_of(tx, services, user_id, transfer_id)
    if capacity is None:
        services.metrics.refusals.labels(NotFound.code).inc()
        raise NotFound
    return Reader(capacity, user_id)


async def _read(request: Request, id: str, find: Callable[[Services, str | None, str], Download]) -> Response:
    services: Services = request.app.state.services
    download = await asyncio.to_thread(find, services, request.cookies.get(_cookie(id)), id)
    headers = _headers(download)
    asked = request.headers
    if "If-Match" in asked and not byte_ranges.matches(asked["If-Match"], download.etag, weak=False):
        raise PreconditionFailed
    if "If-None-Match" in asked and byte_ranges.matches(asked["If-None-Match"], download.etag, weak=True):
        return Response(status_code=304, headers=headers)
    # Range means something for GET only (RFC 9110 §14.2).
    wanted = asked.get("Range") if request.method == "GET" else None
    chosen = byte_ranges.choose(wanted, asked.get("If-Range"), download.etag, download.size)
    if isinstance(chosen, Unsatisfiable):
        refusal = problem(RangeNotSatisfiable(), request)
        refusal.headers["Content-Range"] = f"bytes */{download.size}"
        return refusal
    status, start, end = 200, 0, download.size
    if isinstance(chosen, Partial):
        status, start, end = 206, chosen.start, chosen.end
        headers["Content-Range"] = f"bytes {start}-{end - 1}/{download.size}"
    elif "Repr-Digest" in headers:
        headers["Content-Digest"] = headers["Repr-Digest"]  # the content is the whole representation
    headers["Content-Length"] = str(end - start)
    if request.method == "HEAD":
        return Response(status_code=status, headers=headers)
    return await streaming.response(request.app, services, download, (start, end), status, headers)


def _headers(download: Download) -> dict[str, str]:
    """Nothing of what is sent may run in the browser, or be taken for a page of ours."""
    headers = {
        "Content-Type": "application/octet-stream" if download.archive is None else "application/zip",
        "Content-Disposition": filenames.content_disposition(download.name),
        "X-Content-Type-Options": "nosniff",
        "Content-Security-Policy": "sandbox; default-src 'none'",
        "Cache-Control": "no-store",
        "Accept-Ranges": "bytes",
        "ETag": download.etag,
    }
    if download.sha256 is not None:
        digest = base64.b64encode(bytes.fromhex(download.sha256)).decode("ascii")
        headers["Repr-Digest"] = f"sha-256=:{digest}:"  # RFC 9530 §3
    return headers


def _give(response: Response, id: str, token: str) -> None:
    seconds = int(downloads.LIFETIME.total_seconds())
    response.set_cookie(_cookie(id), token, max_age=seconds, path="/", secure=True, httponly=True, samesite="lax")


def _cookie(id: str) -> str:
    return f"__Host-download-{id[:8]}"

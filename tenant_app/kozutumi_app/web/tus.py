"""Resumable uploads: tus 1.0.0 with creation, creation-with-upload, checksum, expiration, termination, concatenation.

Every rule of https://tus.io/protocols/resumable-upload and its test: docs/architecture/uploads.md.
"""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import Callable, Coroutine
from functools import partial
from typing import Any, Final

from fastapi import APIRouter, Request, Response
from fastapi.routing import APIRoute

from kozutumi_app.domain import checksums
from kozutumi_app.domain.checksums import Checksum, ChecksumError
from kozutumi_app.errors import InvalidInput, KozutumiError, OffsetMismatch, UploadTooLarge
from kozutumi_app.services import Services
from kozutumi_app.use_cases import upload as uploads
from kozutumi_app.use_cases import upload_creating, upload_tokens
from kozutumi_app.use_cases.upload import Upload, Uploader
from kozutumi_app.use_cases.upload_creating import NewFile
from kozutumi_app.use_cases.upload_locks import UploadLocks
from kozutumi_app.use_cases.upload_receiving import Receiver, SourceCutError
from kozutumi_app.web import security, tus_access, tus_documented, tus_headers
from kozutumi_app.web.gate import KEY_HEADER
from kozutumi_app.web.problems import problem
from kozutumi_app.web.request_source import RequestSource

PATH: Final = "/files"
_OFFSET_STREAM: Final = "application/offset+octet-stream"


class TusError(KozutumiError):
    """A request that does not follow the protocol; `status` is the one the protocol names."""

    code = "tus"
    title = "The request does not follow the upload protocol (tus 1.0.0)."

    def __init__(self, status: int, detail: str) -> None:
        super().__init__(detail)
        self.status = status  # type: ignore[misc]  # a class variable elsewhere: here the protocol decides per request


class TusRoute(APIRoute):
    """Checks the protocol's version before anything is done."""

    def get_route_handler(self) -> Callable[[Request], Coroutine[Any, Any, Response]]:
        handler = super().get_route_handler()

        async def handle(request: Request) -> Response:
            try:
                if request.method != "OPTIONS" and request.headers.get("Tus-Resumable") != tus_headers.VERSION:
                    raise TusError(412, "send Tus-Resumable: 1.0.0")
                response = await handler(request)
            except KozutumiError as error:
                response = problem(error, request)
                if error.status == 412:
                    response.headers["Tus-Version"] = tus_headers.VERSION
            return response

        return handle


router = APIRouter(prefix=PATH, route_class=TusRoute)


@router.options("/", **tus_documented.CAPABILITIES)
@router.options("/{file_id}", **tus_documented.CAPABILITIES)
async def capabilities(request: Request) -> Response:
    return Response(status_code=204, headers=tus_headers.capabilities(_services(request).settings.max_file_size))


@router.post("/", **tus_documented.CREATE)
async def create(request: Request) -> Response:
    uploader = await tus_access.acting(request)
    if "Upload-Defer-Length" in request.headers:
        raise TusError(400, "the length must be known at creation: send Upload-Length")
    with_body, checksum = _has_body(request), _checksum(request)
    services = _services(request)
    upload = await asyncio.to_thread(_creation(request, uploader))
    token = await asyncio.to_thread(_issue, services, upload)
    if upload.repeated:  # what came along with the first one counts, and this one's is left unread
        async with _locks(request).hold(upload.file_id):
            upload = await _find(request, uploader, upload.file_id)
    elif with_body and not upload.is_final:
        upload = await _receive_first(request, uploader, upload, checksum)
    headers = {"Location": f"{security.origin(request)}{PATH}/{upload.file_id}", tus_access.TOKEN_HEADER: token}
    headers |= tus_headers.progress(upload) | tus_headers.scanning(upload.size)
    return Response(status_code=201, headers=headers)


@router.head("/{file_id}", **tus_documented.OFFSET)
async def offset(request: Request, file_id: str) -> Response:
    uploader = await tus_access.reading(request)
    await _find(request, uploader, file_id)
    async with _locks(request).hold(file_id):  # an older PATCH ends first, so that the answer stays true
        upload = await _find(request, uploader, file_id)
    return Response(status_code=200, headers=tus_headers.description(upload) | tus_headers.progress(upload))


@router.patch("/{file_id}", **tus_documented.APPEND)
async def append(request: Request, file_id: str) -> Response:
    uploader = await tus_access.acting(request)
    if request.headers.get("Content-Type") != _OFFSET_STREAM:
        raise TusError(415, f"send Content-Type: {_OFFSET_STREAM}")
    start, checksum = _size_header(request, "Upload-Offset"), _checksum(request)
    await _find(request, uploader, file_id)
    async with _locks(request).hold(file_id) as holder:
        upload = await _find(request, uploader, file_id)
        if upload.is_final:
            raise TusError(403, "a file that is put together from parts takes no bytes of its own")
        if start != upload.offset:
            raise OffsetMismatch(f"the upload is at {upload.offset}")
        _refuse_excess(request, upload)
        if not upload.is_complete:
            upload = await _receive(request, upload, checksum, holder.interrupted)
    return Response(status_code=204, headers=tus_headers.progress(upload))


@router.delete("/{file_id}", **tus_documented.TERMINATE)
async def terminate(request: Request, file_id: str) -> Response:
    uploader = await tus_access.acting(request)
    await _find(request, uploader, file_id)
    async with _locks(request).hold(file_id):
        await asyncio.to_thread(uploads.cancel, _services(request), uploader, file_id)
    return Response(status_code=204)


def _creation(request: Request, uploader: Uploader) -> Callable[[], Upload]:
    """What the headers ask to begin: a file, a part of one, or a file of parts."""
    services, concat = _services(request), request.headers.get("Upload-Concat")
    try:
        metadata = tus_headers.parse_metadata(request.headers.get("Upload-Metadata", ""))
        parts = tus_headers.parse_concat(concat) if concat is not None else None
    except ValueError as error:
        raise TusError(400, f"Upload-Metadata or Upload-Concat: {error}") from None
    transfer_id = metadata.get("transfer") or uploader.transfer_id
    path = metadata.get("path") or metadata.get("relativePath") or ""
    key = request.headers.get(KEY_HEADER)
    new = NewFile(transfer_id or "", metadata.get("filename") or path, metadata.get("filetype", ""), path, key)
    if not transfer_id or not (new.name or concat == tus_headers.PARTIAL):
        raise InvalidInput("Upload-Metadata must name the transfer and the filename")
    if concat is not None and parts is not None:
        if "Upload-Length" in request.headers:
            raise TusError(400, "the parts say how long the file is: send no Upload-Length")
        return partial(upload_creating.join, services, uploader, new, parts, concat)
    size = _size_header(request, "Upload-Length")
    if concat is not None:
        return partial(upload_creating.create_part, services, uploader, transfer_id, size, key)
    return partial(upload_creating.create, services, uploader, new, size)


def _issue(services: Services, upload: Upload) -> str:
    with services.database.write() as tx:
        return upload_tokens.issue(tx, services, upload)


def _has_body(request: Request) -> bool:
    if request.headers.get("Content-Type") == _OFFSET_STREAM:
        return True
    if request.headers.get("Content-Length", "0") != "0" or "Transfer-Encoding" in request.headers:
        raise TusError(415, f"send Content-Type: {_OFFSET_STREAM}")
    return False


async def _receive_first(request: Request, uploader: Uploader, upload: Upload, checksum: Checksum | None) -> Upload:
    """The bytes that come with the creation. When they are refused, nobody learns where the upload is: it ends."""
    try:
        _refuse_excess(request, upload)
        if upload.is_complete:
            return upload
        async with _locks(request).hold(upload.file_id) as holder:
            return await _receive(request, upload, checksum, holder.interrupted)
    except KozutumiError:
        with contextlib.suppress(KozutumiError):
            await asyncio.to_thread(uploads.cancel, _services(request), uploader, upload.file_id)
        raise


async def _receive(request: Request, upload: Upload, checksum: Checksum | None, interrupted: asyncio.Event) -> Upload:
    services = _services(request)
    await asyncio.to_thread(uploads.require_not_draining, services)
    key = await asyncio.to_thread(uploads.key_of, services, upload.file_id)
    receiver = Receiver(services, upload, key, checksum)
    with services.metrics.active_uploads.track_inprogress():
        try:
            return await receiver.run(RequestSource(request, interrupted))
        except SourceCutError:
            raise TusError(408, f"the body was cut; the upload is at {receiver.upload.offset}") from None


def _refuse_excess(request: Request, upload: Upload) -> None:
    announced = request.headers.get("Content-Length", "")
    if announced.isdecimal() and upload.offset + int(announced) > upload.size:
        raise UploadTooLarge("more bytes than the upload was created for")


def _checksum(request: Request) -> Checksum | None:
    announced = request.headers.get("Upload-Checksum")
    try:
        return checksums.parse(announced) if announced is not None else None
    except ChecksumError as error:
        raise TusError(400, f"Upload-Checksum: {error}") from None


def _size_header(request: Request, name: str) -> int:
    text = request.headers.get(name, "")
    if not text.isascii() or not text.isdecimal() or len(text) > 18:
        raise TusError(400, f"send {name} as a number of bytes")
    return int(text)


async def _find(request: Request, uploader: Uploader, file_id: str) -> Upload:
    return await asyncio.to_thread(uploads.find, _services(request), uploader, file_id)


def _services(request: Request) -> Services:
    services: Services = request.app.state.services
    return services


def _locks(request: Request) -> UploadLocks:
    state = request.app.state
    if not hasattr(state, "upload_locks"):
        state.upload_locks = UploadLocks()
    locks: UploadLocks = state.upload_locks
    return locks

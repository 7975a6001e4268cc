"""What the OpenAPI document says of uploads: headers, bodies and refusals of each request of tus 1.0.0."""

from __future__ import annotations

from typing import Any, Final

from kozutumi_app.domain.tokens import Scope
from kozutumi_app.errors import (
    ChecksumMismatch,
    CsrfFailed,
    Draining,
    IdempotencyConflict,
    IdempotencyKeyReused,
    InvalidInput,
    NetworkNotAllowed,
    NotFound,
    NotSignedIn,
    OffsetMismatch,
    QuotaExceeded,
    RequestLimit,
    RequestOver,
    ScopeMissing,
    StorageUnavailable,
    TokenInvalid,
    TransferAllowanceUsed,
    TransferClosed,
    TypeRefused,
    Unavailable,
    UploadGone,
    UploadLocked,
    UploadTokenEnded,
    UploadTooLarge,
    UploadUnfinished,
)
from kozutumi_app.web.api.documented import IDEMPOTENCY_KEY, Raw, Told, answers

_TITLE: Final = "The request does not follow the upload protocol (tus 1.0.0)."
_SCHEMES: Final = ("session", "token", "uploadToken")
_CALLER: Final = (NotSignedIn, TokenInvalid, ScopeMissing, NetworkNotAllowed, UploadTokenEnded)
_FOUND: Final = (NotFound, UploadGone, UploadLocked)
_ROOM: Final = (
    InvalidInput,
    QuotaExceeded,
    RequestLimit,
    RequestOver,
    TransferAllowanceUsed,
    TransferClosed,
    TypeRefused,
    UploadTooLarge,
    UploadUnfinished,
)
_WRITING: Final = (CsrfFailed, Draining, StorageUnavailable, Unavailable)
_BYTES: Final = (ChecksumMismatch, OffsetMismatch, UploadTooLarge, InvalidInput)
_PROGRESS: Final = (
    ("Tus-Resumable", "1.0.0"),
    ("Upload-Offset", "Bytes that are durable; not there while a file is put together from its parts."),
    ("Upload-Expires", "When an unfinished upload ends."),
)


def _tus(*statuses: int) -> tuple[Told, ...]:
    return tuple(Told(status, "tus", _TITLE) for status in statuses)


def _header(name: str, meaning: str, *, required: bool = False, **schema: Any) -> dict[str, Any]:
    return {
        "name": name,
        "in": "header",
        "required": required,
        "description": meaning,
        "schema": {"type": "string"} | schema,
    }


_VERSION: Final = _header("Tus-Resumable", "The protocol's version.", required=True, enum=["1.0.0"])
_CHECKSUM: Final = _header("Upload-Checksum", "Algorithm, a blank, base64 of the digest of this request's body.")
_COUNT: Final[dict[str, Any]] = {"pattern": "^[0-9]{1,18}$"}
_BODY: Final = {
    "required": False,
    "content": {"application/offset+octet-stream": {"schema": {"type": "string", "format": "binary"}}},
}

CAPABILITIES: Final = answers(
    status=204,
    raw=Raw(
        None,
        "What the server can do.",
        (("Tus-Version", "1.0.0"), ("Tus-Extension", "Extensions."), ("Tus-Max-Size", "Bytes of one file.")),
    ),
)
CREATE: Final = answers(
    *_tus(400, 408, 412, 415),
    *_CALLER,
    *_FOUND,
    *_ROOM,
    *_WRITING,
    *_BYTES,
    IdempotencyConflict,
    IdempotencyKeyReused,
    status=201,
    scope=Scope.TRANSFERS_WRITE,
    raw=Raw(
        None,
        "The upload is there; bytes that came along are durable.",
        (
            ("Location", "Where it goes on."),
            ("Upload-Token", "Lets this one upload go on without a session."),
            ("Upload-Scannable", "`no` where the virus scanner cannot take a file so large."),
            *_PROGRESS,
        ),
    ),
    schemes=_SCHEMES,
    parameters=[
        _VERSION,
        _header("Upload-Length", "Bytes of the whole file; not with a final Upload-Concat.", **_COUNT),
        _header(
            "Upload-Metadata",
            "Pairs of key and base64: `transfer` (the draft's id), `filename`, `filetype`, `path`; commas between.",
        ),
        _header("Upload-Concat", "`partial`, or `final;` and the URLs of the parts."),
        _CHECKSUM,
        _header(
            "Idempotency-Key",
            "Drawn anew for each upload: sent again, the creation is answered with the upload that it made.",
            **IDEMPOTENCY_KEY,
        ),
    ],
    requestBody=_BODY,
)
OFFSET: Final = answers(
    *_tus(400, 412),
    *_CALLER,
    *_FOUND,
    scope=Scope.TRANSFERS_WRITE,
    raw=Raw(
        None,
        "How far the upload is.",
        (("Upload-Length", "Bytes of the whole file."), ("Upload-Metadata", "As at its creation."), *_PROGRESS),
    ),
    schemes=_SCHEMES,
    parameters=[_VERSION],
)
APPEND: Final = answers(
    *_tus(400, 403, 408, 412, 415),
    *_CALLER,
    *_FOUND,
    *_WRITING,
    *_BYTES,
    status=204,
    scope=Scope.TRANSFERS_WRITE,
    raw=Raw(None, "Up to the new offset everything is durable.", _PROGRESS),
    schemes=_SCHEMES,
    parameters=[
        _VERSION,
        _header("Upload-Offset", "Where the body goes on.", required=True, **_COUNT),
        _CHECKSUM,
    ],
    requestBody=_BODY,
)
TERMINATE: Final = answers(
    *_tus(400, 412),
    *_CALLER,
    *_FOUND,
    *_WRITING,
    TransferClosed,
    status=204,
    scope=Scope.TRANSFERS_WRITE,
    raw=Raw(None, "The upload is no more; what it reserved is given back."),
    schemes=_SCHEMES,
    parameters=[_VERSION],
)

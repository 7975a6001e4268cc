"""Headers of tus 1.0.0, read and written. Pure."""

from __future__ import annotations

import base64
from email.utils import format_datetime
from typing import Final
from urllib.parse import urlsplit

from kozutumi_app.domain.checksums import ALGORITHMS
from kozutumi_app.domain.files import MAX_SCANNABLE_BYTES
from kozutumi_app.use_cases.upload import Upload

VERSION: Final = "1.0.0"
EXTENSIONS: Final = ("creation", "creation-with-upload", "expiration", "checksum", "termination", "concatenation")
PARTIAL: Final = "partial"
_FINAL: Final = "final;"
_MAX_METADATA: Final = 8192


def capabilities(max_size: int) -> dict[str, str]:
    return {
        "Tus-Version": VERSION,
        "Tus-Extension": ",".join(EXTENSIONS),
        "Tus-Max-Size": str(max_size),
        "Tus-Checksum-Algorithm": ",".join(ALGORITHMS),
    }


def progress(upload: Upload) -> dict[str, str]:
    """Upload-Offset, and while the upload is unfinished Upload-Expires as an IMF-fixdate (RFC 9110 §5.6.7).

    A file that is still being put together from its parts has no offset (extension concatenation).
    """
    headers = {} if upload.is_final and not upload.is_complete else {"Upload-Offset": str(upload.offset)}
    if upload.expires_at is not None:
        headers["Upload-Expires"] = format_datetime(upload.expires_at, usegmt=True)
    return headers


def description(upload: Upload) -> dict[str, str]:
    """What HEAD says of an upload besides its progress."""
    headers = {"Upload-Length": str(upload.size)}
    if not upload.is_part:
        headers["Upload-Metadata"] = metadata(upload)
    if upload.concat is not None:
        headers["Upload-Concat"] = upload.concat
    return headers | scanning(upload.size)


def scanning(size: int) -> dict[str, str]:
    """Our own: said before the first byte that the virus scanner cannot take a file so large."""
    return {"Upload-Scannable": "no"} if size > MAX_SCANNABLE_BYTES else {}


def metadata(upload: Upload) -> str:
    pairs = {"transfer": upload.transfer_id, "filename": upload.name, "filetype": upload.media_type}
    if upload.path:
        pairs["path"] = upload.path
    return ",".join(f"{key} {base64.b64encode(value.encode()).decode('ascii')}" for key, value in pairs.items())


def parse_metadata(header: str) -> dict[str, str]:
    """Comma-separated pairs of key and base64 (UTF-8) value, which may be missing; ValueError for anything else."""
    if len(header) > _MAX_METADATA:
        raise ValueError(f"at most {_MAX_METADATA} characters")
    pairs: dict[str, str] = {}
    for part in filter(None, header.split(",")):
        key, _, value = part.strip().partition(" ")
        if not key or not key.isascii() or key in pairs:
            raise ValueError("each key must be there once, and is ASCII")
        pairs[key] = base64.b64decode(value, validate=True).decode()
    return pairs


def parse_concat(header: str) -> list[str] | None:
    """Ids of the parts that `final;` names by relative or absolute URL; None for `partial`; ValueError otherwise."""
    if header == PARTIAL:
        return None
    if not header.startswith(_FINAL) or len(header) > _MAX_METADATA:
        raise ValueError("it is `partial`, or `final;` and the URLs of the parts")
    urls = header.removeprefix(_FINAL).split()
    if not urls:
        raise ValueError("`final;` names the parts")
    return [urlsplit(url).path.rstrip("/").rsplit("/", 1)[-1] for url in urls]

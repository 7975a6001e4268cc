"""Style sheets, scripts and pictures, read once from the package and served from memory.

Only names found at import are served, so no path can lead elsewhere.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterator
from dataclasses import dataclass
from importlib import resources
from importlib.resources.abc import Traversable
from typing import Final

from fastapi import APIRouter, Response

from kozutumi_app.errors import NotFound

_TYPES: Final = {
    ".css": "text/css; charset=utf-8",
    ".js": "text/javascript; charset=utf-8",
    ".svg": "image/svg+xml",
    ".LICENSE": "text/plain; charset=utf-8",
}


@dataclass(frozen=True, slots=True)
class Asset:
    content: bytes
    media_type: str


def _walk(folder: Traversable, prefix: str = "") -> Iterator[tuple[str, Asset]]:
    for entry in folder.iterdir():
        if entry.is_dir():
            yield from _walk(entry, f"{prefix}{entry.name}/")
        else:
            suffix = next((end for end in _TYPES if entry.name.endswith(end)), None)
            if suffix:
                yield prefix + entry.name, Asset(entry.read_bytes(), _TYPES[suffix])


ASSETS: Final = dict(_walk(resources.files("kozutumi_app.web") / "static"))
VERSION: Final = hashlib.sha256(
    b"".join(name.encode() + hashlib.sha256(asset.content).digest() for name, asset in sorted(ASSETS.items())),
).hexdigest()[:16]

router: Final = APIRouter()


def url(name: str) -> str:
    """Address of an asset; it changes with the content, so the answer may be kept for good."""
    if name not in ASSETS:
        raise KeyError(f"no asset is named {name}")
    return f"/static/{VERSION}/{name}"


@router.get("/static/{version}/{name:path}", include_in_schema=False)
async def asset(version: str, name: str) -> Response:
    found = ASSETS.get(name)
    if found is None:
        raise NotFound
    caching = "public, max-age=31536000, immutable" if version == VERSION else "no-cache"
    headers = {"Cache-Control": caching, "X-Content-Type-Options": "nosniff"}
    return Response(found.content, media_type=found.media_type, headers=headers)

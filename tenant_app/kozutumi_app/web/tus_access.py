"""Who uploads: a narrow upload token, or whoever is signed in (by session or by token of the API)."""

from __future__ import annotations

import asyncio
from typing import Final

from fastapi import Request

from kozutumi_app.use_cases import upload_tokens
from kozutumi_app.use_cases.upload import Uploader
from kozutumi_app.web import security

TOKEN_HEADER: Final = "Upload-Token"  # noqa: S105 - a header's name


async def reading(request: Request) -> Uploader:
    """For HEAD. NotSignedIn, or UploadTokenEnded for a token that is no longer good."""
    return await asyncio.to_thread(_uploader, request, acting=False)


async def acting(request: Request) -> Uploader:
    """For what changes something: also CsrfFailed. A token is sent by nobody's browser by itself."""
    return await asyncio.to_thread(_uploader, request, acting=True)


def _uploader(request: Request, *, acting: bool) -> Uploader:
    token = request.headers.get(TOKEN_HEADER)
    if token is not None:
        security.require_same_origin(request)
        return upload_tokens.find(security.services_of(request), token)
    user = security.acting_member(request) if acting else security.member(request)
    return Uploader(user.user_id, user.user_id)

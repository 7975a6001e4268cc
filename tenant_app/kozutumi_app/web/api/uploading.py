"""Uploads themselves are tus (web/tus.py); here is what goes with them."""

from __future__ import annotations

from datetime import datetime
from typing import Annotated

from fastapi import APIRouter, Header

from kozutumi_app.errors import UploadTokenEnded
from kozutumi_app.use_cases import upload_tokens
from kozutumi_app.web.api.callers import App, SameOrigin
from kozutumi_app.web.api.documented import Shown, answers

router = APIRouter()


class UploadToken(Shown):
    """For the header Upload-Token of requests to one upload."""

    token: str
    expires_at: datetime


@router.post("/upload-tokens/renew", dependencies=[SameOrigin], **answers(UploadTokenEnded))
def renew(services: App, upload_token: Annotated[str, Header(max_length=256)]) -> UploadToken:
    """Exchange a live upload token for a new one; the old one ends ten minutes later. Needs no session."""
    token, expires_at = upload_tokens.renew(services, upload_token)
    return UploadToken(token=token, expires_at=expires_at)

"""Forms by which a member opens files that are not their own: a guest's answer to their request, or a transfer to approve."""

from __future__ import annotations

from fastapi import APIRouter, Request
from starlette.responses import Response

from kozutumi_app.web import download
from kozutumi_app.web.pages import context, refusals
from kozutumi_app.web.pages.context import Submitting
from kozutumi_app.web.pages.rendering import services

router = APIRouter(prefix="/transfers/{transfer_id}", route_class=refusals.PageRoute, include_in_schema=False)


@router.post("/files/{file_id}/download")
def open_download(request: Request, transfer_id: str, file_id: str, user: Submitting) -> Response:
    reader = download.reader_of(services(request), user.user_id, transfer_id)
    answer = context.redirect(f"/downloads/{file_id}")
    download.opened_file(request, answer, services(request), reader, file_id)
    return answer


@router.post("/archive")
def open_archive(request: Request, transfer_id: str, user: Submitting) -> Response:
    reader = download.reader_of(services(request), user.user_id, transfer_id)
    answer = context.redirect(f"/downloads/archives/{transfer_id}")
    download.opened_archive(request, answer, services(request), reader, transfer_id)
    return answer

"""Who is asking for a page, and whether a form came from one of ours."""

from __future__ import annotations

from typing import Annotated, Final
from urllib.parse import quote

from fastapi import Depends, Form, Request
from starlette.responses import RedirectResponse

from kozutumi_app.use_cases import accounts
from kozutumi_app.use_cases.sessions import SignedIn
from kozutumi_app.web import security

SEE_OTHER: Final = 303


def viewer_or_none(request: Request) -> SignedIn | None:
    return security.optional_member(request)


def _viewer(request: Request) -> SignedIn:
    return security.member(request)


def _administrator(request: Request) -> SignedIn:
    found = _viewer(request)
    accounts.require_administrator(found)
    return found


def _submitting(request: Request, csrf: Annotated[str, Form()] = "") -> SignedIn:
    found = _viewer(request)
    security.require_csrf(request, found, csrf)
    return found


def _same_origin(request: Request) -> None:
    security.require_same_origin(request)


async def _fields(request: Request) -> dict[str, str]:
    """The form's texts; Starlette keeps what it read for the token of `Submitting`."""
    return {name: value for name, value in (await request.form()).items() if isinstance(value, str)}


Fields = Annotated[dict[str, str], Depends(_fields)]
Viewer = Annotated[SignedIn, Depends(_viewer)]
Administrator = Annotated[SignedIn, Depends(_administrator)]
Submitting = Annotated[SignedIn, Depends(_submitting)]
"""The signed-in user of a form that carried the session's token."""
SameOrigin = Depends(_same_origin)
"""For forms before anyone is signed in."""


def redirect(path: str) -> RedirectResponse:
    return RedirectResponse(path, status_code=SEE_OTHER, headers={"Cache-Control": "no-store"})


def local_path(text: str) -> str:
    """Return `text` if it is a path on this site, else the start page, so that a sign-in link leads nowhere else."""
    harmless = text.startswith("/") and not text.startswith(("//", "/\\")) and text.isprintable() and "\\" not in text
    return text if harmless else "/"


def sign_in_path(request: Request) -> str:
    here = request.url.path if request.method == "GET" else "/"
    return "/sign-in" if here == "/" else f"/sign-in?next={quote(here, safe='/')}"

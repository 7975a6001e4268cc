"""The edge where an error of the app becomes a page: `PageRoute` for our routes, `refusal` for anyone else's."""

from __future__ import annotations

from collections.abc import Callable, Coroutine
from typing import Any, Final

from fastapi import Request
from fastapi.routing import APIRoute
from starlette.concurrency import run_in_threadpool
from starlette.responses import Response

from kozutumi_app.errors import GuestNotProven, KozutumiError, NotSignedIn, RecipientNotProven, Unavailable
from kozutumi_app.web import i18n, refused_acts
from kozutumi_app.web.pages import context, formats
from kozutumi_app.web.pages.rendering import locale_of, page

_HEADINGS: Final = {404: "Not found", 403: "Not allowed", 410: "No longer available", 429: "Please wait"}


class PageRoute(APIRoute):
    """Answers a refusal with a page in the reader's language."""

    def get_route_handler(self) -> Callable[[Request], Coroutine[Any, Any, Response]]:
        handler = super().get_route_handler()

        async def handle(request: Request) -> Response:
            try:
                return await handler(request)
            except KozutumiError as error:
                return await run_in_threadpool(refusal, request, error)

        return handle


def sentence(request: Request, error: KozutumiError) -> str:
    """What to tell the reader: the detail if it is translated, else the title, which always is."""
    refused_acts.tell(request, error)
    locale = locale_of(request)
    return i18n.translate(locale, error.detail or error.title) if _is_known(locale, error) else _title(locale, error)


def with_wait(request: Request, error: KozutumiError) -> str:
    """The sentence, and how long to wait where that is known."""
    said = sentence(request, error)
    if not error.retry_after:
        return said
    locale = locale_of(request)
    wait = formats.duration(error.retry_after, locale)
    return f"{said} {i18n.translate(locale, 'Please try again in %(time)s.', {'time': wait})}"


def refusal(request: Request, error: KozutumiError) -> Response:
    """A page for `error`; one that needs a sign-in or a proof leads there instead."""
    if isinstance(error, NotSignedIn):
        return _elsewhere(request, context.sign_in_path(request))
    if isinstance(error, RecipientNotProven) and (link_id := request.path_params.get("link_id")):
        return _elsewhere(request, f"/r/{link_id}")
    if isinstance(error, GuestNotProven):
        return _elsewhere(request, _back(request))
    answer = page(
        request,
        "error.html",
        status=error.status,
        path=request.url.path if request.method == "GET" else "/",
        heading=_heading(request, error),
        sentence=sentence(request, error),
        code=error.code,
        retry_after=error.retry_after,
        back=_back(request),
    )
    if error.retry_after:
        answer.headers["Retry-After"] = str(error.retry_after)
    return answer


def _elsewhere(request: Request, path: str) -> Response:
    if "HX-Request" in request.headers:  # a poll must not swap the other page into this one
        return Response(status_code=401, headers={"HX-Redirect": path, "Cache-Control": "no-store"})
    return context.redirect(path)


def _back(request: Request) -> str:
    link_id = request.path_params.get("link_id")
    kind = "q" if request.url.path.startswith("/q/") else "r"
    return f"/{kind}/{link_id}" if link_id else "/"


def _heading(request: Request, error: KozutumiError) -> str:
    if isinstance(error, Unavailable):
        return i18n.translate(locale_of(request), "Not available right now")
    return i18n.translate(locale_of(request), _HEADINGS.get(error.status, "That did not work"))


def _title(locale: str, error: KozutumiError) -> str:
    return i18n.translate(locale, error.title)


def _is_known(locale: str, error: KozutumiError) -> bool:
    return error.detail is not None and (
        locale == "en" or i18n.translations(locale).gettext(error.detail) != error.detail
    )

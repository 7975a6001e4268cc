"""From a template and a request to an HTML answer in the reader's language."""

from __future__ import annotations

from functools import cache
from typing import Any, Final

from fastapi import Request
from jinja2 import Environment, PackageLoader, StrictUndefined
from starlette.responses import HTMLResponse

from kozutumi_app.services import Services
from kozutumi_app.web import i18n
from kozutumi_app.web.pages import assets, formats, notices, words

_LANGUAGE_KEPT: Final = 365 * 86_400  # seconds


def services(request: Request) -> Services:
    found: Services = request.app.state.services
    return found


def locale_of(request: Request) -> str:
    return i18n.negotiate(
        query=request.query_params.get("lang"),
        cookie=request.cookies.get(i18n.COOKIE),
        accept_language=request.headers.get("accept-language"),
    )


@cache
def _environment(locale: str) -> Environment:
    environment = Environment(
        loader=PackageLoader("kozutumi_app.web", "templates"),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
        extensions=["jinja2.ext.i18n"],
    )
    catalogue = i18n.translations(locale)
    environment.install_gettext_callables(catalogue.gettext, catalogue.ngettext, newstyle=True)  # type: ignore[attr-defined]
    environment.globals.update(
        locale=locale,
        asset=assets.url,
        iso=formats.iso,
        words=words.Words(locale),
        exact=lambda count: formats.exact(count, locale),
    )
    environment.filters.update(
        size=lambda count: formats.size(count, locale),
        instant=lambda moment: formats.instant(moment, locale),
        duration=lambda seconds: formats.duration(seconds, locale),
    )
    return environment


def page(
    request: Request,
    template: str,
    *,
    status: int = 200,
    path: str | None = None,
    **values: Any,
) -> HTMLResponse:
    """Render `template`. `path` is where the language links lead, if this address cannot be opened by GET."""
    locale = locale_of(request)
    settings = services(request).settings
    context = {
        "organization": settings.display_name_ja if locale == "ja" else settings.display_name_en,
        "languages": _languages(request, path or request.url.path),
        "path": request.url.path,
        "viewer": None,
        "csrf": "",
        "banners": (),
        "notices": notices.current(services(request), locale),
        "problem": None,
        **values,
    }
    html = _environment(locale).get_template(template).render(context)
    answer = HTMLResponse(html, status_code=status, headers={"Cache-Control": "no-store", "Content-Language": locale})
    answer.headers["Vary"] = "Accept-Language, Cookie"
    # With no-referrer a browser sends "Origin: null" with our own forms (Fetch §3.2), which the cross-site check refuses.
    answer.headers["Referrer-Policy"] = "same-origin"
    if request.query_params.get("lang") in i18n.LOCALES:
        answer.set_cookie(
            i18n.COOKIE, locale, max_age=_LANGUAGE_KEPT, path="/", secure=True, httponly=True, samesite="lax"
        )
    return answer


def _languages(request: Request, path: str) -> list[dict[str, str]]:
    names = {"ja": "日本語", "en": "English"}
    same_page = path == request.url.path
    kept = request.query_params if same_page else {}
    pairs = [(key, value) for key, value in kept.items() if key != "lang"]
    url = request.url.replace(path=path, query="", fragment="")
    return [
        {
            "code": code,
            "name": names[code],
            "url": url.path + "?" + str(url.include_query_params(**dict(pairs), lang=code).query),
        }
        for code in i18n.LOCALES
    ]

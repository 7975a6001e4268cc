"""Who sends a request and whether it was meant: sessions, cross-site checks, cookies."""

from __future__ import annotations

import hmac
from typing import Final
from urllib.parse import urlsplit

from fastapi import Request, Response

from kozutumi_app.domain import codes
from kozutumi_app.domain.accounts import SESSION_LIFE
from kozutumi_app.errors import CsrfFailed, NetworkNotAllowed, NotSignedIn, TokenInvalid
from kozutumi_app.services import Services
from kozutumi_app.use_cases import guests, networks, proving, sessions, tokens
from kozutumi_app.use_cases.guests import Guest
from kozutumi_app.use_cases.recipients import ProvenRecipient
from kozutumi_app.use_cases.sessions import SignedIn
from kozutumi_app.web.scopes import scope_of

# `__Host-` (RFC 6265bis §4.1.3.2): only over TLS, only this host, so no sibling organization's host can set it.
SESSION_COOKIE: Final = "__Host-session"
RECIPIENT_COOKIE: Final = "__Host-recipient"
GUEST_COOKIE: Final = "__Host-guest"
BROWSER_COOKIE: Final = "__Host-browser"
CSRF_HEADER: Final = "X-CSRF-Token"
_LINK_PREFIX: Final = 8


def services_of(request: Request) -> Services:
    services: Services = request.app.state.services
    return services


def client_address(request: Request) -> str:
    """Address of the TCP peer, or of the client that a trusted gateway names (`clients.ClientCheck`)."""
    return request.client.host if request.client else "unknown"


def bearer(request: Request) -> str | None:
    """The token of `Authorization: Bearer …` (RFC 6750 §2.1), or None. TokenInvalid for another way to authorize."""
    header = request.headers.get("Authorization")
    if header is None:
        return None
    scheme, _, token = header.partition(" ")
    if scheme.lower() != "bearer":
        raise TokenInvalid
    return token.strip()


def identify(request: Request) -> SignedIn | None:
    """Who sends the request, by token or by session, whatever the route asks; asked once for each request.

    NetworkNotAllowed for a session, and TokenInvalid for a token, from where the member's policy lets nobody in:
    who found a token learns nowhere else whether it opens anything.
    """
    state = request.state
    if not hasattr(state, "caller"):
        try:
            state.caller = _identified(request)
        except (NetworkNotAllowed, TokenInvalid) as error:
            state.caller = error
    if isinstance(state.caller, (NetworkNotAllowed, TokenInvalid)):
        raise state.caller
    found: SignedIn | None = state.caller
    return found


def _identified(request: Request) -> SignedIn | None:
    services, client = services_of(request), client_address(request)
    token = bearer(request)
    if token is not None:
        return tokens.find(services, token, client=client)
    user = sessions.find(services, request.cookies.get(SESSION_COOKIE))
    if user is not None and not networks.admits(services, user, client):
        raise NetworkNotAllowed
    return user


def optional_member(request: Request) -> SignedIn | None:
    """The signed-in user; nobody with a session from a network that is not allowed. ScopeMissing as for `member`."""
    try:
        return member(request)
    except (NetworkNotAllowed, NotSignedIn):
        return None


def member(request: Request) -> SignedIn:
    """Return the signed-in user; NotSignedIn otherwise. ScopeMissing for a token that does not reach the route."""
    user = identify(request)
    if user is None:
        raise NotSignedIn
    tokens.require_scope(services_of(request), user, scope_of(request))
    return user


def require_csrf(request: Request, user: SignedIn, form_token: str | None = None) -> None:
    """CsrfFailed unless the request carries the session's token (header, or the form's field) and is same-origin.

    No other site's page can make a browser send a bearer token, so a request with one was meant.
    """
    if user.token_id is not None:
        return
    require_same_origin(request)
    token = form_token if form_token is not None else request.headers.get(CSRF_HEADER, "")
    if not hmac.compare_digest(token.encode(), user.csrf.encode()):
        raise CsrfFailed


def acting_member(request: Request) -> SignedIn:
    """Return the user of a request that changes something."""
    user = member(request)
    require_csrf(request, user)
    return user


def require_same_origin(request: Request) -> None:
    """CsrfFailed if the browser says that another site's page sent the request (Fetch Metadata, Origin).

    A client that sends neither header is no browser, and has no cookies it did not put there itself.
    """
    claimed = request.headers.get("Origin")
    if claimed is not None and claimed != origin(request):
        raise CsrfFailed
    if request.headers.get("Sec-Fetch-Site", "same-origin") not in {"same-origin", "none"}:
        raise CsrfFailed


def origin(request: Request) -> str:
    """The origin that the reader's browser sees (RFC 6454): one of the organization's hosts, as HostCheck has made sure."""
    scheme = urlsplit(services_of(request).settings.public_url).scheme
    return f"{scheme}://{request.headers.get('Host', '').lower()}"


def recipient(request: Request, link_id: str) -> ProvenRecipient:
    """Return the proven recipient of this link; RecipientNotProven otherwise. A request that changes something must be same-origin."""
    if request.method not in {"GET", "HEAD"}:
        require_same_origin(request)
    return proving.proven(services_of(request), link_id, request.cookies.get(_of_link(RECIPIENT_COOKIE, link_id)))


def recipient_id(request: Request, link_id: str) -> str:
    return recipient(request, link_id).recipient_id


def guest(request: Request, link_id: str) -> Guest:
    """Return the proven guest of this receive request; GuestNotProven otherwise. What changes something must be same-origin."""
    if request.method not in {"GET", "HEAD"}:
        require_same_origin(request)
    return guests.proven(services_of(request), link_id, request.cookies.get(_of_link(GUEST_COOKIE, link_id)))


def browser(request: Request, link_id: str) -> str | None:
    return request.cookies.get(_of_link(BROWSER_COOKIE, link_id))


def set_session_cookie(response: Response, value: str) -> None:
    _set(response, SESSION_COOKIE, value, int(SESSION_LIFE.total_seconds()))


def clear_session_cookie(response: Response) -> None:
    _set(response, SESSION_COOKIE, "", 0)


def set_recipient_cookie(response: Response, link_id: str, value: str) -> None:
    _set(response, _of_link(RECIPIENT_COOKIE, link_id), value, int(codes.SESSION_LIFE.total_seconds()))


def set_guest_cookie(response: Response, link_id: str, value: str) -> None:
    _set(response, _of_link(GUEST_COOKIE, link_id), value, int(codes.SESSION_LIFE.total_seconds()))


def set_browser_cookie(response: Response, link_id: str, value: str) -> None:
    _set(response, _of_link(BROWSER_COOKIE, link_id), value, int(codes.SESSION_LIFE.total_seconds()))


def _of_link(cookie: str, link_id: str) -> str:
    """One cookie for each link: who received two transfers keeps both open."""
    return f"{cookie}-{link_id[:_LINK_PREFIX]}"


def _set(response: Response, name: str, value: str, seconds: int) -> None:
    # Lax, not Strict: a link in a mail must find the session it belongs to.
    response.set_cookie(name, value, max_age=seconds, path="/", secure=True, httponly=True, samesite="lax")

from __future__ import annotations

from fastapi import APIRouter, Response

from kozutumi_app.domain.tokens import Scope
from kozutumi_app.errors import InvitationExpired, NetworkNotAllowed, NotSignedIn, WeakPassword, WrongPassword
from kozutumi_app.services import Services
from kozutumi_app.use_cases import invitations, sessions
from kozutumi_app.use_cases.sessions import SignedIn
from kozutumi_app.web import security
from kozutumi_app.web.api.callers import ActingMember, App, Body, Client, Member, SameOrigin
from kozutumi_app.web.api.documented import Shown, answers

router = APIRouter()


class Credentials(Body):
    email: str
    password: str


class Acceptance(Body):
    name: str
    password: str


class UserShown(Shown):
    id: str
    email: str
    name: str
    role: str
    locale: str


class Session(Shown):
    """`csrf` goes into the header X-CSRF-Token of every request that changes something."""

    csrf: str
    user: UserShown


@router.post("/session", dependencies=[SameOrigin], **answers(WrongPassword, NetworkNotAllowed))
def open_session(body: Credentials, response: Response, services: App, client: Client) -> Session:
    cookie = sessions.sign_in(services, email=body.email, password=body.password, client=client)
    return _begin(services, response, cookie)


@router.get("/session", **answers(scope=Scope.TRANSFERS_READ))
def show_session(user: Member) -> Session:
    """Who one is; with a token `csrf` is empty."""
    return _session(user)


@router.delete("/session", **answers(status=204))
def close_session(user: ActingMember, response: Response, services: App) -> None:
    sessions.sign_out(services, user)
    security.clear_session_cookie(response)


@router.post(
    "/invitations/{token}/accept",
    dependencies=[SameOrigin],
    **answers(InvitationExpired, NetworkNotAllowed, WeakPassword),
)
def accept(token: str, body: Acceptance, response: Response, services: App, client: Client) -> Session:
    cookie = invitations.accept(services, token, name=body.name, password=body.password, client=client)
    return _begin(services, response, cookie)


def _begin(services: Services, response: Response, cookie: str) -> Session:
    user = sessions.find(services, cookie)
    if user is None:
        raise NotSignedIn
    security.set_session_cookie(response, cookie)
    return _session(user)


def _session(user: SignedIn) -> Session:
    about = UserShown(id=user.user_id, email=user.email, name=user.name, role=user.role, locale=user.locale)
    return Session(csrf=user.csrf, user=about)

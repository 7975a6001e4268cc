"""Administrators' pages: groups, and what each level of policy states."""

from __future__ import annotations

from typing import Annotated, Any, Final

from fastapi import APIRouter, Form, Request
from starlette.concurrency import run_in_threadpool
from starlette.responses import Response

from kozutumi_app.domain.policies import Scope
from kozutumi_app.domain.policy_documents import RANGES
from kozutumi_app.errors import InvalidInput, NotFound
from kozutumi_app.use_cases import accounts, groups, policies
from kozutumi_app.use_cases.sessions import SignedIn
from kozutumi_app.web import security
from kozutumi_app.web.pages import context, frame, policy_form, refusals
from kozutumi_app.web.pages.context import Administrator, Submitting
from kozutumi_app.web.pages.rendering import services

router = APIRouter(route_class=refusals.PageRoute, include_in_schema=False)
_LEVELS: Final = {
    "organization": Scope.ORGANIZATION,
    "ceiling": Scope.CEILING,
    "groups": Scope.GROUP,
    "members": Scope.USER,
}


@router.get("/policies")
def overview(request: Request, viewer: Administrator) -> Response:
    return _overview(request, viewer)


@router.post("/policies/groups")
def create_group(request: Request, viewer: Submitting, name: Annotated[str, Form()] = "") -> Response:
    try:
        groups.create(services(request), viewer, name)
    except InvalidInput as error:
        return _overview(request, viewer, status=error.status, problem=refusals.sentence(request, error))
    return context.redirect("/policies")


@router.get("/policies/{level}")
def level_page(request: Request, viewer: Administrator, level: str) -> Response:
    return _level(request, viewer, level, "")


@router.get("/policies/{level}/{subject_id}")
def subject_page(request: Request, viewer: Administrator, level: str, subject_id: str) -> Response:
    return _level(request, viewer, level, subject_id)


@router.post("/policies/groups/{group_id}/members")
def set_members(
    request: Request, viewer: Submitting, group_id: str, member: Annotated[list[str] | None, Form()] = None
) -> Response:
    groups.set_members(services(request), viewer, group_id, member or [])
    return context.redirect(f"/policies/groups/{group_id}")


@router.post("/policies/groups/{group_id}/remove")
def remove_group(request: Request, viewer: Submitting, group_id: str) -> Response:
    groups.remove(services(request), viewer, group_id)
    return context.redirect("/policies")


@router.post("/policies/{level}")
async def state_level(request: Request, viewer: Submitting, level: str) -> Response:
    return await _state(request, viewer, level, "")


@router.post("/policies/{level}/{subject_id}")
async def state_subject(request: Request, viewer: Submitting, level: str, subject_id: str) -> Response:
    return await _state(request, viewer, level, subject_id)


async def _state(request: Request, viewer: SignedIn, level: str, subject_id: str) -> Response:
    form = await request.form()
    texts = {name: "\n".join(each for each in form.getlist(name) if isinstance(each, str)) for name in form}
    return await run_in_threadpool(_stated, request, viewer, level, subject_id, texts)


def _stated(request: Request, viewer: SignedIn, level: str, subject_id: str, texts: dict[str, str]) -> Response:
    document, client = policy_form.read(texts), security.client_address(request)
    try:
        policies.state(services(request), viewer, _scope(level), document, client=client, subject_id=subject_id)
    except InvalidInput as error:
        wrong = policy_form.out_of_range(document)
        problem = refusals.sentence(request, InvalidInput() if wrong else error)
        return _level(request, viewer, level, subject_id, texts, status=error.status, problem=problem, wrong=wrong)
    return context.redirect("/policies")


def _scope(level: str) -> Scope:
    if level not in _LEVELS:
        raise NotFound
    return _LEVELS[level]


def _overview(request: Request, viewer: SignedIn, *, status: int = 200, problem: str | None = None) -> Response:
    given = services(request)
    return frame.show(
        request,
        viewer,
        "policies.html",
        status=status,
        path="/policies",
        problem=problem,
        groups=groups.listed(given, viewer),
        members=accounts.members(given),
    )


def _level(
    request: Request,
    viewer: SignedIn,
    level: str,
    subject_id: str,
    texts: dict[str, str] | None = None,
    **values: Any,
) -> Response:
    given = services(request)
    stated = policies.stated(given, viewer, _scope(level), subject_id)
    members, known = accounts.members(given), groups.listed(given, viewer)
    called = {each.id: each.name for each in known} | {each.id: each.name or each.email for each in members}
    return frame.show(
        request,
        viewer,
        "policy.html",
        path=f"/policies/{level}/{subject_id}".rstrip("/"),
        level=level,
        subject_id=subject_id,
        called=called.get(subject_id, ""),
        form=policy_form.filled(stated) if texts is None else policy_form.typed(texts),
        units=policy_form.UNITS,
        ranges=RANGES,
        members=members,
        group=next((each for each in known if each.id == subject_id), None),
        groups=known,
        **{"problem": None, "wrong": frozenset(), **values},
    )

"""Administrators' pages: groups, and what each level of policy states."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Annotated, Any, Final
from urllib.parse import quote

from fastapi import APIRouter, Form, Request
from starlette.concurrency import run_in_threadpool
from starlette.responses import Response

from kozutumi_app.domain import policy_documents
from kozutumi_app.domain.policies import Scope
from kozutumi_app.errors import InvalidInput, NotFound
from kozutumi_app.services import Services
from kozutumi_app.use_cases import accounts, groups, policies
from kozutumi_app.use_cases.accounts import Member
from kozutumi_app.use_cases.sessions import SignedIn
from kozutumi_app.web import paging, security
from kozutumi_app.web.pages import context, frame, policy_form, refusals
from kozutumi_app.web.pages.context import Administrator, Submitting
from kozutumi_app.web.pages.rendering import services
from kozutumi_app.web.paging import After

router = APIRouter(route_class=refusals.PageRoute, include_in_schema=False)
_LEVELS: Final = {
    "organization": Scope.ORGANIZATION,
    "ceiling": Scope.CEILING,
    "groups": Scope.GROUP,
    "members": Scope.USER,
}


@router.get("/policies")
def overview(request: Request, viewer: Administrator, after: After = None) -> Response:
    return _overview(request, viewer, after=after)


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
def subject_page(request: Request, viewer: Administrator, level: str, subject_id: str, after: After = None) -> Response:
    return _level(request, viewer, level, subject_id, after=after)


@router.post("/policies/groups/{group_id}/members")
def change_members(
    request: Request,
    viewer: Submitting,
    group_id: str,
    shown: Annotated[list[str] | None, Form()] = None,
    member: Annotated[list[str] | None, Form()] = None,
    address: Annotated[str, Form()] = "",
    after: Annotated[str, Form(max_length=64)] = "",
) -> Response:
    accounts.require_administrator(viewer)
    given, ticked = services(request), member or []
    try:
        added = [accounts.named(given, address)] if address.strip() else []
    except InvalidInput as error:
        return _level(
            request,
            viewer,
            "groups",
            group_id,
            after=after,
            status=error.status,
            problem=refusals.sentence(request, error),
            ticked=ticked,
            address=address,
        )
    groups.change_members(given, viewer, group_id, shown=shown or [], kept=[*ticked, *added])
    return context.redirect(f"/policies/groups/{group_id}" + (f"?after={quote(after)}" if after else ""))


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
    given, client = services(request), security.client_address(request)
    try:
        document = policy_form.read(_with_approver(given, texts))
        policies.state(given, viewer, _scope(level), document, client=client, subject_id=subject_id)
    except InvalidInput as error:
        wrong = policy_documents.faults(policy_form.read(texts), _scope(level))
        problem = refusals.sentence(request, InvalidInput() if wrong else error)
        return _level(request, viewer, level, subject_id, texts, status=error.status, problem=problem, wrong=wrong)
    return context.redirect("/policies")


def _with_approver(given: Services, texts: dict[str, str]) -> dict[str, str]:
    """Those who are ticked, and the one who was typed."""
    address = texts.get("approver", "")
    if not address.strip():
        return texts
    return texts | {"approvers": f"{texts.get('approvers', '')}\nuser:{accounts.named(given, address)}"}


def _scope(level: str) -> Scope:
    if level not in _LEVELS:
        raise NotFound
    return _LEVELS[level]


def _overview(
    request: Request, viewer: SignedIn, *, after: str | None = None, status: int = 200, problem: str | None = None
) -> Response:
    return frame.show(
        request,
        viewer,
        "policies.html",
        status=status,
        path="/policies",
        problem=problem,
        page=paging.shown(groups.listed(services(request), viewer), after),
    )


def _level(
    request: Request,
    viewer: SignedIn,
    level: str,
    subject_id: str,
    texts: dict[str, str] | None = None,
    *,
    after: str | None = None,
    **values: Any,
) -> Response:
    given = services(request)
    stated = policies.stated(given, viewer, _scope(level), subject_id)
    form = policy_form.filled(stated) if texts is None else policy_form.typed(texts)
    known, people = groups.listed(given, viewer), accounts.ids(given)
    group = next((each for each in known if each.id == subject_id), None)
    person = next(iter(accounts.members(given, [subject_id])), None)
    inside = frozenset(group.members if group else ())
    page = paging.shown(sorted(people, key=lambda user_id: user_id not in inside), after, key=str)
    return frame.show(
        request,
        viewer,
        "policy.html",
        path=f"/policies/{level}/{subject_id}".rstrip("/"),
        level=level,
        subject_id=subject_id,
        called=group.name if group else (person.name or person.email) if person else "",
        form=form,
        units=policy_form.UNITS,
        ranges=policy_documents.RANGES,
        most_entries=policy_documents.MAX_ENTRIES,
        page=page,
        after=after or "",
        members=accounts.members(given, page.items) if group else [],
        group=group,
        groups=known,
        candidates=_candidates(given, form["approvers"].split(), people),
        all_shown=len(people) <= paging.SHOWN,
        **{"problem": None, "wrong": {}, "ticked": inside, "address": "", **values},
    )


def _candidates(given: Services, chosen: Sequence[str], people: Sequence[str]) -> list[Member]:
    """People to tick as approvers: who is one, and as many others as a list may show. Anybody else is typed."""
    ticked = [entry.removeprefix("user:") for entry in chosen if entry.startswith("user:")]
    listed = accounts.members(given, list(dict.fromkeys([*ticked, *people[: paging.SHOWN]])))
    return [each for each in listed if not each.disabled or each.id in ticked]

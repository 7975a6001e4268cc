"""What every request to the API passes: a share for each caller (RateLimit headers), and repeated POSTs done once."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Final

from starlette.concurrency import run_in_threadpool
from starlette.datastructures import Headers, MutableHeaders
from starlette.requests import Request
from starlette.responses import Response
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from kozutumi_app.domain.rate_limits import Allowance, Limit
from kozutumi_app.errors import KozutumiError, NetworkNotAllowed, RateLimited, TokenInvalid
from kozutumi_app.services import Services
from kozutumi_app.use_cases import idempotency
from kozutumi_app.use_cases.idempotency import Answer, Running
from kozutumi_app.use_cases.sessions import SignedIn
from kozutumi_app.web import security
from kozutumi_app.web.problems import problem
from kozutumi_app.web.scopes import secret_of

KEY_HEADER: Final = "Idempotency-Key"
_API: Final = "/api/"


@dataclass(frozen=True, slots=True)
class Policy:
    """`limit` for each caller; its `name` is in the RateLimit headers."""

    name: str
    limit: Limit

    @property
    def header(self) -> str:
        return f'"{self.name}";q={self.limit.burst};w={round(self.limit.burst * self.limit.seconds)}'


API: Final = Policy("api", Limit(burst=600, seconds=0.1))
CONTENT: Final = Policy("content", Limit(burst=6000, seconds=0.01))  # parts of files: many small ones are no abuse
_POLICIES: Final[Mapping[str, Policy]] = {_API: API, "/files": CONTENT, "/downloads/": CONTENT}


class Gate:
    """A signed-in caller has a share of its own, by session or token; all others share one for each address."""

    def __init__(self, app: ASGIApp, *, services: Services, policies: Mapping[str, Policy] = _POLICIES) -> None:
        self.app = app
        self._services, self._policies = services, policies

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        policy = self._policy(scope)
        if policy is None:
            await self.app(scope, receive, send)
            return
        request = Request(scope, receive)
        try:
            caller = await run_in_threadpool(_caller, request)
        except KozutumiError as error:  # the database is away: no share can be told
            await problem(error, request)(scope, receive, send)
            return
        allowance = self._take(policy, caller, request)
        counted = _with_headers(send, policy, allowance)
        if allowance.retry_after:
            self._services.metrics.refusals.labels(RateLimited.code).inc()
            await problem(RateLimited(retry_after=allowance.retry_after), request)(scope, receive, counted)
        elif caller is not None and scope["method"] == "POST" and scope["path"].startswith(_API):
            await self._once(request, caller, counted)
        else:
            await self.app(scope, receive, counted)

    def _policy(self, scope: Scope) -> Policy | None:
        if scope["type"] != "http":
            return None
        return next((policy for prefix, policy in self._policies.items() if scope["path"].startswith(prefix)), None)

    def _take(self, policy: Policy, caller: SignedIn | None, request: Request) -> Allowance:
        key = security.client_address(request) if caller is None else caller.token_id or caller.user_id
        return self._services.limits.take(policy.name, key, policy.limit, self._services.clock.now())

    async def _once(self, request: Request, caller: SignedIn, send: Send) -> None:
        key = request.headers.get(KEY_HEADER)
        if key is None:
            await self.app(request.scope, request.receive, send)
            return
        body = await request.body()
        asked = (request.method, request.url.path + "?" + request.url.query, body)
        try:
            begun = await run_in_threadpool(
                idempotency.begin, self._services, caller.token_id or caller.user_id, key, asked
            )
        except KozutumiError as error:
            await problem(error, request)(request.scope, request.receive, send)
            return
        if isinstance(begun, Answer):
            kept = Response(begun.body, begun.status, media_type=begun.media_type or None)
            kept.headers["Idempotent-Replayed"] = "true"
            await kept(request.scope, request.receive, send)
            return
        await self._first(request, body, begun, send)

    async def _first(self, request: Request, body: bytes, running: Running, send: Send) -> None:
        """Run it; the answer is kept before it is sent, so that who has seen it gets the same one again."""
        held = _Held()
        try:
            await self.app(request.scope, _replay(body, request.receive), held)
        except BaseException:
            await run_in_threadpool(idempotency.settle, self._services, running, None)
            raise
        secret = secret_of(request)
        await run_in_threadpool(idempotency.settle, self._services, running, held.answer(), secret=secret)
        for message in held.messages:
            await send(message)


class _Held:
    """Holds an answer back. Answers to POSTs under /api/ are small: none of them is a stream."""

    def __init__(self) -> None:
        self.messages: list[Message] = []

    async def __call__(self, message: Message) -> None:
        self.messages.append(message)

    def answer(self) -> Answer | None:
        """What can be given again; None for an answer that is bound to this browser by a cookie, or too long to keep."""
        start, *rest = self.messages
        headers = Headers(raw=start["headers"])
        body = b"".join(message.get("body", b"") for message in rest)
        if "set-cookie" in headers or len(body) > idempotency.MAXIMUM_ANSWER:
            return None
        return Answer(start["status"], headers.get("content-type", ""), body)


def _caller(request: Request) -> SignedIn | None:
    try:
        return security.identify(request)
    except (NetworkNotAllowed, TokenInvalid):
        return None  # the route says so; until then it is a stranger


def _with_headers(send: Send, policy: Policy, allowance: Allowance) -> Send:
    """RateLimit and RateLimit-Policy, as draft-ietf-httpapi-ratelimit-headers has them."""

    async def counted(message: Message) -> None:
        if message["type"] == "http.response.start":
            headers = MutableHeaders(scope=message)
            headers["RateLimit-Policy"] = policy.header
            headers["RateLimit"] = f'"{policy.name}";r={allowance.remaining};t={allowance.reset}'
        await send(message)

    return counted


def _replay(body: bytes, receive: Receive) -> Receive:
    sent = False

    async def replayed() -> dict[str, Any]:
        nonlocal sent
        if sent:
            return dict(await receive())
        sent = True
        return {"type": "http.request", "body": body, "more_body": False}

    return replayed

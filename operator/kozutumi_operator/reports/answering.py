"""POST /reports: one report, read within limits, routed, delivered and counted. Nothing of it is kept or logged."""

from __future__ import annotations

import asyncio
import contextlib
from collections import Counter
from collections.abc import Awaitable, Callable, Iterator
from typing import Final

import orjson
import structlog
from aiohttp import web

from kozutumi_operator.errors import OperatorError
from kozutumi_operator.reports import routing
from kozutumi_operator.reports.delivering import UnknownOrganizationError
from kozutumi_operator.reports.outcomes import LARGEST, PROBLEMS, Outcome

AT_ONCE: Final = 8
AT_ONCE_FOR_ONE: Final = 2  # an app that hangs must not hold the reports of all others up
READING: Final = 10.0  # seconds for the whole body
DELIVERING: Final = 20.0
_MESSAGE: Final = "message/rfc822"
Deliver = Callable[[str, bytes], Awaitable[str | None]]
log = structlog.get_logger()


class _RefusedError(Exception):
    def __init__(self, outcome: Outcome) -> None:
        self.outcome = outcome


class Desk:
    def __init__(self, deliver: Deliver, count: Callable[[Outcome], None], *, reading: float = READING) -> None:
        self._deliver = deliver
        self._count = count
        self._reading = reading
        self._present: Counter[str] = Counter()

    async def answer(self, request: web.BaseRequest) -> web.StreamResponse:
        state, outcome = None, Outcome.FAILED
        try:
            state = await self._take(request)
            outcome = Outcome.UNMATCHED if state is None else Outcome.TAKEN
        except _RefusedError as refused:
            outcome = refused.outcome
        except Exception as error:  # noqa: BLE001 - a defect; a traceback may quote the report
            log.error("report_failed", error=type(error).__name__)  # noqa: TRY400
        self._count(outcome)
        return _response(outcome, state)

    async def _take(self, request: web.BaseRequest) -> str | None:
        _check(request)
        with self._place("", AT_ONCE):
            report = await self._read(request)
            code = routing.service_code(request.headers.get("X-Original-To", ""), report)
            if code is None:
                raise _RefusedError(Outcome.UNKNOWN)
            with self._place(code, AT_ONCE_FOR_ONE):
                return await self._hand_over(code, report)

    @contextlib.contextmanager
    def _place(self, of: str, limit: int) -> Iterator[None]:
        if self._present[of] >= limit:
            raise _RefusedError(Outcome.BUSY)
        self._present[of] += 1
        try:
            yield
        finally:
            self._present[of] -= 1
            self._present += Counter()  # forgets who is at zero: anybody can name a code

    async def _read(self, request: web.BaseRequest) -> bytes:
        held = bytearray()
        try:
            async with asyncio.timeout(self._reading):
                async for chunk in request.content.iter_any():
                    held += chunk
                    if len(held) > LARGEST:
                        raise _RefusedError(Outcome.TOO_LARGE)
        except TimeoutError:
            raise _RefusedError(Outcome.TOO_SLOW) from None
        except (ConnectionError, web.RequestPayloadError):
            raise _RefusedError(Outcome.MALFORMED) from None
        return bytes(held)

    async def _hand_over(self, code: str, report: bytes) -> str | None:
        try:
            async with asyncio.timeout(DELIVERING):
                state = await self._deliver(code, report)
        except UnknownOrganizationError:
            raise _RefusedError(Outcome.UNKNOWN) from None
        except (OperatorError, TimeoutError) as error:
            log.warning("report_not_taken", service_code=code, error=str(error) or type(error).__name__)
            raise _RefusedError(Outcome.UNAVAILABLE) from None
        log.info("report_taken", service_code=code, state=state)
        return state


def _check(request: web.BaseRequest) -> None:
    kind = request.headers.get("Content-Type", "").partition(";")[0].strip().lower()
    if (request.method, request.path, kind) != ("POST", "/reports", _MESSAGE):
        raise _RefusedError(Outcome.MALFORMED)
    if (request.content_length or 0) > LARGEST:
        raise _RefusedError(Outcome.TOO_LARGE)


def _response(outcome: Outcome, state: str | None) -> web.Response:
    if (problem := PROBLEMS.get(outcome)) is None:
        made = web.Response(body=orjson.dumps({"state": state}), content_type="application/json")
    else:
        body = orjson.dumps(problem.document(outcome))
        made = web.Response(status=problem.status, body=body, content_type="application/problem+json")
        if problem.retry_after is not None:
            made.headers["Retry-After"] = str(problem.retry_after)
    made.force_close()
    return made

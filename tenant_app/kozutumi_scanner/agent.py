"""The agent's HTTP interface on port 3311: `POST /v1/scan`, `GET /v1/status`. Whoever gets a connection is the app."""

from __future__ import annotations

import asyncio
import time
from collections.abc import AsyncIterator, Callable
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import structlog
from starlette.applications import Starlette
from starlette.requests import ClientDisconnect, Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route

from kozutumi_contract.settings import ScannerSettings
from kozutumi_scanner import clamd_configuration, instream
from kozutumi_scanner.metrics import Metrics
from kozutumi_scanner.signatures import View
from kozutumi_scanner.verdicts import NoVerdict, Verdict

_log = structlog.get_logger()


class Agent:
    """`view` gives the present knowledge of the engine; see `watching.Watch`."""

    def __init__(self, settings: ScannerSettings, view: Callable[[], View], metrics: Metrics) -> None:
        self._settings = settings
        self._view = view
        self._metrics = metrics
        self._slots = asyncio.Semaphore(settings.scan_concurrency)

    def application(self) -> Starlette:
        return Starlette(
            routes=[
                Route("/v1/scan", self._scan, methods=["POST"]),
                Route("/v1/status", self._status, methods=["GET"]),
            ]
        )

    def metrics_application(self) -> Starlette:
        return Starlette(routes=[Route("/metrics", self._render_metrics, methods=["GET"])])

    async def _scan(self, request: Request) -> Response:
        # Taken before the scan: an engine loaded meanwhile is newer, so this never claims too much.
        view = self._view()
        if view.loaded is None:
            error = "signatures_missing" if view.clamd_up else "clamd_unavailable"
            return self._refuse(503, error, view.message())
        try:
            async with asyncio.timeout(self._settings.busy_wait):
                await self._slots.acquire()
        except TimeoutError:
            return self._refuse(503, "busy", "all scans are taken; try again later")
        started = time.monotonic()
        try:
            return await self._scan_body(request, view)
        finally:
            self._slots.release()
            self._metrics.scan_seconds.observe(time.monotonic() - started)

    async def _scan_body(self, request: Request, view: View) -> Response:
        body = request.stream()
        try:
            async with asyncio.timeout(self._settings.scan_timeout):
                answer = await instream.scan(self._settings.clamd_socket, body, limit=self._largest())
        except ClientDisconnect:
            return self._refuse(400, "cut", "the body ended before its end")
        except TimeoutError:
            return self._refuse(503, "clamd_unavailable", "the scan took too long")
        except instream.BodyTooLargeError:
            answer = NoVerdict(
                f"the file is larger than the {self._largest()} bytes that can be scanned", too_large=True
            )
        if isinstance(answer, NoVerdict):
            if answer.too_large:
                await self._drain(body)
                return self._refuse(413, "too_large", answer.message)
            return self._refuse(503, "clamd_unavailable", answer.message)
        return self._verdict(answer, view)

    async def _drain(self, body: AsyncIterator[bytes]) -> None:
        """Take the rest, holding none of it, so that a sender in the middle of its body gets to read the answer."""
        try:
            async with asyncio.timeout(self._settings.scan_timeout):
                async for _ in body:
                    pass
        except (TimeoutError, ClientDisconnect):
            _log.info("sender_left")

    def _verdict(self, answer: Verdict, view: View) -> Response:
        self._metrics.scans.labels(answer.verdict).inc()
        return JSONResponse(
            {
                "verdict": answer.verdict,
                "signature": answer.signature,
                "reason": answer.reason,
                **_signatures(view),
            }
        )

    def _refuse(self, status: int, error: str, message: str) -> Response:
        self._metrics.scans.labels(error).inc()
        return JSONResponse({"error": error, "message": message}, status, headers={"Connection": "close"})

    def _largest(self) -> int:
        """Bytes that clamd was configured to take (it sees how large its temporary folder is, the agent does not)."""
        path = Path(self._settings.run_directory) / clamd_configuration.FILE_NAME
        try:
            configured = clamd_configuration.maximum_stream(path.read_text(encoding="utf-8"))
        except OSError:
            configured = 0
        return min(configured, self._settings.max_scan_size)

    async def _status(self, request: Request) -> Response:  # noqa: ARG002 - the shape of a Starlette endpoint
        view, now = self._view(), datetime.now(UTC)
        return JSONResponse(
            {
                "ok": view.loaded is not None,
                "message": view.message(),
                **_signatures(view),
                "signature_age_seconds": view.age(now),
                "self_test": view.loaded is not None,
                "max_scan_size": self._largest(),
                "clock": now.isoformat(timespec="seconds"),
            }
        )

    async def _render_metrics(self, request: Request) -> Response:  # noqa: ARG002 - as above
        return Response(self._metrics.render(self._view()), media_type="text/plain; version=0.0.4")


def _signatures(view: View) -> dict[str, Any]:
    known = view.known()
    return {
        "signature_version": known.version if known else None,
        "signature_published": known.published.isoformat(timespec="seconds") if known else None,
    }

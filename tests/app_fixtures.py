"""The app's public port as it really runs: uvicorn over TLS, worker threads, a real bucket; the scanner by choice."""

from __future__ import annotations

import asyncio
import contextlib
import os
import threading
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

import httpx

from builders import make_administrator, make_services, make_settings
from certificates import Authority
from kozutumi_app.adapters.clock import SystemClock
from kozutumi_app.application import create_application
from kozutumi_app.background import Background
from kozutumi_app.domain.ports import Scanner
from kozutumi_app.services import Services
from kozutumi_app.serving import Server, server
from kozutumi_app.use_cases.health import HealthMonitor
from kozutumi_contract import tls
from scanner_fixtures import HOST, free_port, scratch, wait_until
from storage_fixtures import BUCKET, REGION, RunningStorage


@dataclass
class RunningApp:
    """`administrator` is the cookie of an administrator's session. `jobs`: worker threads run beside it."""

    services: Services
    port: int
    ca: Path
    administrator: str
    _pair: Path
    jobs: bool = True
    _server: Server | None = field(default=None)
    _thread: threading.Thread | None = field(default=None)
    _background: Background | None = field(default=None)

    @property
    def url(self) -> str:
        return self.services.settings.public_url

    def start(self) -> None:
        health = HealthMonitor(self.services)
        application = create_application(self.services, "public", health)
        context = tls.server_context(self._pair, require_client=False)
        running = self._server = server(application, context, host="127.0.0.1", port=self.port)
        self._thread = threading.Thread(target=lambda: asyncio.run(running.serve()))
        self._thread.start()
        if self.jobs:
            self._background = Background(self.services, health, lambda _: None, lambda: None)
            self._background.start()
        wait_until(lambda: running.started, lambda: "the app did not start")

    def stop(self) -> None:
        assert self._server is not None
        assert self._thread is not None
        self._server.should_exit = True
        self._thread.join()
        if self._background is not None:
            self._background.stop()

    def client(self) -> httpx.AsyncClient:
        return httpx.AsyncClient(base_url=self.url, verify=tls.client_context(self.ca).context, timeout=60)


@contextlib.contextmanager
def running_app(
    storage: RunningStorage,
    scanner: Scanner | None = None,
    *,
    jobs: bool = True,
    public_port: int | None = None,
    sizes: Mapping[str, int] | None = None,
    **replaced: Any,
) -> Iterator[RunningApp]:
    """`public_port`: where the app is reached, when something stands before it. `sizes`: settings by name."""
    with scratch() as folder:
        authority, port = Authority("platform CA"), free_port()
        settings = make_settings(
            public_url=f"https://{HOST}:{public_port or port}",
            s3_endpoint=storage.url,
            s3_region=REGION,
            content_bucket=BUCKET,
            **({"segment_memory": 10 * 2**20} | dict(sizes or {})),
        )
        services = make_services(folder, settings=settings, blobs=storage.blobs(settings), random=os.urandom)
        services = replace(services, clock=SystemClock(), scanner=scanner or services.scanner, **replaced)
        (folder / "ca.crt").write_bytes(authority.pem)
        pair = authority.issue(folder / "tls", [HOST])
        app = RunningApp(services, port, folder / "ca.crt", make_administrator(services), pair, jobs)
        app.start()
        try:
            yield app
        finally:
            app.stop()
            services.database.close()

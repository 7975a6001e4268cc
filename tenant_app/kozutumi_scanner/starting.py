"""Building each of the four processes from settings and mounted files: the only wiring place."""

from __future__ import annotations

import asyncio
import os
import shutil
import signal
import threading
import time
from collections.abc import Mapping
from pathlib import Path
from types import FrameType
from typing import Final, NoReturn

import uvloop
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import ec

from kozutumi_contract import labels, paths, settings, tls
from kozutumi_contract.settings import MirrorSettings, ScannerSettings
from kozutumi_scanner import clamd_configuration, databases, files, serving
from kozutumi_scanner.agent import Agent
from kozutumi_scanner.metrics import Metrics
from kozutumi_scanner.mirror import Mirror
from kozutumi_scanner.updating import Updater
from kozutumi_scanner.watching import Watch

CLAMD: Final = "/usr/sbin/clamd"
_ANY: Final = "0.0.0.0"  # noqa: S104 - the pod's own network namespace; NetworkPolicy and mTLS decide who comes in
_SCAN_CONNECTIONS: Final = 64
_METRICS_CONNECTIONS: Final = 16
_MIRROR_CONNECTIONS: Final = 512


class StartError(Exception):
    """Something that a process cannot start without; the message says what to do."""


def clamd(environment: Mapping[str, str]) -> NoReturn:
    """Wait for a first database, then become clamd."""
    _stop_on_sigterm()
    own = settings.from_environment(ScannerSettings, environment)
    temporary = shutil.disk_usage(own.temporary_directory)
    configuration = Path(own.run_directory) / clamd_configuration.FILE_NAME
    files.replace(configuration, clamd_configuration.render(own, temporary_bytes=temporary.total).encode())
    while not databases.find(Path(own.database_directory)):
        time.sleep(0.5)
    os.execv(CLAMD, [CLAMD, "--foreground", f"--config-file={configuration}"])  # noqa: S606 - no shell is wanted


def freshclam(environment: Mapping[str, str]) -> None:
    own = settings.from_environment(ScannerSettings, environment)
    secrets = Path(own.secrets_directory)
    updater = Updater(own, tls.client_context(secrets / paths.PLATFORM_CA), _public_key(secrets))
    stop = threading.Event()
    signal.signal(signal.SIGTERM, lambda _number, _frame: stop.set())
    updater.follow(stop)


def agent(environment: Mapping[str, str]) -> None:
    own = settings.from_environment(ScannerSettings, environment)
    uvloop.run(serve_agent(own, host=_ANY))


async def serve_agent(
    own: ScannerSettings, *, host: str, port: int = labels.SCANNER_PORT, metrics_port: int = labels.METRICS_PORT
) -> None:
    secrets = Path(own.secrets_directory)
    watch = Watch(own, _public_key(secrets))
    served = Agent(own, lambda: watch.view, Metrics())
    doors = [
        (served.application(), paths.SCANNER_TLS, port, _SCAN_CONNECTIONS),
        (served.metrics_application(), paths.METRICS_TLS, metrics_port, _METRICS_CONNECTIONS),
    ]
    servers = [
        serving.Server(
            application,
            tls.server_context(secrets / folder, require_client=True),
            port=number,
            host=host,
            connections=connections,
        )
        for application, folder, number, connections in doors
    ]
    await serving.run(servers, [watch.run(), serving.stay_alive(Path(own.run_directory))])


def mirror(environment: Mapping[str, str]) -> None:
    own = settings.from_environment(MirrorSettings, environment)
    asyncio.run(serve_mirror(own, host=_ANY))


async def serve_mirror(own: MirrorSettings, *, host: str, port: int = labels.APP_PORT) -> None:
    secrets = Path(own.secrets_directory)
    context = tls.server_context(secrets / paths.MIRROR_TLS, require_client=False)
    served = Mirror(own, _private_key(secrets / paths.MIRROR_SIGNING_KEY))
    server = serving.Server(served.application(), context, port=port, host=host, connections=_MIRROR_CONNECTIONS)
    background = [served.publish_forever(), served.follow_upstream(), serving.stay_alive(Path(own.run_directory))]
    await serving.run([server], background)


def _public_key(secrets: Path) -> ec.EllipticCurvePublicKey:
    path = secrets / paths.MIRROR_PUBLIC_KEY
    try:
        key = serialization.load_pem_public_key(path.read_bytes())
    except (OSError, ValueError) as error:
        raise StartError(f"cannot read the mirror's public key {path}: {error}; mount platform-ca there") from None
    if not isinstance(key, ec.EllipticCurvePublicKey):
        raise StartError(f"{path} is not a P-256 key")
    return key


def _private_key(path: Path) -> ec.EllipticCurvePrivateKey:
    try:
        key = serialization.load_pem_private_key(path.read_bytes(), password=None)
    except (OSError, ValueError, TypeError):
        raise StartError(f"cannot read the signing key {path}; mount the Secret mirror-signing-key there") from None
    if not isinstance(key, ec.EllipticCurvePrivateKey):
        raise StartError(f"{path} is not a P-256 key")
    return key


def _stop_on_sigterm() -> None:
    # The first process of a container ignores signals that it does not handle itself.
    def leave(number: int, _frame: FrameType | None) -> NoReturn:
        raise SystemExit(128 + number)

    signal.signal(signal.SIGTERM, leave)

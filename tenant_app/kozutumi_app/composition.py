"""Builds the services of a running app from settings and mounted secrets; refuses with one clear line."""

from __future__ import annotations

import os
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from kozutumi_app.adapters.archive import S3Archive
from kozutumi_app.adapters.blobs import MountedCredentials, S3Blobs
from kozutumi_app.adapters.clock import SystemClock
from kozutumi_app.adapters.database.engine import FILE_NAME, Database
from kozutumi_app.adapters.mail import SmtpMailer
from kozutumi_app.adapters.password_hashing import Argon2Passwords
from kozutumi_app.adapters.scanner import ScannerAgent
from kozutumi_app.crypto.live_keys import LiveKeys
from kozutumi_app.domain.memory_budget import MemoryBudget
from kozutumi_app.domain.rate_limits import RateLimiter
from kozutumi_app.services import Services
from kozutumi_app.use_cases.rotation import KeyFollower
from kozutumi_contract import keyring, paths, tls
from kozutumi_contract.secret import Secret
from kozutumi_contract.settings import AppSettings
from kozutumi_contract.tls import ReloadingContext

_SESSION_KEY_BYTES: Final = 32


class StartError(Exception):
    """The app must not start; the message says what is missing and who puts it there."""


@dataclass(frozen=True, slots=True)
class Composition:
    services: Services
    contexts: tuple[ReloadingContext, ...]  # to be reloaded when their files change
    keys: KeyFollower


def open_database(settings: AppSettings) -> Database:
    folder = Path(settings.data_directory)
    if not os.access(folder, os.W_OK):
        raise StartError(f"{folder} is not writable; check that the volume claim `data` is bound and mounted")
    return Database(folder / FILE_NAME)


def compose(settings: AppSettings) -> Composition:
    secrets = Path(settings.secrets_directory)
    ring = keyring.parse(_read(secrets / paths.KEYRING, "keyring"))
    session_key = _read(secrets / paths.SESSION_KEY, "session-key")
    if len(session_key) != _SESSION_KEY_BYTES:
        raise StartError(f"the session key is not {_SESSION_KEY_BYTES} bytes long; restore Secret `session-key`")
    platform = tls.client_context(secrets / paths.PLATFORM_CA)
    client_pair = secrets / paths.SCANNER_CLIENT_TLS
    scanner = tls.client_context(client_pair / tls.PEER_CA, client_pair)
    clock = SystemClock()
    services = Services(
        settings=settings,
        database=open_database(settings),
        keys=LiveKeys(ring),
        session_key=Secret(session_key),
        blobs=S3Blobs(settings, MountedCredentials(secrets), platform.context),
        archive=S3Archive(settings, MountedCredentials(secrets), platform.context),
        scanner=ScannerAgent(settings.scanner_url, scanner.context),
        mailer=SmtpMailer(settings, platform.context, clock),
        clock=clock,
        random=os.urandom,
        budget=MemoryBudget(settings.segment_memory),
        passwords=Argon2Passwords(),
        limits=RateLimiter(),
    )
    return Composition(services, (platform, scanner), KeyFollower(services, (secrets / paths.KEYRING).read_bytes))


def _read(path: Path, secret: str) -> bytes:
    try:
        return path.read_bytes()
    except OSError:
        raise StartError(f"{path} cannot be read; check that Secret `{secret}` exists and is mounted") from None

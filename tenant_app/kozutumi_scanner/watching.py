"""The agent's watch over clamd: reload on new databases, self-test, heartbeat."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from dataclasses import replace
from pathlib import Path
from typing import Final

import structlog
from cryptography.hazmat.primitives.asymmetric import ec

from kozutumi_contract.settings import ScannerSettings
from kozutumi_scanner import clamd_client, databases, eicar, heartbeat, instream, manifest
from kozutumi_scanner.clamd_client import ClamdUnavailableError
from kozutumi_scanner.signatures import Loaded, View
from kozutumi_scanner.verdicts import Verdict

TICK_SECONDS: Final = 1.0
_SELF_TEST_SECONDS: Final = 30
_log = structlog.get_logger()


class Watch:
    """Holds the current `view`; `tick` renews it. One task calls `tick`, every request reads `view`."""

    def __init__(self, settings: ScannerSettings, mirror_key: ec.EllipticCurvePublicKey) -> None:
        self._settings = settings
        self._mirror_key = mirror_key
        self._databases = Path(settings.database_directory)
        self._run = Path(settings.run_directory)
        self.view = View(tuple(databases.expected(settings.mirror_databases)))

    async def run(self) -> None:
        while True:
            before = self.view
            await self.tick()
            self._report(before)
            if self.view.loaded:
                heartbeat.beat(self._run, "ready")
            else:
                heartbeat.stop(self._run, "ready")
            await asyncio.sleep(TICK_SECONDS)

    async def tick(self) -> None:
        self.view = replace(self.view, manifest=self._read_manifest())
        try:
            self.view = await self._look()
        except ClamdUnavailableError as error:
            self.view = self.view.down(str(error))
        except OSError as error:
            self.view = self.view.down(f"cannot read the databases: {error.strerror}")

    async def _look(self) -> View:
        if not await asyncio.to_thread(clamd_client.is_up, self._settings.clamd_socket):
            return self.view.down("clamd does not answer; it may still be loading its signatures")
        found = databases.fingerprint(self._databases)
        if self.view.loaded and self.view.loaded.fingerprint == found:
            return self.view
        # Nothing is proven about a new engine: scans are refused until it has passed its self-test.
        self.view = self.view.self_test_failed("clamd loads new signatures")
        digests = await asyncio.to_thread(databases.digests, self._databases)
        await asyncio.to_thread(clamd_client.reload, self._settings.clamd_socket)
        if databases.fingerprint(self._databases) != found:
            return self.view.self_test_failed("the signatures changed while they were loaded; loading again")
        if not await self._finds_eicar():
            return self.view.self_test_failed("clamd does not find the EICAR test file in the loaded signatures")
        return self.view.verified(Loaded(found, digests))

    async def _finds_eicar(self) -> bool:
        test_file = eicar.test_file()
        try:
            async with asyncio.timeout(_SELF_TEST_SECONDS):
                answer = await instream.scan(self._settings.clamd_socket, _once(test_file), limit=len(test_file))
        except TimeoutError:
            return False
        return isinstance(answer, Verdict) and answer.verdict == "infected"

    def _read_manifest(self) -> manifest.Manifest | None:
        """The manifest that the updater fetched, verified here again: only the mirror's signature is trusted."""
        try:
            return manifest.parse((self._run / manifest.FILE_NAME).read_bytes(), self._mirror_key)
        except FileNotFoundError:
            return None
        except (OSError, manifest.ManifestError) as error:
            _log.warning("manifest_refused", reason=str(error))
            return None

    def _report(self, before: View) -> None:
        if before.message() != self.view.message():
            known = self.view.known()
            _log.info("scanner_state", message=self.view.message(), signatures=known.version if known else None)


async def _once(data: bytes) -> AsyncIterator[bytes]:
    yield data

"""The loop of the `freshclam` container: follow the mirror's manifest, run freshclam when the databases differ from it."""

from __future__ import annotations

import http.client
import os
import threading
from pathlib import Path
from typing import Final
from urllib.parse import urlsplit

import structlog
from cryptography.hazmat.primitives.asymmetric import ec

from kozutumi_contract import paths
from kozutumi_contract.settings import ScannerSettings
from kozutumi_contract.tls import ReloadingContext, TlsError
from kozutumi_scanner import databases, files, freshclam, freshclam_configuration, manifest
from kozutumi_scanner.freshclam import FreshclamError
from kozutumi_scanner.manifest import ManifestError

_HTTP_SECONDS: Final = 15
_log = structlog.get_logger()


class MirrorError(Exception):
    """The mirror did not give its manifest."""


class Updater:
    def __init__(self, settings: ScannerSettings, tls: ReloadingContext, mirror_key: ec.EllipticCurvePublicKey) -> None:
        self._settings = settings
        self._tls = tls
        self._mirror_key = mirror_key
        self._databases = Path(settings.database_directory)
        self._run = Path(settings.run_directory)

    def follow(self, stop: threading.Event) -> None:
        trouble = ""
        while True:
            try:
                self.update()
            except (MirrorError, ManifestError, FreshclamError, TlsError, OSError) as error:
                if trouble != str(error):
                    _log.warning("signatures_not_updated", reason=str(error))
                trouble = str(error)
            else:
                trouble = ""
            if stop.wait(self._settings.manifest_interval):
                return

    def update(self) -> None:
        """Bring the databases to the manifest, then hand the manifest to the agent, so that it never runs ahead of them."""
        self._tls.reload_if_changed()
        raw = self._fetch()
        wanted = manifest.parse(raw, self._mirror_key)
        if not self._is_current(wanted):
            self._download()
            if not self._is_current(wanted):
                raise MirrorError("the mirror's databases are not those of its manifest (yet)")
            _log.info("signatures_updated", version=wanted.version)
        files.replace(self._run / manifest.FILE_NAME, raw)

    def _is_current(self, wanted: manifest.Manifest) -> bool:
        names = databases.expected(self._settings.mirror_databases)
        return databases.match(wanted, databases.digests(self._databases), names)

    def _download(self) -> None:
        # freshclam asks "if modified since"; the manifest says they differ, whatever the clocks say.
        for path in databases.find(self._databases):
            os.utime(path, (0, 0))
        text = freshclam_configuration.for_scanner(self._settings, owner=freshclam.owner())
        configuration = self._run / "freshclam.conf"
        files.replace(configuration, text.encode())
        freshclam.run(configuration, ca=Path(self._settings.secrets_directory) / paths.PLATFORM_CA)

    def _fetch(self) -> bytes:
        url = urlsplit(f"{self._settings.mirror_url.rstrip('/')}/{manifest.FILE_NAME}")
        if url.scheme != "https" or not url.hostname:
            raise MirrorError("KOZUTUMI_MIRROR_URL is not an https address")
        connection = http.client.HTTPSConnection(
            url.hostname, url.port or 443, timeout=_HTTP_SECONDS, context=self._tls.context
        )
        try:
            connection.request("GET", url.path)
            response = connection.getresponse()
            raw = response.read(manifest.MAXIMUM_BYTES + 1)
        except (OSError, http.client.HTTPException) as error:
            raise MirrorError(f"the signature mirror cannot be reached: {error}") from None
        finally:
            connection.close()
        if response.status != http.HTTPStatus.OK:
            raise MirrorError(f"the signature mirror answered {response.status}")
        return raw

"""The signature mirror: HTTPS with Range (RFC 9110 §14), GET and HEAD of known names, nothing else."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from datetime import UTC, datetime
from functools import lru_cache
from pathlib import Path

import structlog
from cryptography.hazmat.primitives.asymmetric import ec
from starlette.applications import Starlette
from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import FileResponse, Response
from starlette.routing import Route

from kozutumi_contract.settings import MirrorSettings
from kozutumi_scanner import databases, files, freshclam, freshclam_configuration, heartbeat, manifest, publishing
from kozutumi_scanner.freshclam import FreshclamError
from kozutumi_scanner.publishing import Published, SeedError

_log = structlog.get_logger()


class Mirror:
    def __init__(self, settings: MirrorSettings, key: ec.EllipticCurvePrivateKey) -> None:
        self._settings = settings
        self._key = key
        self._public = Path(settings.public_directory)
        self._run = Path(settings.run_directory)
        self._checked: datetime | None = None
        self._published: Published | None = None

    def application(self) -> Starlette:
        return Starlette(
            routes=[
                Route(f"/{manifest.FILE_NAME}", self._manifest, methods=["GET"]),
                Route("/{name}", self._database, methods=["GET"]),
            ]
        )

    async def _manifest(self, request: Request) -> Response:  # noqa: ARG002 - the shape of a Starlette endpoint
        if self._published is None:
            raise HTTPException(503)
        return Response(self._published.manifest, media_type="application/json", headers={"Cache-Control": "no-store"})

    async def _database(self, request: Request) -> Response:
        name = request.path_params["name"]
        if self._published is None or name not in self._published.names:
            raise HTTPException(404)
        return FileResponse(self._public / name, media_type="application/octet-stream")

    async def publish_forever(self) -> None:
        while True:
            try:
                await asyncio.to_thread(self.publish)
                heartbeat.beat(self._run, "ready")
            except (SeedError, OSError) as error:
                _log.error("not_published", reason=str(error))
            await asyncio.sleep(self._settings.seed_interval)

    async def follow_upstream(self) -> None:
        """Ask the vendor at each interval; a failure only lets `published` grow old, which the scanners see."""
        while self._settings.upstream:
            try:
                await asyncio.to_thread(self._download)
                self._checked = datetime.now(UTC)
            except FreshclamError as error:
                _log.warning("upstream_failed", reason=str(error))
            await asyncio.sleep(self._settings.upstream_interval)
        await asyncio.Event().wait()

    def publish(self) -> None:
        """Read the seed again and sign a manifest. With an upstream, nothing is claimed before its first success."""
        checked = self._checked if self._settings.upstream else datetime.now(UTC)
        if checked is None:
            return
        seed = publishing.read_seed(Path(self._settings.seed_directory))
        self._published = publishing.publish(self._public, seed, self._key, checked=checked, digest=_digests())

    def _download(self) -> None:
        configuration = self._run / "freshclam.conf"
        text = freshclam_configuration.for_mirror(
            self._settings.public_directory, self._settings.upstream, owner=freshclam.owner()
        )
        files.replace(configuration, text.encode())
        freshclam.run(configuration, ca=None)


@lru_cache(maxsize=1)
def _digests() -> Callable[[Path], str]:
    """Hash a database once per version of it: vendor databases are hundreds of megabytes and the seed is read often."""

    @lru_cache(maxsize=16)
    def known(path: Path, _inode: int, _size: int, _time: int) -> str:
        return databases.digest(path)

    def digest(path: Path) -> str:
        stat = path.stat()
        return known(path, stat.st_ino, stat.st_size, stat.st_mtime_ns)

    return digest

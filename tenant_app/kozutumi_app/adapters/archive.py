"""The organization's archive bucket: object lock and versions on; its key may put, get and list there, nothing else."""

from __future__ import annotations

import ssl
from collections.abc import Iterator
from dataclasses import replace

from minio.credentials.providers import Provider

from kozutumi_app.adapters.blobs import S3Blobs
from kozutumi_contract.settings import AppSettings


class S3Archive:
    """Implements domain.ports.Archive."""

    def __init__(self, settings: AppSettings, credentials: Provider, context: ssl.SSLContext) -> None:
        self._blobs = S3Blobs(replace(settings, content_bucket=settings.archive_bucket), credentials, context)

    def put(self, key: str, data: bytes) -> None:
        self._blobs.put(key, data)

    def get(self, key: str) -> bytes:
        return self._blobs.get(key)

    def list_after(self, prefix: str, after: str) -> Iterator[str]:
        return self._blobs.list(prefix, after=after)

"""The organization's content bucket, over verified TLS, by the public calls of the `minio` client."""

from __future__ import annotations

import io
import ssl
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Final
from urllib.parse import urlsplit

import urllib3
from minio import Minio
from minio.credentials.credentials import Credentials
from minio.credentials.providers import Provider
from minio.error import MinioException, S3Error

from kozutumi_app.domain.ports import StoredObject, UnfinishedUpload
from kozutumi_app.errors import ObjectMissing, StorageUnavailable
from kozutumi_contract import access_key, paths
from kozutumi_contract.settings import AppSettings

_TIMEOUT: Final = urllib3.Timeout(connect=3, read=20)  # seconds
_RETRIES: Final = urllib3.Retry(total=2, backoff_factor=0.2, status_forcelist=[500, 502, 503, 504])
_CONNECTIONS: Final = 16


_NOT_ALLOWED: Final = frozenset({"AccessDenied", "NotImplemented", "MethodNotAllowed"})


class _NotAllowedError(StorageUnavailable):
    """The store answers, and does not let this credential do it."""


class MountedCredentials(Provider):
    """Reads the access key anew for each request, so that a rotated one needs no restart.

    The kubelet changes a mounted Secret by pointing a link to another folder; both halves are read from one folder.
    """

    def __init__(self, secrets_directory: Path) -> None:
        self._id = secrets_directory / paths.S3_ACCESS_KEY_ID
        self._secret = secrets_directory / paths.S3_SECRET_ACCESS_KEY

    def retrieve(self) -> Credentials:
        try:
            try:
                return self._read()
            except FileNotFoundError:  # the folder was changed between the two reads
                return self._read()
        except OSError as error:
            raise StorageUnavailable from error

    def _read(self) -> Credentials:
        key_id = self._id.resolve(strict=True)
        secret = key_id.with_name(self._secret.name)
        return Credentials(key_id.read_text().strip(), secret.read_text().strip())


class S3Blobs:
    """Implements domain.ports.Blobs."""

    def __init__(self, settings: AppSettings, credentials: Provider, context: ssl.SSLContext) -> None:
        endpoint = urlsplit(settings.s3_endpoint)
        if endpoint.scheme != "https":
            raise ValueError("KOZUTUMI_S3_ENDPOINT must begin with https://")
        self._bucket = settings.content_bucket
        self._credentials = credentials
        pool = urllib3.PoolManager(ssl_context=context, timeout=_TIMEOUT, retries=_RETRIES, maxsize=_CONNECTIONS)
        self._client = Minio(
            endpoint.netloc,
            region=settings.s3_region,
            credentials=credentials,
            http_client=pool,
        )
        self._pool = pool

    def put(self, key: str, data: bytes | bytearray | memoryview) -> None:
        """Return once the store has acknowledged the whole object."""
        with _translated():
            self._client.put_object(self._bucket, key, io.BytesIO(data), len(data))

    def get(self, key: str, *, offset: int = 0, length: int | None = None) -> bytes:
        with _translated():
            response = self._client.get_object(self._bucket, key, offset=offset, length=length or 0)
            try:
                return response.read()
            finally:
                response.close()
                response.release_conn()

    def delete(self, key: str) -> None:
        with _translated():
            self._client.remove_object(self._bucket, key)

    def list(self, prefix: str, *, after: str = "") -> Iterator[str]:
        with _translated():
            for entry in self._client.list_objects(
                self._bucket, prefix=prefix, recursive=True, start_after=after or None
            ):
                if entry.object_name is not None:
                    yield entry.object_name

    def entries(self, prefix: str) -> Iterator[StoredObject]:
        with _translated():
            for entry in self._client.list_objects(self._bucket, prefix=prefix, recursive=True):
                if entry.object_name is not None and entry.last_modified is not None:
                    yield StoredObject(entry.object_name, entry.last_modified)

    def unfinished(self) -> Sequence[UnfinishedUpload] | None:
        """At most the first thousand: those of the next look follow once these are gone."""
        try:
            with _translated():
                listed = self._client._list_multipart_uploads(self._bucket, max_uploads=1000)  # noqa: SLF001 - no public call
        except _NotAllowedError:
            return None
        return [
            UnfinishedUpload(upload.object_name, upload.upload_id, upload.initiated_time)
            for upload in listed.uploads
            if upload.upload_id is not None and upload.initiated_time is not None
        ]

    def abort(self, upload: UnfinishedUpload) -> None:
        with _translated():
            self._client._abort_multipart_upload(self._bucket, upload.key, upload.upload_id)  # noqa: SLF001 - likewise

    def check(self) -> None:
        with _translated():
            if not self._client.bucket_exists(self._bucket):
                raise StorageUnavailable("the content bucket does not exist")

    def credential(self) -> str:
        """Fingerprint of the access key that the next request will use."""
        return access_key.fingerprint(self._credentials.retrieve().access_key)

    def close(self) -> None:
        self._pool.clear()


@contextmanager
def _translated() -> Iterator[None]:
    try:
        yield
    except S3Error as error:
        if error.code == "NoSuchKey":
            raise ObjectMissing from error
        if error.code in _NOT_ALLOWED:
            raise _NotAllowedError from error
        raise StorageUnavailable from error
    except (MinioException, urllib3.exceptions.HTTPError, OSError) as error:
        raise StorageUnavailable from error

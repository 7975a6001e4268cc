"""Which implementation speaks with the platform's object store."""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime

from kozutumi_operator.organizations.storage_credential import StorageCredential
from kozutumi_operator.platform import PlatformSettings
from kozutumi_operator.storage.minio_admin import MinioStore
from kozutumi_operator.storage.ports import ObjectStore
from kozutumi_operator.storage.s3_iam import S3Iam


def open_store(
    platform: PlatformSettings, ca_file: str, credential: StorageCredential, now: Callable[[], datetime]
) -> ObjectStore:
    """By KOZUTUMI_STORE_KIND. `ca_file`: whom to trust at both endpoints. No request is made."""
    kind = MinioStore if platform.store_kind == "minio" else S3Iam
    return kind(
        s3_endpoint=platform.s3_endpoint,
        iam_endpoint=platform.iam_endpoint,
        region=platform.s3_region,
        ca_file=ca_file,
        credential=credential,
        now=now,
    )

"""Refusals to who uploads."""

from __future__ import annotations

from kozutumi_app.errors.base import Refused


class UploadTooLarge(Refused):
    status = 413
    code = "upload_too_large"
    title = "The file is larger than the organization allows."


class QuotaExceeded(Refused):
    status = 413
    code = "quota_exceeded"
    title = "The organization's storage is full."


class OffsetMismatch(Refused):
    status = 409
    code = "offset_mismatch"
    title = "The upload continues at another place."


class ChecksumMismatch(Refused):
    status = 460
    code = "checksum_mismatch"
    title = "The checksum does not match what arrived; the part was discarded."


class UploadLocked(Refused):
    status = 423
    code = "upload_locked"
    title = "Another request is writing to this upload."


class UploadGone(Refused):
    status = 410
    code = "upload_gone"
    title = "The upload expired or was cancelled."


class UploadUnfinished(Refused):
    status = 409
    code = "upload_unfinished"
    title = "A part of the file has not arrived completely."


class UploadTokenEnded(Refused):
    status = 401
    code = "upload_token_ended"
    title = "The right to continue this upload has ended. Please sign in again."

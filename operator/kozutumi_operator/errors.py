"""What can go wrong in the operator. Each error knows the condition reason it ends up as.

OperatorError
├── Refused             the same attempt would fail again: Stalled until somebody changes something
│   ├── SpecRefused         the manifest
│   ├── NamespaceConflict   a namespace of that name is not ours
│   ├── BucketConflict      a bucket of that name is not ours
│   ├── KeyRingLost         the key ring was there and is gone
│   ├── StorageRefused      S3 or IAM says no (credentials, policy)
│   │   ├── RegionMismatch      a bucket lies elsewhere than promised
│   │   └── RegionUnknown       the store does not say where a bucket lies
│   ├── VolumeKept          a volume's reclaim policy keeps the data of an organization that is disposed of
│   ├── SignerMissing       there is no key to sign the certificate of a disposal with
│   └── ApplyRefused        the API server says no (admission, immutable field, forbidden)
│       └── VolumeRefused       … to a volume alone: everything else is done all the same
└── Unavailable         try again with back-off
    ├── ClusterUnavailable
    ├── StorageUnavailable
    └── TenantUnavailable   an app's internal port
"""

from __future__ import annotations

from typing import ClassVar

from kozutumi_operator.organizations.reasons import Reason


class OperatorError(Exception):
    """The message is shown in a condition: it says what happened and what to do next, and holds no secret."""

    reason: ClassVar[Reason] = Reason.PROGRESSING


class Refused(OperatorError):  # noqa: N818 - read as a sentence: except errors.Refused
    reason = Reason.APPLY_REFUSED


class SpecRefused(Refused):
    """The manifest cannot be served. `because` is the condition's reason."""

    def __init__(self, message: str, *, because: Reason = Reason.SPEC_INVALID) -> None:
        super().__init__(message)
        self.because = because


class NamespaceConflict(Refused):
    reason = Reason.NAMESPACE_CONFLICT


class BucketConflict(Refused):
    reason = Reason.BUCKET_CONFLICT


class KeyRingLost(Refused):
    reason = Reason.KEY_RING_LOST


class StorageRefused(Refused):
    reason = Reason.STORAGE_REFUSED


class RegionMismatch(StorageRefused):
    reason = Reason.REGION_MISMATCH


class RegionUnknown(StorageRefused):
    reason = Reason.REGION_UNKNOWN


class VolumeKept(Refused):
    reason = Reason.VOLUME_KEPT


class SignerMissing(Refused):
    reason = Reason.SIGNER_MISSING


class ApplyRefused(Refused):
    reason = Reason.APPLY_REFUSED


class VolumeRefused(ApplyRefused):
    """A volume that cannot be as asked is no reason to leave the rest as it is."""


class Unavailable(OperatorError):  # noqa: N818 - as above
    reason = Reason.PROGRESSING


class ClusterUnavailable(Unavailable):
    reason = Reason.PROGRESSING


class StorageUnavailable(Unavailable):
    reason = Reason.STORAGE_UNAVAILABLE


class TenantUnavailable(Unavailable):
    reason = Reason.APP_UNAVAILABLE

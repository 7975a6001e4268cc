"""Every refusal and fault the app answers with. Translated once at each edge (web.problems for JSON, the pages for HTML).

KozutumiError
├── Refused          the caller can do something about it (4xx)
│   ├── NotFound, NotSignedIn, TokenInvalid, ScopeMissing, ClientNotAllowed, CsrfFailed, NotAllowed, InvalidInput, RateLimited
│   ├── repeated     IdempotencyKeyReused, IdempotencyConflict
│   ├── accounts     WrongPassword, AccountLocked, WeakPassword, InvitationExpired, UserQuotaExceeded, …
│   ├── recipients   CodeWrong, CodeExpired, CodeExhausted, DownloadsExhausted, ArchiveNotReady, TransferOver, …
│   ├── uploads      UploadTooLarge, QuotaExceeded, OffsetMismatch, ChecksumMismatch, UploadTokenEnded, …
│   ├── transfers    TransferClosed, NotDeliverable, RecipientRefused, AlreadyRecipient, LastRecipient
│   ├── proofs       ProofTooWeak, OtherProofNeeded, PasswordWrong, NotTheRecipient
│   ├── quarantine   ReleaseNotAllowed, NotReleasable
│   ├── policies     TypeRefused, NetworkNotAllowed, TransferAllowanceUsed, ApprovalNeeded, …
│   ├── requests     RequestOver, RequestLimit, GuestNotProven
│   └── consent      ChangeClosed
└── Unavailable      a part is down; what was accepted is kept (503)
    └── DatabaseUnavailable, StorageUnavailable, ScannerUnavailable, MailUnavailable, KeysOutOfDate, Draining
ObjectMissing, MailRefused never reach an edge: a use case answers for them.
"""

from __future__ import annotations

from kozutumi_app.errors.accounts import (
    ChangeClosed,
    InvitationExpired,
    LastAdministrator,
    UserQuotaExceeded,
    WeakPassword,
    WrongPassword,
)
from kozutumi_app.errors.base import KozutumiError, Refused, Unavailable
from kozutumi_app.errors.callers import (
    BodyTooLarge,
    ClientNotAllowed,
    CsrfFailed,
    IdempotencyConflict,
    IdempotencyKeyReused,
    InvalidInput,
    NotAllowed,
    NotFound,
    NotSignedIn,
    RateLimited,
    ScopeMissing,
    TokenInvalid,
)
from kozutumi_app.errors.parts import (
    DatabaseUnavailable,
    Draining,
    KeysOutOfDate,
    MailDeferred,
    MailRefused,
    MailUnavailable,
    ObjectMissing,
    ScannerUnavailable,
    SignaturesStale,
    StorageUnavailable,
)
from kozutumi_app.errors.policies import (
    ApprovalClosed,
    ApprovalNeeded,
    NetworkNotAllowed,
    NotApprover,
    TransferAllowanceUsed,
    TypeRefused,
)
from kozutumi_app.errors.recipients import (
    ArchiveNotReady,
    CodeExhausted,
    CodeExpired,
    CodeWrong,
    DownloadsExhausted,
    NotTheRecipient,
    OtherProofNeeded,
    PasswordWrong,
    PreconditionFailed,
    ProofTooWeak,
    RangeNotSatisfiable,
    RecipientNotProven,
    TransferOver,
)
from kozutumi_app.errors.requests import GuestNotProven, RequestLimit, RequestOver
from kozutumi_app.errors.transfers import (
    AlreadyRecipient,
    LastRecipient,
    NotDeliverable,
    NotReleasable,
    RecipientRefused,
    ReleaseNotAllowed,
    TransferClosed,
)
from kozutumi_app.errors.uploads import (
    ChecksumMismatch,
    OffsetMismatch,
    QuotaExceeded,
    UploadGone,
    UploadLocked,
    UploadTokenEnded,
    UploadTooLarge,
    UploadUnfinished,
)

__all__ = [
    "AlreadyRecipient",
    "ApprovalClosed",
    "ApprovalNeeded",
    "ArchiveNotReady",
    "BodyTooLarge",
    "ChangeClosed",
    "ChecksumMismatch",
    "ClientNotAllowed",
    "CodeExhausted",
    "CodeExpired",
    "CodeWrong",
    "CsrfFailed",
    "DatabaseUnavailable",
    "DownloadsExhausted",
    "Draining",
    "GuestNotProven",
    "IdempotencyConflict",
    "IdempotencyKeyReused",
    "InvalidInput",
    "InvitationExpired",
    "KeysOutOfDate",
    "KozutumiError",
    "LastAdministrator",
    "LastRecipient",
    "MailDeferred",
    "MailRefused",
    "MailUnavailable",
    "NetworkNotAllowed",
    "NotAllowed",
    "NotApprover",
    "NotDeliverable",
    "NotFound",
    "NotReleasable",
    "NotSignedIn",
    "NotTheRecipient",
    "ObjectMissing",
    "OffsetMismatch",
    "OtherProofNeeded",
    "PasswordWrong",
    "PreconditionFailed",
    "ProofTooWeak",
    "QuotaExceeded",
    "RangeNotSatisfiable",
    "RateLimited",
    "RecipientNotProven",
    "RecipientRefused",
    "Refused",
    "ReleaseNotAllowed",
    "RequestLimit",
    "RequestOver",
    "ScannerUnavailable",
    "ScopeMissing",
    "SignaturesStale",
    "StorageUnavailable",
    "TokenInvalid",
    "TransferAllowanceUsed",
    "TransferClosed",
    "TransferOver",
    "TypeRefused",
    "Unavailable",
    "UploadGone",
    "UploadLocked",
    "UploadTokenEnded",
    "UploadTooLarge",
    "UploadUnfinished",
    "UserQuotaExceeded",
    "WeakPassword",
    "WrongPassword",
]

"""Condition types and reasons; docs/operations/conditions.md lists the same (a test compares them)."""

from __future__ import annotations

from enum import StrEnum


class ConditionType(StrEnum):
    """In the order in which they are shown. The first three follow kstatus."""

    READY = "Ready"
    RECONCILING = "Reconciling"
    STALLED = "Stalled"
    NAMESPACE_READY = "NamespaceReady"
    STORAGE_READY = "StorageReady"
    KEYS_READY = "KeysReady"
    CERTIFICATE_READY = "CertificateReady"
    NETWORK_ISOLATED = "NetworkIsolated"
    SCANNER_READY = "ScannerReady"
    APP_READY = "AppReady"
    LEGAL_HOLD = "LegalHold"
    CHANGE_PENDING = "ChangePending"
    DATA_RESIDENT = "DataResident"
    CLOCK_IN_SYNC = "ClockInSync"
    AUDIT_INTACT = "AuditIntact"


class Reason(StrEnum):
    # Ready, Reconciling, Stalled
    AS_SPECIFIED = "AsSpecified"
    PROGRESSING = "Progressing"
    SUSPENDED = "Suspended"
    DISPOSING = "Disposing"
    RETAINED = "Retained"
    LEGAL_HOLD = "LegalHold"
    HELD = "Held"
    SIGNER_MISSING = "SignerMissing"
    VOLUME_KEPT = "VolumeKept"
    SPEC_INVALID = "SpecInvalid"
    REGION_NOT_ALLOWED = "RegionNotAllowed"
    ENDPOINT_UNSUPPORTED = "EndpointUnsupported"
    PLAN_NOT_FOUND = "PlanNotFound"
    DEFAULT_PLAN_AMBIGUOUS = "DefaultPlanAmbiguous"
    PLAN_CEILING_EXCEEDED = "PlanCeilingExceeded"
    HOST_CONFLICT = "HostConflict"
    SERVICE_CODE_RETIRED = "ServiceCodeRetired"
    NAMESPACE_CONFLICT = "NamespaceConflict"
    KEY_RING_LOST = "KeyRingLost"
    BUCKET_CONFLICT = "BucketConflict"
    STORAGE_REFUSED = "StorageRefused"
    APPLY_REFUSED = "ApplyRefused"
    NOT_STALLED = "NotStalled"
    # Events of a fleet's rollout
    ROLLING_OUT = "RollingOut"
    ROLLOUT_HALTED = "RolloutHalted"
    ROLLED_BACK = "RolledBack"
    # NamespaceReady
    NAMESPACE_APPLIED = "NamespaceApplied"
    NAMESPACE_PENDING = "NamespacePending"
    NAMESPACE_TERMINATING = "NamespaceTerminating"
    # StorageReady
    BUCKETS_READY = "BucketsReady"
    STORAGE_PENDING = "StoragePending"
    STORAGE_UNAVAILABLE = "StorageUnavailable"
    # KeysReady
    KEY_RING_PRESENT = "KeyRingPresent"
    KEY_RING_PENDING = "KeyRingPending"
    # CertificateReady
    CERTIFICATES_VALID = "CertificatesValid"
    CERTIFICATES_PENDING = "CertificatesPending"
    CERTIFICATE_EXPIRED = "CertificateExpired"
    CERTIFICATE_EXPIRING = "CertificateExpiring"
    CERTIFICATE_ISSUING = "CertificateIssuing"
    CERTIFICATE_SECRET_MISSING = "CertificateSecretMissing"  # noqa: S105 - the name of a reason
    CERTIFICATE_UNUSABLE = "CertificateUnusable"
    CERTIFICATE_HOSTS_MISSING = "CertificateHostsMissing"
    # NetworkIsolated
    MATRIX_ENFORCED = "MatrixEnforced"
    PROBE_PENDING = "ProbePending"
    PROBE_FAILED = "ProbeFailed"
    POLICY_NOT_ENFORCED = "PolicyNotEnforced"
    ALLOWED_PATH_BLOCKED = "AllowedPathBlocked"
    # ScannerReady
    SELF_TEST_PASSED = "SelfTestPassed"
    SLEEPING = "Sleeping"
    WAKING = "Waking"
    SCANNER_STARTING = "ScannerStarting"
    SCANNER_UNAVAILABLE = "ScannerUnavailable"
    SIGNATURES_STALE = "SignaturesStale"
    SIGNATURES_MISSING = "SignaturesMissing"
    # AppReady
    APP_ANSWERS = "AppAnswers"
    APP_STARTING = "AppStarting"
    APP_UNAVAILABLE = "AppUnavailable"
    DATABASE_UNAVAILABLE = "DatabaseUnavailable"
    MAIL_UNAVAILABLE = "MailUnavailable"
    ENDPOINT_PENDING = "EndpointPending"
    # DataResident
    IN_REGION = "InRegion"
    REGION_MISMATCH = "RegionMismatch"
    REGION_UNKNOWN = "RegionUnknown"
    # ClockInSync
    CLOCKS_AGREE = "ClocksAgree"
    CLOCK_PENDING = "ClockPending"
    CLOCK_SKEW = "ClockSkew"
    # AuditIntact
    AUDIT_WENT_BACK = "AuditWentBack"
    AUDIT_FORKED = "AuditForked"
    # ChangePending
    AWAITING_CONSENT = "AwaitingConsent"
    CONSENT_REFUSED = "ConsentRefused"

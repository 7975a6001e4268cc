"""What is known about a running organization when its status is written. Gathered by `reconcile`."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, TypeVar

from kozutumi_operator.errors import OperatorError
from kozutumi_operator.organizations.audit_watch import Watched
from kozutumi_operator.organizations.clocks import Clocks
from kozutumi_operator.organizations.consent import View
from kozutumi_operator.organizations.decide import Action
from kozutumi_operator.organizations.observed import Observed
from kozutumi_operator.organizations.public_certificate import Fault
from kozutumi_operator.organizations.rotation import Stage
from kozutumi_operator.organizations.spec import Organization

T = TypeVar("T")


@dataclass(frozen=True, slots=True)
class Health:
    ok: bool
    message: str


@dataclass(frozen=True, slots=True)
class Rewrapped:
    """How many of the stored file keys and rows are sealed under key `version`."""

    version: int
    total: int
    done: int


@dataclass(frozen=True, slots=True, kw_only=True)
class TenantStatus:
    """The app's answer on 9443 `GET /internal/v1/status`. Sizes are bytes, ages seconds.

    `key_versions_in_use` is empty while unknown. `changes`: the state of what the organization was asked to agree to, by id.
    `scan_waiting`: a file waits for the scanner or soon will; `scan_idle`: for how long none has.
    """

    version: str
    key_versions: tuple[int, ...]
    active_key: int
    administrator_accepted: bool
    database: Health
    storage: Health
    mail: Health
    scanner: Health
    signature_version: str | None
    signature_age: int | None
    self_test: bool
    used_bytes: int
    files: int
    users: int
    audit_sequence: int
    audit_hash: str
    clock: str
    key_versions_in_use: tuple[int, ...] = ()
    rewrapped: Rewrapped | None = None
    changes: Mapping[str, str] = field(default_factory=dict)
    storage_credential: str | None = None
    audit_pulled_hash: str | None = None  # see audit_watch.Pulled.then
    audit_key: str = ""
    scan_waiting: bool | None = None
    scan_idle: int | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Isolation:
    """Result of one walk over the matrix. `probed_at` is RFC 3339; cells are named "app -> internet 443"."""

    probed_at: str
    allowed: int
    denied: int
    open_cells: tuple[str, ...] = ()
    blocked_cells: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class StorageState:
    """`message` says what is missing and the next action while not ready."""

    ready: bool
    message: str
    region: str = ""
    inventory: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Facts:
    """`remaining`: what `plan` still wants. `failure`: what stopped this round. None means not known yet."""

    organization: Organization
    observed: Observed
    remaining: Sequence[Action] = ()
    storage: StorageState | None = None
    storage_failure: OperatorError | None = None
    tenant: TenantStatus | None = None
    tenant_failure: OperatorError | None = None
    isolation: Isolation | None = None
    isolation_failure: OperatorError | None = None
    failure: OperatorError | None = None
    rotation_stage: Stage = Stage.NONE
    consent: View | None = None
    disposal_step: str = ""
    accepted: str = ""  # the spec last accepted, as JSON
    left_alone: bool = False  # refused, and nothing was ever accepted: not looked at
    clocks: Clocks | None = None
    audit: Watched | None = None
    url: str = ""
    certificate_fault: Fault | None = None
    scanner_rests: str = "Awake"  # organizations.sleeping.Rest


def tenant_status(document: Mapping[str, Any]) -> TenantStatus:
    """Parse the app's answer. ValueError where a field is missing or of the wrong type."""
    scanner, usage, audit = (_field(document, name, dict) for name in ("scanner", "usage", "audit"))
    mail = _field(document, "mail", dict)
    return TenantStatus(
        version=_field(document, "version", str),
        key_versions=tuple(int(each) for each in _field(document, "key_versions", list)),
        active_key=_field(document, "active_key", int),
        administrator_accepted=_field(document, "administrator_accepted", bool),
        database=_health(_field(document, "database", dict)),
        storage=_health(_field(document, "storage", dict)),
        mail=_health(mail),
        scanner=_health(scanner),
        signature_version=_optional(scanner, "signature_version", str),
        signature_age=_optional(scanner, "signature_age_seconds", int),
        self_test=_field(scanner, "self_test", bool),
        used_bytes=_field(usage, "bytes", int),
        files=_field(usage, "files", int),
        users=_field(usage, "users", int),
        audit_sequence=_field(audit, "sequence", int),
        audit_hash=_field(audit, "hash", str),
        audit_pulled_hash=(_optional(audit, "pulled_hash", str) or "") if "pulled_hash" in audit else None,
        audit_key=_optional(audit, "key", str) or "",
        clock=_field(document, "clock", str),
        key_versions_in_use=tuple(int(each) for each in _optional(document, "key_versions_in_use", list) or ()),
        rewrapped=_rewrapped(_optional(document, "rewrap", dict)),
        changes={str(key): str(state) for key, state in (_optional(document, "changes", dict) or {}).items()},
        storage_credential=_optional(document, "storage_credential", str),
        scan_waiting=_optional(document, "scan_waiting", bool),
        scan_idle=_optional(document, "scan_idle_seconds", int),
    )


def _health(document: Mapping[str, Any]) -> Health:
    return Health(_field(document, "ok", bool), _optional(document, "message", str) or "")


def _rewrapped(document: Mapping[str, Any] | None) -> Rewrapped | None:
    return (
        None if document is None else Rewrapped(*(_field(document, name, int) for name in ("version", "total", "done")))
    )


def _field(document: Mapping[str, Any], name: str, kind: type[T]) -> T:
    value = document.get(name)
    if not isinstance(value, kind) or (isinstance(value, bool) and kind is not bool):
        raise ValueError(f"the app's status has no {kind.__name__} {name!r}; roll out the app of this release")
    return value


def _optional(document: Mapping[str, Any], name: str, kind: type[T]) -> T | None:
    return None if document.get(name) is None else _field(document, name, kind)

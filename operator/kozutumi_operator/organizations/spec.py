"""An Organization as the API server stores it, parsed once into typed values.

The built-in defaults are ours and not the CRD's: the API server would write them into the manifest, and a plan could
then no longer tell what the manifest left out.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any, Final, TypeVar

from kozutumi_contract import labels
from kozutumi_operator.errors import SpecRefused
from kozutumi_operator.organizations import quantities
from kozutumi_operator.organizations.defaults import DEFAULTS
from kozutumi_operator.organizations.fields import (
    Approval,
    DatabaseType,
    DeletionPolicy,
    EndpointType,
    ExtraEgress,
    IssuerRef,
    Mfa,
    Oidc,
    ParentRef,
    RecipientAuthentication,
    Resources,
    TemporaryStorage,
    Unscannable,
)

T = TypeVar("T")
Section = Mapping[str, Any]
DAY: Final = 86400


@dataclass(frozen=True, slots=True, kw_only=True)
class Organization:
    """Sizes are bytes, durations seconds. `deletion_timestamp` is RFC 3339, or None while it lives.

    None elsewhere: not asked for. `hosts` empty: the platform's default host (`endpoint.hosts`). `plan`: the one in
    effect. `retain_for` is 0 with Delete. `legal_hold` is the reason, or empty.
    """

    name: str
    uid: str
    generation: int
    deletion_timestamp: str | None
    annotations: Mapping[str, str]
    finalizers: tuple[str, ...]
    plan: str | None
    display_name_ja: str
    display_name_en: str
    administrators: tuple[str, ...]
    endpoint_type: EndpointType
    hosts: tuple[str, ...]
    allowed_cidrs: tuple[str, ...]
    tls_issuer: IssuerRef | None
    tls_secret: str | None
    parent_ref: ParentRef | None
    ingress_class: str | None
    region: str
    quota_storage: int
    quota_users: int
    max_file_size: int
    monthly_transfer: int | None
    default_expiry: int
    max_expiry: int
    max_downloads: int
    recipient_authentication: RecipientAuthentication
    approval: Approval
    hold_for: int
    allowed_domains: tuple[str, ...]
    blocked_domains: tuple[str, ...]
    unscannable: Unscannable
    rotation_period: int
    maximum_signature_age: int
    temporary_storage: TemporaryStorage
    scale_to_zero_after: int | None
    scanner_resources: Resources
    mfa: Mfa
    password_minimum_length: int
    oidc: Oidc | None
    scim: bool
    database_type: DatabaseType
    database_secret: str | None
    backup_schedule: str | None
    backup_retention: int | None
    audit_retention: int
    extra_egress: tuple[ExtraEgress, ...]
    app_replicas: int
    app_resources: Resources
    suspend: bool
    deletion_policy: DeletionPolicy
    retain_for: int
    legal_hold: str

    @property
    def namespace(self) -> str:
        return labels.namespace(self.name)

    @property
    def deleting(self) -> bool:
        return self.deletion_timestamp is not None

    @property
    def has_finalizer(self) -> bool:
        return labels.FINALIZER in self.finalizers


def parse(body: Section) -> Organization:
    """Read a custom resource, its plan applied. Raises SpecRefused whose message names the field and what to write.

    The API server has applied the CRD's rules; what is checked again here is what a changed or older CRD could
    let through, and what only shows once the plan has filled in its defaults.
    """
    metadata, spec = body["metadata"], body.get("spec") or {}
    name = metadata["name"]
    if spec.get("serviceCode", name) != name or not labels.is_service_code(name):
        raise SpecRefused("metadata.name must be the service code; create the organization under its service code")
    display = _section(spec, "displayName")
    policy = spec.get("deletionPolicy", "Delete")
    organization = Organization(
        name=name,
        uid=metadata["uid"],
        generation=metadata.get("generation", 0),
        deletion_timestamp=metadata.get("deletionTimestamp"),
        annotations=dict(metadata.get("annotations") or {}),
        finalizers=tuple(metadata.get("finalizers") or ()),
        plan=_section(spec, "planRef").get("name"),
        display_name_ja=display.get("ja", name),
        display_name_en=display.get("en", name),
        administrators=tuple(each["email"] for each in spec.get("administrators") or ()),
        region=_section(spec, "residency").get("region", ""),
        rotation_period=_duration(spec, "encryption.rotationPeriod"),
        scanner_resources=_resources(spec, "scanner"),
        backup_schedule=_section(spec, "backup").get("schedule"),
        backup_retention=_optional(spec, "backup.retention", quantities.duration),
        audit_retention=_duration(spec, "audit.retention"),
        extra_egress=tuple(map(_extra_egress, _section(spec, "network").get("extraEgress") or ())),
        app_replicas=_get(spec, "app.replicas"),
        app_resources=_resources(spec, "app"),
        suspend=bool(spec.get("suspend", False)),
        deletion_policy=policy,
        retain_for=_duration(spec, "retainFor") if policy == "Retain" else 0,
        legal_hold=_section(spec, "legalHold").get("reason", ""),
        **_endpoint(spec),
        **_quota(spec),
        **_transfer(spec),
        **_scanner(spec),
        **_authentication(spec),
        **_database(spec),
    )
    _refuse_contradiction(organization)
    return organization


def _endpoint(spec: Section) -> dict[str, Any]:
    endpoint = _section(spec, "endpoint")
    tls, parent = _section(endpoint, "tls"), endpoint.get("parentRef")
    kind, group = _get(spec, "endpoint.tls.issuerRef.kind"), _get(spec, "endpoint.tls.issuerRef.group")
    return {
        "endpoint_type": _get(spec, "endpoint.type"),
        "hosts": tuple(endpoint.get("hosts") or ()),
        "allowed_cidrs": tuple(endpoint.get("allowedCIDRs") or ()),
        "tls_issuer": IssuerRef(tls["issuerRef"]["name"], kind, group) if "issuerRef" in tls else None,
        "tls_secret": _section(tls, "secretRef").get("name"),
        "parent_ref": parent and ParentRef(parent["name"], parent["namespace"], parent.get("sectionName")),
        "ingress_class": endpoint.get("ingressClassName"),
    }


def _quota(spec: Section) -> dict[str, Any]:
    storage, largest = _size(spec, "quota.storage"), _size(spec, "quota.maxFileSize")
    said = "maxFileSize" in _section(spec, "quota")
    return {
        "quota_storage": storage,
        "quota_users": _get(spec, "quota.users"),
        "max_file_size": largest if said else min(largest, storage),
        "monthly_transfer": _optional(spec, "quota.monthlyTransfer", quantities.size),
    }


def _transfer(spec: Section) -> dict[str, Any]:
    transfer = _section(spec, "transfer")
    usual, longest = _duration(spec, "transfer.defaultExpiry"), _duration(spec, "transfer.maxExpiry")
    return {
        "default_expiry": usual if "defaultExpiry" in transfer else min(usual, longest),
        "max_expiry": longest,
        "max_downloads": _get(spec, "transfer.maxDownloads"),
        "recipient_authentication": _get(spec, "transfer.recipientAuthentication"),
        "approval": _get(spec, "transfer.approval"),
        "hold_for": _duration(spec, "transfer.holdFor"),
        "allowed_domains": tuple(transfer.get("allowedDomains") or ()),
        "blocked_domains": tuple(transfer.get("blockedDomains") or ()),
        "unscannable": _get(spec, "transfer.unscannable"),
    }


def _scanner(spec: Section) -> dict[str, Any]:
    return {
        "maximum_signature_age": _duration(spec, "scanner.maximumSignatureAge"),
        "temporary_storage": _get(spec, "scanner.temporaryStorage"),
        "scale_to_zero_after": _optional(spec, "scanner.scaleToZeroAfter", quantities.duration),
    }


def _authentication(spec: Section) -> dict[str, Any]:
    authentication = _section(spec, "authentication")
    oidc = authentication.get("oidc")
    return {
        "mfa": _get(spec, "authentication.mfa"),
        "password_minimum_length": _get(spec, "authentication.password.minimumLength"),
        "oidc": oidc and Oidc(oidc["issuer"], oidc["clientId"], oidc["secretRef"]["name"]),
        "scim": bool(_section(authentication, "scim").get("enabled", False)),
    }


def _database(spec: Section) -> dict[str, Any]:
    database = _section(spec, "database")
    return {
        "database_type": database.get("type", "SQLite"),
        "database_secret": _section(database, "secretRef").get("name"),
    }


def _extra_egress(raw: Section) -> ExtraEgress:
    if ("host" in raw) == ("cidr" in raw):
        raise SpecRefused("spec.network.extraEgress: write host or cidr in each entry, and not both")
    return ExtraEgress(raw.get("host"), raw.get("cidr"), raw.get("port", 443))


def _refuse_contradiction(organization: Organization) -> None:
    """What the manifest and its plan say together, which the API server could not see."""
    if organization.default_expiry > organization.max_expiry:
        raise SpecRefused("spec.transfer.defaultExpiry is longer than spec.transfer.maxExpiry; shorten it")
    if organization.max_file_size > organization.quota_storage:
        raise SpecRefused("spec.quota.maxFileSize is above spec.quota.storage; lower it or raise the storage")
    if organization.tls_issuer is not None and organization.tls_secret is not None:
        raise SpecRefused("spec.endpoint.tls: write issuerRef or secretRef, not both")
    if organization.database_type == "SQLite" and organization.app_replicas != 1:
        raise SpecRefused("spec.app.replicas: SQLite is for one replica; write 1")
    for part, resources in (("app", organization.app_resources), ("scanner", organization.scanner_resources)):
        if resources.memory_request > resources.memory_limit:
            raise SpecRefused(f"spec.{part}.resources.requests.memory is above limits.memory; raise the limit")


def _section(parent: Section, name: str) -> Section:
    return parent.get(name) or {}


def _get(spec: Section, field: str) -> Any:
    """The value at a path such as `quota.storage`, else its built-in default, else None."""
    value: Any = spec
    for step in field.split("."):
        value = (value or {}).get(step)
    return DEFAULTS.get(field) if value is None else value


def _size(spec: Section, field: str) -> int:
    return _read(field, _get(spec, field), quantities.size)


def _duration(spec: Section, field: str) -> int:
    return _read(field, _get(spec, field), quantities.duration)


def _optional(spec: Section, field: str, reader: Callable[[Any], T]) -> T | None:
    value = _get(spec, field)
    return None if value is None else _read(field, value, reader)


def _read(field: str, value: Any, reader: Callable[[Any], T]) -> T:
    try:
        return reader(value)
    except ValueError as error:
        raise SpecRefused(f"spec.{field}: {error}") from None


def _resources(spec: Section, part: str) -> Resources:
    cpu, memory, limit = (f"{part}.resources.{each}" for each in ("requests.cpu", "requests.memory", "limits.memory"))
    return Resources(_read(cpu, _get(spec, cpu), quantities.quantity), _size(spec, memory), _size(spec, limit))

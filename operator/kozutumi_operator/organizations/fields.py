"""Values of an Organization's spec that are more than one word. Sizes are bytes, durations seconds."""

from __future__ import annotations

from dataclasses import dataclass
from decimal import Decimal
from typing import Literal

EndpointType = Literal["HTTPRoute", "Ingress", "LoadBalancer", "NodePort"]
RecipientAuthentication = Literal["EmailCode", "Password", "Account", "Link"]
Approval = Literal["Never", "External", "Always"]
Unscannable = Literal["Reject", "AdministratorRelease"]
TemporaryStorage = Literal["Memory", "Disk"]
Mfa = Literal["Optional", "Administrators", "Everyone"]
DatabaseType = Literal["SQLite", "PostgreSQL"]
DeletionPolicy = Literal["Delete", "Retain"]


@dataclass(frozen=True, slots=True)
class Resources:
    """CPU in cores, memory in bytes."""

    cpu_request: Decimal
    memory_request: int
    memory_limit: int


@dataclass(frozen=True, slots=True)
class IssuerRef:
    """A cert-manager issuer, as `Certificate.spec.issuerRef` names it."""

    name: str
    kind: str
    group: str


@dataclass(frozen=True, slots=True)
class ParentRef:
    """A Gateway, as `HTTPRoute.spec.parentRefs` names it. `section_name` None: every listener that fits."""

    name: str
    namespace: str
    section_name: str | None


@dataclass(frozen=True, slots=True)
class Oidc:
    """An OpenID Connect provider; `secret_name` holds the client's secret."""

    issuer: str
    client_id: str
    secret_name: str


@dataclass(frozen=True, slots=True)
class ExtraEgress:
    """One outside service of the app: exactly one of `host` (through the egress proxy) and `cidr` (directly)."""

    host: str | None
    cidr: str | None
    port: int

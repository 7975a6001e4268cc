"""Settings of the tenant's processes, from typed value to environment and back.

Only what is not secret goes here; secrets are files (see `paths`). The operator renders
`to_environment`, the process reads `from_environment`: one owner, so the two cannot drift apart.
"""

from __future__ import annotations

import dataclasses
import types
import typing
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Final, TypeVar

PREFIX: Final = "KOZUTUMI_"


class SettingsError(ValueError):
    """A setting is missing or not of its type; the message names the variable."""


@dataclass(frozen=True, slots=True, kw_only=True)
class AppSettings:
    """The transfer app. Sizes are bytes, durations seconds. `monthly_transfer` 0: no limit.

    `hosts`: DNS names it answers for besides that of `public_url`. Address ranges (CIDR): `allowed_clients` empty
    means everywhere; `excluded_clients` are never let in; `trusted_gateways` speak for others (X-Forwarded-For).
    """

    service_code: str
    display_name_ja: str
    display_name_en: str
    public_url: str
    s3_endpoint: str
    s3_region: str
    content_bucket: str
    archive_bucket: str
    scanner_url: str
    smtp_host: str
    smtp_port: int
    mail_from: str
    quota_storage: int = 10 * 2**30
    quota_users: int = 100
    max_file_size: int = 2 * 2**30 - 1
    default_expiry: int = 7 * 86400
    max_expiry: int = 30 * 86400
    max_downloads: int = 10
    maximum_signature_age: int = 72 * 3600
    scan_deadline: int = 24 * 3600  # after it a file without a verdict is Unscannable
    scanner_sleeps_after: int = 0  # idle seconds after which the operator stops the scanner; 0: never
    monthly_transfer: int = 0
    recipient_authentication: str = "EmailCode"  # EmailCode | Password | Account | Link
    approval: str = "Never"  # Never | External | Always
    hold_for: int = 0
    unscannable: str = "Reject"  # Reject | AdministratorRelease
    audit_retention: int = 8760 * 3600
    allowed_domains: tuple[str, ...] = ()
    blocked_domains: tuple[str, ...] = ()
    data_directory: str = "/var/lib/kozutumi"
    secrets_directory: str = "/etc/kozutumi"
    segment_memory: int = 32 * 2**20
    smtp_tls: str = "starttls"  # starttls | implicit; there is no third
    bounce_address: str = ""  # envelope senders are made from it (return_path); empty: mail_from as it is
    hosts: tuple[str, ...] = ()
    allowed_clients: tuple[str, ...] = ()
    excluded_clients: tuple[str, ...] = ()
    trusted_gateways: tuple[str, ...] = ()
    legal_hold: int = 0  # 1: no file key and no object is destroyed until it is 0 again
    version: str = "0.1.0"


@dataclass(frozen=True, slots=True, kw_only=True)
class ScannerSettings:
    """The agent beside clamd. Sizes are bytes, durations seconds."""

    service_code: str
    mirror_url: str
    clamd_socket: str = "/run/clamav/clamd.sock"
    database_directory: str = "/var/lib/clamav"
    secrets_directory: str = "/etc/kozutumi"
    max_scan_size: int = 2 * 2**30 - 1
    scan_timeout: int = 600
    scan_concurrency: int = 1
    busy_wait: int = 20
    manifest_interval: int = 10
    mirror_databases: tuple[str, ...] = ()
    run_directory: str = "/run/clamav"
    temporary_directory: str = "/tmp"  # noqa: S108 - a volume in memory of the pod's own, see architecture.md §5


@dataclass(frozen=True, slots=True, kw_only=True)
class MirrorSettings:
    """The signature mirror. Durations are seconds.

    `upstream` empty: publish the seed folder's `*.ndb` alone. Otherwise freshclam feeds it from there
    (`database.clamav.net`), and the seed's own signatures are published beside.
    """

    upstream: str = ""
    upstream_interval: int = 3600
    seed_directory: str = "/etc/kozutumi/seed"
    seed_interval: int = 10
    public_directory: str = "/var/lib/clamav"
    run_directory: str = "/run/clamav"
    secrets_directory: str = "/etc/kozutumi"


Settings = AppSettings | ScannerSettings | MirrorSettings
S = TypeVar("S", bound=Settings)


def to_environment(settings: Settings) -> dict[str, str]:
    """Render every field as `KOZUTUMI_<FIELD>`; a tuple is joined by commas."""
    return {
        PREFIX + field.name.upper(): _render(getattr(settings, field.name)) for field in dataclasses.fields(settings)
    }


def from_environment(kind: type[S], environment: Mapping[str, str]) -> S:
    """Read the fields of `kind`. Raises SettingsError naming the variable that is missing or wrong."""
    hints = typing.get_type_hints(kind)
    values: dict[str, Any] = {}
    for field in dataclasses.fields(kind):
        variable = PREFIX + field.name.upper()
        if variable in environment:
            values[field.name] = _parse(variable, environment[variable], hints[field.name])
        elif field.default is dataclasses.MISSING:
            raise SettingsError(f"{variable} is not set; the operator sets it in the Deployment")
    return kind(**values)


def _render(value: object) -> str:
    return ",".join(value) if isinstance(value, tuple) else str(value)


def _parse(variable: str, text: str, hint: type | types.GenericAlias) -> object:
    if hint is int:
        try:
            return int(text)
        except ValueError:
            raise SettingsError(f"{variable}={text!r} is not an integer") from None
    if hint is str:
        return text
    return tuple(part for part in text.split(",") if part)

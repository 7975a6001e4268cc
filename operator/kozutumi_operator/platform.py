"""What the operator knows of its platform: addresses, images, regions. Read once from the environment."""

from __future__ import annotations

import dataclasses
import ipaddress
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final, Literal

from kozutumi_contract import return_path

PREFIX: Final = "KOZUTUMI_"
SmtpTls = Literal["starttls", "implicit"]
GatewayListeners = Literal["Gateway", "ListenerSet"]
StoreKind = Literal["aws-iam", "minio"]
DiskEncryption = Literal["none", "declared"]


class PlatformError(ValueError):
    """A platform setting is missing or wrong; the message names the variable and what to write."""


@dataclass(frozen=True, slots=True)
class Destination:
    """Who may be on the other end of a connection: pods of one namespace, or address ranges (CIDR).

    Written `namespace=kozutumi-storage,app.kubernetes.io/name=s3` or `cidr=203.0.113.0/24,cidr=198.51.100.7/32`.
    """

    namespace: str = ""
    pod_labels: tuple[tuple[str, str], ...] = ()
    cidrs: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class PlatformSettings:
    """Each field is the variable KOZUTUMI_<FIELD>; lists are joined by commas. Ports are TCP ports of the pods."""

    image_app: str
    image_scanner: str
    image_probe: str
    domain: str
    s3_endpoint: str
    s3_region: str
    iam_endpoint: str
    storage_selector: Destination
    smtp_host: str
    smtp_selector: Destination
    mail_from: str
    mirror_url: str
    pod_cidr: str
    service_cidr: str
    node_cidrs: tuple[str, ...]
    image_egress_proxy: str = ""  # without it an organization cannot list hosts
    api_server_addresses: tuple[str, ...] = ()
    allowed_regions: tuple[str, ...] = ()
    bucket_prefix: str = "kozutumi"
    s3_port: int = 7070
    iam_port: int = 7071
    smtp_port: int = 1025
    smtp_tls: SmtpTls = "starttls"
    bounce_address: str = ""  # bounces@…: envelope senders are made from it; empty: mail_from
    mirror_selector: Destination = Destination(
        "kozutumi-system", (("app.kubernetes.io/component", "signature-mirror"),)
    )
    mirror_port: int = 8443
    dns_selector: Destination = Destination("kube-system", (("k8s-app", "kube-dns"),))
    operator_selector: Destination = Destination("kozutumi-system", (("app.kubernetes.io/component", "operator"),))
    operator_service_account: str = "kozutumi-operator"
    monitoring_namespace: str = "kozutumi-monitoring"
    # Endpoint types HTTPRoute and Ingress; empty: not offered here. The selectors say whose connections reach an app,
    # the CIDRs from which addresses they come: there alone X-Forwarded-For is believed.
    gateway: str = ""
    gateway_selector: Destination = Destination()
    gateway_cidrs: tuple[str, ...] = ()
    gateway_listeners: GatewayListeners = "Gateway"
    ingress_class: str = ""
    ingress_selector: Destination = Destination()
    ingress_cidrs: tuple[str, ...] = ()
    ingress_annotations: tuple[str, ...] = ()
    load_balancer_class: str = ""
    load_balancer_annotations: tuple[str, ...] = ()
    store_kind: StoreKind = "aws-iam"
    storage_interval: int = 300  # seconds between two looks at one organization's buckets
    clock_limit: int = 5  # seconds
    storage_class: str = ""
    disk_encryption: DiskEncryption = "none"  # of the nodes' own disks, where emptyDir volumes lie
    database_volume: str = "1Gi"
    etcd_backup_days: int = -1  # how long the platform keeps backups of etcd; -1: it does not say

    def cluster_ranges(self) -> tuple[str, ...]:
        """Pod, service and node addresses: never clients, never destinations of a tenant."""
        return (self.pod_cidr, self.service_cidr, *self.node_cidrs)

    def regions(self) -> tuple[str, ...]:
        return self.allowed_regions or (self.s3_region,)


# Set and empty is an answer: there is none here.
_MAY_BE_NONE: Final = frozenset({"monitoring_namespace"})


def from_environment(environment: Mapping[str, str]) -> PlatformSettings:
    """Read the settings. Raises PlatformError for the first variable that is missing or wrong."""
    values: dict[str, object] = {}
    for field in dataclasses.fields(PlatformSettings):
        variable = PREFIX + field.name.upper()
        text = environment.get(variable, "").strip()
        if text:
            values[field.name] = _parse(variable, text, str(field.type))
        elif variable in environment and field.name in _MAY_BE_NONE:
            values[field.name] = ""
        elif field.default is dataclasses.MISSING:
            raise PlatformError(f"{variable} is not set; set it in ConfigMap kozutumi-platform")
    settings = PlatformSettings(**values)  # type: ignore[arg-type]  # parsed by each field's own type above
    for field_name, cidr in _ranges(settings):
        _check_cidr(PREFIX + field_name.upper(), cidr)
    _check_mail(settings)
    if settings.disk_encryption not in ("none", "declared"):
        raise PlatformError(f"{PREFIX}DISK_ENCRYPTION={settings.disk_encryption!r}; write none or declared")
    if settings.store_kind not in ("aws-iam", "minio"):
        raise PlatformError(f"{PREFIX}STORE_KIND={settings.store_kind!r}; write aws-iam or minio")
    _check_endpoints(settings)
    return settings


def replaced(settings: PlatformSettings, texts: Mapping[str, str]) -> PlatformSettings:
    """`settings` with some fields set from text, as the environment writes it. Names it does not know are left out."""
    hints = {field.name: str(field.type) for field in dataclasses.fields(PlatformSettings)}
    known = {name: _parse(PREFIX + name.upper(), text, hints[name]) for name, text in texts.items() if name in hints}
    return dataclasses.replace(settings, **known)  # type: ignore[arg-type]  # parsed by each field's own type


def text_of(value: object) -> str:
    """A field's value as the environment writes it; the inverse of reading it."""
    if isinstance(value, Destination):
        parts = [*((("namespace", value.namespace),) if value.namespace else ()), *value.pod_labels]
        return ",".join(f"{key}={each}" for key, each in (*parts, *(("cidr", cidr) for cidr in value.cidrs)))
    return ",".join(value) if isinstance(value, tuple) else str(value)


def destination(text: str) -> Destination:
    """Parse a selector (see Destination). ValueError says what to write."""
    namespace, labels, cidrs = "", [], []
    for part in (part.strip() for part in text.split(",")):
        key, equals, value = part.partition("=")
        if not equals or not key or not value:
            raise ValueError(f"{part!r} is not key=value; write namespace=…,label=… or cidr=…")
        if key == "namespace":
            namespace = value
        elif key == "cidr":
            cidrs.append(str(ipaddress.ip_network(value)))
        else:
            labels.append((key, value))
    if bool(namespace) == bool(cidrs) or (labels and not namespace):
        raise ValueError(f"{text!r} names neither one namespace nor address ranges alone")
    return Destination(namespace, tuple(sorted(labels)), tuple(cidrs))


def _parse(variable: str, text: str, hint: str) -> object:
    try:
        if hint == "int":
            return int(text)
        if hint == "Destination":
            return destination(text)
    except ValueError as error:
        raise PlatformError(f"{variable}={text!r}: {error}") from None
    if hint.startswith("tuple"):
        return tuple(part.strip() for part in text.split(",") if part.strip())
    return text


def _check_mail(settings: PlatformSettings) -> None:
    if settings.smtp_tls not in ("starttls", "implicit"):
        raise PlatformError(
            f"{PREFIX}SMTP_TLS={settings.smtp_tls!r}; write starttls or implicit, there is no plaintext"
        )
    if settings.bounce_address and not return_path.is_base(settings.bounce_address):
        raise PlatformError(
            f"{PREFIX}BOUNCE_ADDRESS={settings.bounce_address!r}; write an address with at most "
            f"{return_path.LONGEST_BASE} of a-z, 0-9, '.', '_' and '-' before its @, such as bounces@mail.example"
        )


def _check_endpoints(settings: PlatformSettings) -> None:
    if settings.gateway_listeners not in ("Gateway", "ListenerSet"):
        raise PlatformError(f"{PREFIX}GATEWAY_LISTENERS={settings.gateway_listeners!r}; write Gateway or ListenerSet")
    if settings.gateway and settings.gateway.count("/") not in (1, 2):
        raise PlatformError(f"{PREFIX}GATEWAY={settings.gateway!r}; write namespace/name or namespace/name/listener")
    for name in ("ingress_annotations", "load_balancer_annotations"):
        for line in getattr(settings, name):
            if "=" not in line:
                raise PlatformError(f"{PREFIX}{name.upper()}: {line!r} is not key=value")


_RANGE_LISTS: Final = ("node_cidrs", "gateway_cidrs", "ingress_cidrs")


def _ranges(settings: PlatformSettings) -> list[tuple[str, str]]:
    return [
        ("pod_cidr", settings.pod_cidr),
        ("service_cidr", settings.service_cidr),
        *((name, cidr) for name in _RANGE_LISTS for cidr in getattr(settings, name)),
    ]


def _check_cidr(variable: str, text: str) -> None:
    try:
        ipaddress.ip_network(text)
    except ValueError as error:
        raise PlatformError(f"{variable}: {error}; write for example 10.244.0.0/16") from None

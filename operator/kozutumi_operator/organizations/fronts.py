"""What stands in front of an app and ends the clients' TLS: a Gateway, an ingress controller, or nothing."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

from kozutumi_operator.organizations.fields import ParentRef
from kozutumi_operator.organizations.spec import Organization
from kozutumi_operator.platform import Destination, PlatformSettings

FRONTED: Final = frozenset({"HTTPRoute", "Ingress"})


@dataclass(frozen=True, slots=True)
class Front:
    """`selector`: whose connections reach the app. `addresses`: from where its X-Forwarded-For is believed (CIDR)."""

    selector: Destination
    addresses: tuple[str, ...]


def of(organization: Organization, platform: PlatformSettings) -> Front | None:
    """None where clients connect to the app itself."""
    match organization.endpoint_type:
        case "HTTPRoute":
            return _front(platform.gateway_selector, platform.gateway_cidrs)
        case "Ingress":
            return _front(platform.ingress_selector, platform.ingress_cidrs)
        case _:
            return None


def _front(selector: Destination, addresses: tuple[str, ...]) -> Front:
    return Front(selector, addresses or selector.cidrs)


def addresses(organization: Organization, platform: PlatformSettings) -> tuple[str, ...]:
    """From where X-Forwarded-For is believed; empty where clients connect to the app itself."""
    front = of(organization, platform)
    return () if front is None else front.addresses


def stands_before(organization: Organization) -> bool:
    return organization.endpoint_type in FRONTED


def gateway(organization: Organization, platform: PlatformSettings) -> ParentRef:
    """The Gateway that the manifest names, else the platform's. Check with `offered` first: the name may be empty."""
    if organization.parent_ref is not None:
        return organization.parent_ref
    namespace, _, rest = platform.gateway.partition("/")
    name, _, section = rest.partition("/")
    return ParentRef(name, namespace, section or None)


def ingress_class(organization: Organization, platform: PlatformSettings) -> str:
    return organization.ingress_class or platform.ingress_class


def shows_own_certificate(organization: Organization, platform: PlatformSettings) -> bool:
    """Whether clients see a certificate of the organization's own, and not one of a shared Gateway's listener."""
    return organization.endpoint_type != "HTTPRoute" or platform.gateway_listeners == "ListenerSet"

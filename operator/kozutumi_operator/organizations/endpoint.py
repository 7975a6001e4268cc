"""Where people reach an organization."""

from __future__ import annotations

from typing import Any, Final
from urllib.parse import urlsplit

from kozutumi_operator.manifests import names
from kozutumi_operator.organizations import fronts
from kozutumi_operator.organizations.observed import Key, Observed
from kozutumi_operator.organizations.spec import Organization
from kozutumi_operator.platform import PlatformSettings

OBJECTS: Final = frozenset(
    {
        ("Service", names.PUBLIC_SERVICE),
        ("HTTPRoute", names.PUBLIC_SERVICE),
        ("BackendTLSPolicy", names.PUBLIC_SERVICE),
        ("ListenerSet", names.PUBLIC_SERVICE),
        ("Ingress", names.PUBLIC_SERVICE),
    }
)


def hosts(organization: Organization, platform: PlatformSettings) -> tuple[str, ...]:
    """Names that are served, all in the public certificate; the first is the one in links."""
    return organization.hosts or (f"{organization.name}.{platform.domain}",)


def url(organization: Organization, platform: PlatformSettings, node_port: int | None) -> str:
    """The address in links; "" for a NodePort that is not allotted yet."""
    host = hosts(organization, platform)[0]
    if organization.endpoint_type != "NodePort":
        return f"https://{host}"
    return "" if node_port is None else f"https://{host}:{node_port}"


def node_port(address: str) -> int | None:
    """The port that a recorded URL names, or None where there is no such URL."""
    try:
        return urlsplit(address).port
    except ValueError:
        return None


def served_secret(organization: Organization) -> str:
    """The Secret whose pair the app shows: behind a gateway that of the organization's own CA, which the gateway checks."""
    return names.APP_BACKEND_TLS if fronts.stands_before(organization) else names.APP_PUBLIC_TLS


def live_objects(observed: Observed) -> list[Key]:
    """What lets people in, as found: to be taken away first when an organization ends."""
    return sorted(key for key in observed.objects if (key.kind, key.name) in OBJECTS)


def waiting(organization: Organization, observed: Observed) -> str:
    """What the endpoint still waits for from others, with the next action; "" where nothing is known to be missing."""
    if organization.endpoint_type == "LoadBalancer":
        service = observed.get("Service", names.PUBLIC_SERVICE) or {}
        if not (service.get("status", {}).get("loadBalancer") or {}).get("ingress"):
            return (
                f"The load balancer has no address yet; see kubectl -n {organization.namespace} describe service "
                f"{names.PUBLIC_SERVICE}."
            )
    if organization.endpoint_type == "HTTPRoute":
        return _refused(observed, "HTTPRoute", "parents") or _refused(observed, "BackendTLSPolicy", "ancestors")
    return ""


def _refused(observed: Observed, kind: str, holders: str) -> str:
    """A condition of a gateway that is not true, or that no gateway has said anything yet."""
    status: dict[str, Any] = (observed.get(kind, names.PUBLIC_SERVICE) or {}).get("status") or {}
    answers = [each for holder in status.get(holders) or () for each in holder.get("conditions") or ()]
    if not answers:
        return f"No gateway has taken up the {kind} yet; see that Gateway and controller of the platform are up."
    for each in answers:
        if each["type"] in ("Accepted", "ResolvedRefs") and each["status"] != "True":
            return f"The gateway does not serve the {kind}: {each.get('message') or each.get('reason')}"
    return ""

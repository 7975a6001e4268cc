"""Whether this cluster and platform can serve the type of endpoint, and the certificate, that a manifest asks for."""

from __future__ import annotations

from collections.abc import Collection, Iterator

from kozutumi_contract import keyring
from kozutumi_operator.errors import SpecRefused
from kozutumi_operator.manifests import names
from kozutumi_operator.organizations import fronts
from kozutumi_operator.organizations.materials import LEAVES
from kozutumi_operator.organizations.reasons import Reason
from kozutumi_operator.organizations.spec import Organization
from kozutumi_operator.platform import Destination, PlatformSettings

OWN_SECRETS = frozenset(
    {
        *LEAVES,
        keyring.SECRET_NAME,
        names.APP_BACKEND_TLS,
        names.APP_PUBLIC_TLS,
        names.BACKEND_CA,
        names.INTERNAL_CA,
        names.ISSUED_TLS,
        names.SESSION_KEY,
        names.STORAGE_CREDENTIAL,
    }
)


def refuse(organization: Organization, platform: PlatformSettings, kinds: Collection[str]) -> None:
    """Raise SpecRefused (EndpointUnsupported, SpecInvalid) for the first thing that is missing. `kinds`: served here."""
    if organization.tls_secret in OWN_SECRETS:
        raise SpecRefused(
            f"spec.endpoint.tls.secretRef: {organization.tls_secret} is one of the operator's own Secrets; "
            "store the certificate under another name."
        )
    missing = next(_missing(organization, platform, kinds), None)
    if missing is not None:
        raise SpecRefused(missing, because=Reason.ENDPOINT_UNSUPPORTED)


def _missing(organization: Organization, platform: PlatformSettings, kinds: Collection[str]) -> Iterator[str]:
    if organization.tls_issuer is not None and "Certificate" not in kinds:
        yield (
            "spec.endpoint.tls.issuerRef needs cert-manager, which this cluster does not have; install it and restart "
            "the operator, or use secretRef."
        )
    match organization.endpoint_type:
        case "HTTPRoute":
            yield from _without_gateway(organization, platform, kinds)
        case "Ingress":
            yield from _without_ingress(organization, platform)


def _without_gateway(organization: Organization, platform: PlatformSettings, kinds: Collection[str]) -> Iterator[str]:
    needed = {"HTTPRoute", "BackendTLSPolicy"} | (
        {"ListenerSet"} if platform.gateway_listeners == "ListenerSet" else set()
    )
    if absent := sorted(needed - set(kinds)):
        yield (
            f"spec.endpoint.type HTTPRoute needs the Gateway API v1, and this cluster has no {', '.join(absent)}; install "
            "its definitions and restart the operator, or choose another type."
        )
    if not fronts.gateway(organization, platform).name:
        yield "No gateway is named; set spec.endpoint.parentRef, or KOZUTUMI_GATEWAY in ConfigMap kozutumi-platform."
    yield from _untrusted("GATEWAY", platform.gateway_selector, fronts.of(organization, platform))
    given = organization.tls_issuer is not None or organization.tls_secret is not None
    if given and not fronts.shows_own_certificate(organization, platform):
        yield (
            "With HTTPRoute the Gateway's own listener holds the certificate; remove spec.endpoint.tls, or set "
            "KOZUTUMI_GATEWAY_LISTENERS=ListenerSet."
        )


def _without_ingress(organization: Organization, platform: PlatformSettings) -> Iterator[str]:
    if not fronts.ingress_class(organization, platform):
        yield "No ingress class is named; set spec.endpoint.ingressClassName or KOZUTUMI_INGRESS_CLASS."
    yield from _untrusted("INGRESS", platform.ingress_selector, fronts.of(organization, platform))
    if not platform.ingress_annotations:
        yield (
            "KOZUTUMI_INGRESS_ANNOTATIONS is not set, so the ingress controller would speak plaintext to the app; set the "
            "controller's annotations for verified HTTPS (docs/operations/endpoints.md)."
        )


def _untrusted(prefix: str, selector: Destination, front: fronts.Front | None) -> Iterator[str]:
    """Without these the app could be reached by nobody, or would have to believe anybody's X-Forwarded-For."""
    if not selector.namespace and not selector.cidrs:
        yield f"KOZUTUMI_{prefix}_SELECTOR is not set in ConfigMap kozutumi-platform; name the pods that connect to apps."
    if front is None or not front.addresses:
        yield f"KOZUTUMI_{prefix}_CIDRS is not set in ConfigMap kozutumi-platform; name the addresses of those pods."

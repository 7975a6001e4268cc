"""Everything one organization owns in the cluster, in the order in which it may come to be (architecture.md §3)."""

from __future__ import annotations

from kozutumi_operator.manifests import (
    backend_tls_policy,
    certificate,
    config_map,
    deployment_app,
    deployment_scanner,
    egress_proxy,
    http_route,
    ingress,
    limit_range,
    listener_set,
    names,
    namespace,
    network_policy,
    persistent_volume_claim,
    pod_disruption_budget,
    resource_quota,
    role_binding,
    secret,
    service,
    service_account,
)
from kozutumi_operator.organizations import servable
from kozutumi_operator.organizations.materials import Materials
from kozutumi_operator.organizations.observed import Object
from kozutumi_operator.organizations.spec import Organization
from kozutumi_operator.platform import PlatformSettings


def render(organization: Organization, platform: PlatformSettings, materials: Materials) -> list[Object]:
    """Namespace, RoleBinding, isolation, accounts, Secrets, volume, Services, pods, budget, route.

    Services stand before the pods, against §3's order: the app must know its public address to put it
    into mails, and the API server allots the node port. A Service without pods opens nothing.
    The key ring is not among them: it is created once (`manifests.secret.key_ring`).
    Raises SpecRefused where this platform cannot serve the manifest.
    """
    servable.refuse_unservable(organization, platform)
    objects: list[Object | None] = [
        namespace.render(organization),
        role_binding.render(organization, platform),
        resource_quota.render(organization, platform),
        limit_range.render(organization),
        *network_policy.render(organization, platform),
        *(service_account.render(organization, name) for name in ("default", names.APP, names.SCANNER)),
        *(secret.render(organization, name, entries) for name, entries in sorted(materials.secrets.items())),
        config_map.render(organization, materials),
        config_map.render_backend_ca(organization, materials),
        persistent_volume_claim.render(organization, platform),
        service.render_app(organization),
        service.render_scanner(organization),
        service.render_public(organization, platform, materials.node_port),
        *egress_proxy.render(organization, platform, materials),
        deployment_scanner.render(organization, platform, asleep=materials.scanner_asleep),
        deployment_app.render(organization, platform, materials),
        pod_disruption_budget.render(organization),
        certificate.render(organization, platform),
        listener_set.render(organization, platform),
        http_route.render(organization, platform),
        backend_tls_policy.render(organization),
        ingress.render(organization, platform),
    ]
    return [each for each in objects if each is not None]

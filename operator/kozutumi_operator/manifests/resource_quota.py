"""What an organization may use of the cluster: its two pods, one more of each while they roll, and probes."""

from __future__ import annotations

from kozutumi_operator.manifests import egress_proxy, metadata, names
from kozutumi_operator.manifests.pod import AGENT, FRESHCLAM, PROBE
from kozutumi_operator.organizations import fronts, quantities
from kozutumi_operator.organizations.fields import Resources
from kozutumi_operator.organizations.observed import Object
from kozutumi_operator.organizations.spec import Organization
from kozutumi_operator.platform import PlatformSettings

PROBE_PODS = 6
COPIES = 2


def render(organization: Organization, platform: PlatformSettings) -> Object:
    pods: tuple[Resources, ...] = (organization.app_resources, organization.scanner_resources, FRESHCLAM, AGENT)
    if hosts := egress_proxy.hosts(organization):
        pods = (*pods, egress_proxy.RESOURCES)
    everything = [each for each in pods for _ in range(COPIES)] + [PROBE] * PROBE_PODS
    hard = {
        "pods": str((3 if hosts else 2) * COPIES + PROBE_PODS),
        "requests.cpu": quantities.millis(sum((each.cpu_request for each in everything), start=PROBE.cpu_request)),
        "requests.memory": quantities.mebibytes(sum(each.memory_request for each in everything)),
        "limits.memory": quantities.mebibytes(sum(each.memory_limit for each in everything)),
        "persistentvolumeclaims": "1",
        "requests.storage": platform.database_volume,
        "services": "5" if hosts else "4",
        "services.nodeports": "0" if fronts.stands_before(organization) else "1",
        "services.loadbalancers": "1" if organization.endpoint_type == "LoadBalancer" else "0",
    }
    return {
        "apiVersion": "v1",
        "kind": "ResourceQuota",
        "metadata": metadata.of(organization, names.QUOTA, "quota"),
        "spec": {"hard": hard},
    }

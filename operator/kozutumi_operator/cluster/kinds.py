"""Where each kind lives in the API: version, plural, scope."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Final

Object = dict[str, Any]


@dataclass(frozen=True, slots=True)
class Kind:
    api_version: str
    name: str
    plural: str
    namespaced: bool = True

    def path(self, namespace: str | None = None, name: str | None = None, subresource: str | None = None) -> str:
        """URL path of a collection or an object; `namespace` is ignored for cluster-scoped kinds."""
        root = f"/api/{self.api_version}" if "/" not in self.api_version else f"/apis/{self.api_version}"
        parts = [root]
        if self.namespaced and namespace is not None:
            parts += ["namespaces", namespace]
        parts.append(self.plural)
        parts += [part for part in (name, subresource) if part is not None]
        return "/".join(parts)


ORGANIZATION: Final = Kind("kozutumi.com/v1alpha1", "Organization", "organizations", namespaced=False)
ORGANIZATION_PLAN: Final = Kind("kozutumi.com/v1alpha1", "OrganizationPlan", "organizationplans", namespaced=False)
ACCESS_GRANT: Final = Kind("kozutumi.com/v1alpha1", "AccessGrant", "accessgrants", namespaced=False)
ANNOUNCEMENT: Final = Kind("kozutumi.com/v1alpha1", "Announcement", "announcements", namespaced=False)
NAMESPACE: Final = Kind("v1", "Namespace", "namespaces", namespaced=False)
RESOURCE_QUOTA: Final = Kind("v1", "ResourceQuota", "resourcequotas")
LIMIT_RANGE: Final = Kind("v1", "LimitRange", "limitranges")
NETWORK_POLICY: Final = Kind("networking.k8s.io/v1", "NetworkPolicy", "networkpolicies")
SERVICE_ACCOUNT: Final = Kind("v1", "ServiceAccount", "serviceaccounts")
ROLE_BINDING: Final = Kind("rbac.authorization.k8s.io/v1", "RoleBinding", "rolebindings")
SECRET: Final = Kind("v1", "Secret", "secrets")
CONFIG_MAP: Final = Kind("v1", "ConfigMap", "configmaps")
PERSISTENT_VOLUME: Final = Kind("v1", "PersistentVolume", "persistentvolumes", namespaced=False)
PERSISTENT_VOLUME_CLAIM: Final = Kind("v1", "PersistentVolumeClaim", "persistentvolumeclaims")
DEPLOYMENT: Final = Kind("apps/v1", "Deployment", "deployments")
SERVICE: Final = Kind("v1", "Service", "services")
POD: Final = Kind("v1", "Pod", "pods")
POD_DISRUPTION_BUDGET: Final = Kind("policy/v1", "PodDisruptionBudget", "poddisruptionbudgets")
INGRESS: Final = Kind("networking.k8s.io/v1", "Ingress", "ingresses")
HTTP_ROUTE: Final = Kind("gateway.networking.k8s.io/v1", "HTTPRoute", "httproutes")
BACKEND_TLS_POLICY: Final = Kind("gateway.networking.k8s.io/v1", "BackendTLSPolicy", "backendtlspolicies")
LISTENER_SET: Final = Kind("gateway.networking.k8s.io/v1", "ListenerSet", "listenersets")
CERTIFICATE: Final = Kind("cert-manager.io/v1", "Certificate", "certificates")
EVENT: Final = Kind("events.k8s.io/v1", "Event", "events")
LEASE: Final = Kind("coordination.k8s.io/v1", "Lease", "leases")

# What an organization's namespace may hold of ours: gathered, compared, repaired, and watched cluster-wide.
# Secrets and ConfigMaps are gathered with the tenant role, and watched namespace by namespace.
WATCHED: Final = (
    RESOURCE_QUOTA,
    LIMIT_RANGE,
    NETWORK_POLICY,
    SERVICE_ACCOUNT,
    ROLE_BINDING,
    PERSISTENT_VOLUME_CLAIM,
    DEPLOYMENT,
    SERVICE,
    POD_DISRUPTION_BUDGET,
    INGRESS,
)
# Of others, and in a cluster only where their definitions are installed (cluster.discovery).
OPTIONAL: Final = (HTTP_ROUTE, BACKEND_TLS_POLICY, LISTENER_SET, CERTIFICATE)
CONFIDENTIAL: Final = (SECRET, CONFIG_MAP)
MANAGED: Final = (*WATCHED, *OPTIONAL, *CONFIDENTIAL)

_BY_NAME: Final = {
    (kind.api_version, kind.name): kind
    for kind in (ORGANIZATION, ORGANIZATION_PLAN, ACCESS_GRANT, ANNOUNCEMENT, NAMESPACE, *MANAGED, POD, EVENT, LEASE)
}


def of(obj: Object) -> Kind:
    """The kind of an object. KeyError for one that the operator does not handle."""
    return _BY_NAME[obj["apiVersion"], obj["kind"]]

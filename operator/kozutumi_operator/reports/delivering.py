"""Hands a report to an organization's app.

Every operator may do it, a standby and another shard's as well: what it needs it reads at that moment, and keeps nothing.
"""

from __future__ import annotations

import ssl

import aiohttp

from kozutumi_contract import labels
from kozutumi_operator.cluster.client import Cluster
from kozutumi_operator.cluster.kinds import ORGANIZATION, SECRET
from kozutumi_operator.errors import TenantUnavailable
from kozutumi_operator.manifests import names, secret
from kozutumi_operator.tenant.client import Tenant, context


class UnknownOrganizationError(LookupError):
    """No organization of this platform has that service code."""


class Delivering:
    def __init__(self, cluster: Cluster, session: aiohttp.ClientSession) -> None:
        self._cluster = cluster
        self._session = session

    async def deliver(self, service_code: str, report: bytes) -> str | None:
        """State of the mail that the report names, None for none. Errors: UnknownOrganizationError, OperatorError."""
        if await self._cluster.get(ORGANIZATION, service_code) is None:
            raise UnknownOrganizationError
        pair = await self._cluster.get(SECRET, names.OPERATOR_CLIENT_TLS, labels.namespace(service_code))
        try:
            trust = context(secret.entries(pair or {}))
        except (KeyError, ValueError, ssl.SSLError) as error:
            raise TenantUnavailable(f"Secret {names.OPERATOR_CLIENT_TLS} cannot be used yet") from error
        return await Tenant(self._session, service_code, trust).report(report)

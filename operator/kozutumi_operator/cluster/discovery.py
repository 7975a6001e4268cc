"""Which kinds of others this API server serves: a watch of a kind that is not there would never come to rest."""

from __future__ import annotations

import asyncio

from kozutumi_operator.cluster.client import Cluster
from kozutumi_operator.cluster.kinds import OPTIONAL, WATCHED, Kind


async def learn(cluster: Cluster) -> None:
    """Set `cluster.kinds`, once at start. Errors: ClusterUnavailable, ApplyRefused."""
    served = await asyncio.gather(*(cluster.serves(kind) for kind in OPTIONAL))
    found: list[Kind] = [kind for kind, there in zip(OPTIONAL, served, strict=True) if there]
    cluster.kinds = (*WATCHED, *found)

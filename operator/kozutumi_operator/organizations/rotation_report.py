"""What status.encryption says of a rotation."""

from __future__ import annotations

from kozutumi_contract import keyring
from kozutumi_contract.keyring import KeyRing
from kozutumi_operator.organizations.facts import Facts
from kozutumi_operator.organizations.rotation import Stage, asked


def render(facts: Facts, ring: KeyRing) -> dict[str, str]:
    """`rotatedAt` is when the active version was made; `progress` counts file keys and sealed rows."""
    live = facts.observed.get("Secret", keyring.SECRET_NAME) or {"metadata": {}}
    token = asked(live["metadata"].get("annotations") or {})
    shown = {"rotatedAt": ring.active_key().created, "stage": str(facts.rotation_stage)}
    counted = facts.tenant.rewrapped if facts.tenant is not None else None
    if facts.rotation_stage is Stage.REWRAPPING and counted is not None and counted.version == ring.active:
        shown["progress"] = f"{counted.done}/{counted.total}"
    return shown | ({"rotationToken": token} if token else {})

"""The status of an OrganizationPlan: whether an organization that says nothing else could be made with it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any, Final

from kozutumi_operator.errors import SpecRefused
from kozutumi_operator.organizations import moments, plans, spec, unsupported
from kozutumi_operator.organizations.plans import Body
from kozutumi_operator.organizations.reasons import ConditionType, Reason

_REFERENCE: Final[Body] = {
    "metadata": {"name": "reference", "uid": "reference"},
    "spec": {"serviceCode": "reference", "residency": {"region": "reference"}},
}


def render(plan: Mapping[str, Any], known: Mapping[str, Body], now: datetime) -> Body:
    """Conditions by kstatus' conventions; times are kept where nothing changed."""
    previous = (plan.get("status") or {}).get("conditions") or ()
    refusal = _refusal(plan, known)
    reason = Reason.AS_SPECIFIED if refusal is None else refusal.because
    message = "Organizations can use this plan." if refusal is None else str(refusal)
    stands = "Nothing stands in the way; no action needed."
    found = (
        (ConditionType.READY, refusal is None, reason, message),
        (ConditionType.RECONCILING, False, reason, message),
        (
            ConditionType.STALLED,
            refusal is not None,
            reason if refusal else Reason.NOT_STALLED,
            message if refusal else stands,
        ),
    )
    generation = plan["metadata"].get("generation", 0)
    return {
        "observedGeneration": generation,
        "conditions": [
            {
                "type": str(kind),
                "status": str(true),
                "reason": str(why),
                "message": said[:1024],
                "lastTransitionTime": _since(previous, kind, str(true), now),
                "observedGeneration": generation,
            }
            for kind, true, why, said in found
        ],
    }


def _refusal(plan: Mapping[str, Any], known: Mapping[str, Body]) -> SpecRefused | None:
    try:
        if plans.is_default(plan):
            plans.choose(_REFERENCE, known)
        unsupported.refuse(spec.parse(plans.effective(_REFERENCE, plan)))
    except SpecRefused as refusal:
        return refusal
    return None


def _since(previous: Sequence[Mapping[str, Any]], kind: str, status: str, now: datetime) -> str:
    for each in previous:
        if (each["type"], each["status"]) == (kind, status):
            return str(each["lastTransitionTime"])
    return moments.rfc3339(now)

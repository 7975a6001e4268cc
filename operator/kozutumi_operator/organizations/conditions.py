"""Conditions of an organization, by kstatus' conventions."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any

from kozutumi_operator.errors import OperatorError, Refused, SpecRefused, StorageUnavailable
from kozutumi_operator.organizations import disposal, moments
from kozutumi_operator.organizations.decide import Apply, Delete, Strip
from kozutumi_operator.organizations.facts import Facts
from kozutumi_operator.organizations.reasons import ConditionType, Reason
from kozutumi_operator.organizations.verdicts import BUILT, NO_ACTION, Verdict

Condition = dict[str, Any]


def conditions(facts: Facts, previous: Sequence[Condition], now: datetime) -> list[Condition]:
    """All conditions in ConditionType's order. lastTransitionTime is kept where the status is the same."""
    if facts.organization.deleting or facts.left_alone:
        parts = {kind: kept for kind in BUILT if (kept := _kept(previous, kind)) is not None}
        summary = _disposing(facts) if facts.organization.deleting else _summary(facts, parts)
    else:
        parts = {kind: judge(facts, now) for kind, judge in BUILT.items()}
        summary = _summary(facts, parts)
    verdicts = summary | parts | legal_hold(facts) | change_pending(facts) | audit_intact(facts)
    return [
        _condition(kind, verdicts[kind], previous, facts.organization.generation, now)
        for kind in ConditionType
        if kind in verdicts
    ]


def legal_hold(facts: Facts) -> dict[ConditionType, Verdict]:
    """Told while there is one, and no part of Ready: an organization under hold works as any other."""
    held = facts.organization.legal_hold
    if not held:
        return {}
    message = f"Under legal hold ({held}): it cannot be deleted, and a disposal that runs stops where it is."
    return {ConditionType.LEGAL_HOLD: Verdict("True", Reason.HELD, message)}


def change_pending(facts: Facts) -> dict[ConditionType, Verdict]:
    """Told while something waits, and no part of Ready: the organization works as it agreed to."""
    waiting = facts.consent.pending if facts.consent is not None else ()
    if not waiting or facts.organization.deleting:
        return {}
    named = ", ".join(f"spec.{change.field} (change {change.id})" for change in waiting)
    if all(change.refused for change in waiting):
        message = f"The organization refused: {named}. Restore the old value, or ask its administrators again."
        return {ConditionType.CHANGE_PENDING: Verdict("True", Reason.CONSENT_REFUSED, message)}
    message = (
        f"Needs the organization's consent: {named}. The old value stays until an administrator confirms the change "
        "in the app, or an approved AccessGrant names its id in spec.changes; restore the old value to take it back."
    )
    return {ConditionType.CHANGE_PENDING: Verdict("True", Reason.AWAITING_CONSENT, message)}


def audit_intact(facts: Facts) -> dict[ConditionType, Verdict]:
    """Told while it is not, and no part of Ready: the organization works, but somebody must look into it."""
    watched = facts.audit
    if watched is None or watched.lost is None or watched.why is None:
        return {}
    lost = watched.lost
    what = (
        "The audit log ends before"
        if watched.why is Reason.AUDIT_WENT_BACK
        else "The audit log no longer holds the head that the operator pulled:"
    )
    message = (
        f"{what} event {lost.sequence} with hash {lost.hash}: it was put back or recomputed. If that was no restore "
        "of yours, keep the archive bucket's audit/ and an export; when it is looked into, set annotation "
        f"kozutumi.com/acknowledge-audit to that hash."
    )
    return {ConditionType.AUDIT_INTACT: Verdict("False", watched.why, message)}


def transitions(previous: Sequence[Condition], current: Sequence[Condition]) -> list[Condition]:
    """The conditions whose status or reason changed: each is worth an Event."""
    before = {each["type"]: (each["status"], each["reason"]) for each in previous}
    return [each for each in current if before.get(each["type"]) != (each["status"], each["reason"])]


def _summary(facts: Facts, parts: Mapping[ConditionType, Verdict]) -> dict[ConditionType, Verdict]:
    stalled = _stalled(facts)
    unmet = next((verdict for verdict in parts.values() if verdict.status != "True"), None)
    applying = any(isinstance(action, Apply | Strip | Delete) for action in facts.remaining)
    if stalled is not None:
        ready = Verdict("False", stalled.reason, stalled.message)
        working = Verdict("False", stalled.reason, "Nothing is tried until the cause is removed; see Stalled.")
    elif facts.organization.suspend:
        ready = Verdict("False", Reason.SUSPENDED, "Set spec.suspend to false to start the organization.")
        working = Verdict("False", Reason.SUSPENDED, f"Suspended; {NO_ACTION}.")
    elif unmet is not None or applying or facts.failure is not None:
        cause = _progress(facts, unmet)
        ready = Verdict("False", cause.reason, cause.message)
        working = Verdict("True", cause.reason, cause.message)
    else:
        ready = Verdict("True", Reason.AS_SPECIFIED, "Everything is as specified.")
        working = Verdict("False", Reason.AS_SPECIFIED, "Everything is as specified.")
    stall = stalled or Verdict("False", Reason.NOT_STALLED, f"Nothing stands in the way; {NO_ACTION}.")
    return {ConditionType.READY: ready, ConditionType.RECONCILING: working, ConditionType.STALLED: stall}


def _progress(facts: Facts, unmet: Verdict | None) -> Verdict:
    if facts.failure is not None:
        return Verdict("True", facts.failure.reason, str(facts.failure))
    return unmet or Verdict("True", Reason.PROGRESSING, f"Changes are being applied; {NO_ACTION}.")


def _stalled(facts: Facts) -> Verdict | None:
    for failure in (facts.failure, facts.storage_failure):
        if isinstance(failure, Refused):
            return Verdict("True", _reason(failure), str(failure))
    return None


def _reason(failure: OperatorError) -> Reason:
    return failure.because if isinstance(failure, SpecRefused) else failure.reason


def _disposing(facts: Facts) -> dict[ConditionType, Verdict]:
    """While an organization ends, a dead object store stalls it too: its content must go before the finalizer."""
    failure = facts.failure or facts.storage_failure
    if failure is None and facts.disposal_step in disposal.WAITING:
        return _kept_back(facts)
    message = f"Being disposed of, at step {facts.disposal_step or 'Start'}; {NO_ACTION}."
    if isinstance(failure, Refused | StorageUnavailable):
        stall = Verdict("True", _reason(failure), f"Disposal waits at step {facts.disposal_step}: {failure}")
    else:
        stall = Verdict("False", Reason.NOT_STALLED, f"Nothing stands in the way; {NO_ACTION}.")
    return {
        ConditionType.READY: Verdict("False", Reason.DISPOSING, message),
        ConditionType.RECONCILING: Verdict("True", Reason.DISPOSING, message),
        ConditionType.STALLED: stall,
    }


def _kept_back(facts: Facts) -> dict[ConditionType, Verdict]:
    """Stopped and frozen: no pod runs, keys and data are there. Only retaining ends by itself."""
    held, until = facts.organization.legal_hold, disposal.retained_until(facts.organization)
    if held:
        message = f"Disposal is suspended by legal hold ({held}); it goes on when spec.legalHold is removed."
        ready = Verdict("False", Reason.LEGAL_HOLD, message)
        working = Verdict("False", Reason.LEGAL_HOLD, f"Nothing is destroyed under legal hold; {NO_ACTION}.")
    else:
        moment = "its time" if until is None else moments.rfc3339(until)
        message = f"Stopped and frozen until {moment}, then disposed of. spec.legalHold keeps it longer."
        ready = Verdict("False", Reason.RETAINED, message)
        working = Verdict("True", Reason.RETAINED, message)
    stall = Verdict("False", Reason.NOT_STALLED, f"Nothing stands in the way; {NO_ACTION}.")
    return {ConditionType.READY: ready, ConditionType.RECONCILING: working, ConditionType.STALLED: stall}


def _kept(previous: Sequence[Condition], kind: ConditionType) -> Verdict | None:
    for each in previous:
        if each["type"] == kind:
            return Verdict(each["status"], each["reason"], each["message"])
    return None


def _condition(
    kind: ConditionType, verdict: Verdict, previous: Sequence[Condition], generation: int, now: datetime
) -> Condition:
    changed = moments.rfc3339(now)
    for each in previous:
        if each["type"] == kind and each["status"] == verdict.status:
            changed = each["lastTransitionTime"]
    return {
        "type": str(kind),
        "status": verdict.status,
        "reason": str(verdict.reason),
        "message": verdict.message[:1024],
        "lastTransitionTime": changed,
        "observedGeneration": generation,
    }

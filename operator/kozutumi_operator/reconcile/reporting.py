"""Writes an organization's status, and an Event for each condition that turned."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from datetime import datetime
from typing import Any

import structlog

from kozutumi_contract.labels import STATUS_FIELD_MANAGER
from kozutumi_operator.cluster import events
from kozutumi_operator.cluster.client import Cluster
from kozutumi_operator.cluster.kinds import ORGANIZATION, Object
from kozutumi_operator.errors import OperatorError
from kozutumi_operator.organizations import conditions, status
from kozutumi_operator.organizations.facts import Facts
from kozutumi_operator.platform import PlatformSettings
from kozutumi_operator.reconcile.effects import Effect, Effects

log = structlog.get_logger()
ABNORMAL = frozenset({"Reconciling", "Stalled", "ChangePending"})


class Reporting:
    def __init__(
        self,
        cluster: Cluster,
        effects: Effects,
        platform: PlatformSettings,
        *,
        instance: str,
        now: Callable[[], datetime],
        count: Callable[[str], None] = lambda _: None,
    ) -> None:
        self._cluster = cluster
        self._effects = effects
        self._platform = platform
        self._instance = instance
        self._now = now
        self._count = count

    async def write(self, body: Object, facts: Facts) -> None:
        """Write the status if that is worth a write; `body` is kept in step, so that a second call compares right."""
        previous = body.get("status") or {}
        now = self._now()
        current = status.render(facts, self._platform, previous, now)
        if not status.worth_writing(previous, current, now):
            return
        await self._put(body, current)
        turned = conditions.transitions(previous.get("conditions") or [], current.get("conditions") or [])
        for condition in turned:
            log.info("condition", service_code=body["metadata"]["name"], **_short(condition))
            if is_news(condition):
                await self.event(body, condition["reason"], condition["message"], warning=_is_bad(condition))

    async def record_key_ids(self, body: Object, key_ids: Sequence[str]) -> None:
        """Before anything can use a new key ring, its ids are on record: from then on its absence is a loss."""
        previous = body.get("status") or {}
        encryption = {**(previous.get("encryption") or {}), "keyIds": list(key_ids)}
        await self._put(body, {**previous, "encryption": encryption})

    async def record_confirmed(self, body: Object, record: Object) -> None:
        """Before anybody is invited, what the organization will have agreed to by accepting is on record."""
        await self._put(body, {**(body.get("status") or {}), "confirmed": record})

    async def repaired(self, body: Object, what: Sequence[str]) -> None:
        """Not told while a changed manifest is put in place: what differs then is its own wish, and looks the same."""
        if (body.get("status") or {}).get("observedGeneration") != body["metadata"].get("generation"):
            return
        for each in what:
            self._count(each.split(" ", 1)[0])
            await self.event(body, "Repaired", each, warning=True)

    async def event(self, body: Object, reason: str, note: str, *, warning: bool) -> None:
        """An Event is a courtesy: that it cannot be written stops nothing."""
        metadata = body["metadata"]
        event = events.render(
            metadata["name"],
            metadata["uid"],
            type="Warning" if warning else "Normal",
            reason=reason,
            action="Reconcile",
            note=note or reason,
            instance=self._instance,
            now=self._now(),
        )
        try:
            await self._effects.perform(Effect.CREATE_EVENT, self._cluster.create(event))
        except OperatorError as error:
            log.warning("event_not_written", service_code=metadata["name"], reason=reason, error=str(error))

    async def _put(self, body: Object, current: dict[str, Any]) -> None:
        metadata = body["metadata"]
        wanted = {
            "apiVersion": ORGANIZATION.api_version,
            "kind": ORGANIZATION.name,
            "metadata": {"name": metadata["name"], "uid": metadata["uid"]},
            "status": current,
        }
        applying = self._cluster.apply(wanted, manager=STATUS_FIELD_MANAGER, subresource="status")
        await self._effects.perform(Effect.WRITE_STATUS, applying)
        body["status"] = current


def is_news(condition: dict[str, Any]) -> bool:
    """Whether a turn of it is worth an Event: not what is only unknown yet, nor that nothing is wrong."""
    if condition["type"] in ABNORMAL:
        return bool(condition["type"] != "Reconciling" and condition["status"] == "True")
    return bool(condition["status"] != "Unknown")


def _is_bad(condition: dict[str, Any]) -> bool:
    bad = "True" if condition["type"] in ABNORMAL else "False"
    return str(condition["status"]) == bad


def _short(condition: dict[str, Any]) -> dict[str, str]:
    return {key: str(condition[key]) for key in ("type", "status", "reason", "message")}

"""Brings announcements to the apps they concern, and takes them back when they are over.

The work queue holds two sorts of names: `announcement/<name>` reads one anew, `app/<service code>` compares what one
app has with what it should have. An app that is away is behind; its next answer brings it back.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Final

import structlog

from kozutumi_contract.labels import STATUS_FIELD_MANAGER
from kozutumi_operator.announcements import status
from kozutumi_operator.announcements.announcement import Announcement, parse
from kozutumi_operator.cluster.client import Cluster
from kozutumi_operator.cluster.kinds import ANNOUNCEMENT, ORGANIZATION, Object
from kozutumi_operator.errors import TenantUnavailable
from kozutumi_operator.reconcile.effects import Effect, Effects
from kozutumi_operator.reconcile.following import Following

_ANNOUNCEMENT: Final = "announcement/"
_APP: Final = "app/"
_TOGETHER: Final = 1.0  # seconds; deliveries to many apps become one write of the status
log = structlog.get_logger()


@dataclass(slots=True, kw_only=True)
class Announcing:
    """`add(name)` and `add_later(name, seconds)` are its own work queue's."""

    cluster: Cluster
    effects: Effects
    following: Following
    add: Callable[[str], None]
    add_later: Callable[[str, float], None]
    mine: Callable[[Object], bool]
    now: Callable[[], datetime]
    _board: dict[str, Announcement] = field(default_factory=dict)
    _seen: dict[str, int] = field(default_factory=dict)  # announcement → generation
    _labels: dict[str, Mapping[str, str]] = field(default_factory=dict)  # service code → labels of its Organization
    _has: dict[str, dict[str, str]] = field(default_factory=dict)  # service code → what its app has: name → digest
    _behind: set[str] = field(default_factory=set)

    async def load(self) -> None:
        """Before any app is compared: what is not on the board would be taken back.

        And before anything is told: whom nobody had seen yet, an announcement would not seem to concern.
        """
        for body in await self.cluster.list(ANNOUNCEMENT):
            announcement = parse(body)
            if not announcement.is_over(self.now()):
                self._board[announcement.name] = announcement
        for organization in await self.cluster.list(ORGANIZATION):
            self.organization_seen(None, organization)

    def shown(self) -> list[str]:
        """Names of what is on the board."""
        return list(self._board)

    def seen(self, type_: str | None, found: Object) -> None:
        """Only a change of what it says is news, not one of its status."""
        name, generation = found["metadata"]["name"], found["metadata"].get("generation", 0)
        if type_ == "DELETED" or self._seen.get(name) != generation:
            self._seen[name] = generation
            self.add(_ANNOUNCEMENT + name)

    def organization_seen(self, type_: str | None, organization: Object) -> None:
        code, labels = organization["metadata"]["name"], organization["metadata"].get("labels") or {}
        known = self._labels.get(code)
        if type_ == "DELETED" or not self.mine(organization):
            self._labels.pop(code, None)
            self._has.pop(code, None)
            self._behind.discard(code)
        elif known != labels:
            self._labels[code] = dict(labels)
            self._behind.add(code)
            self.add(_APP + code)
        if (code in self._labels) != (known is not None):
            for name in self._board:
                self.add_later(_ANNOUNCEMENT + name, _TOGETHER)

    def answered(self, code: str) -> None:
        """An app has just answered the operator."""
        if code in self._behind:
            self.add(_APP + code)

    async def look(self, name: str) -> float | None:
        if name.startswith(_APP):
            return await self._bring(name.removeprefix(_APP))
        return await self._read(name.removeprefix(_ANNOUNCEMENT))

    async def _read(self, name: str) -> float | None:
        body = await self.cluster.get(ANNOUNCEMENT, name)
        announcement = None if body is None or "deletionTimestamp" in body["metadata"] else parse(body)
        if announcement is None or announcement.is_over(self.now()):
            self._board.pop(name, None)
        else:
            self._board[name] = announcement
        reached = 0
        for code in self._labels:
            wanted = self._wanted(code).get(name)
            if self._has.get(code, {}).get(name) != (wanted.digest if wanted else None):
                self._behind.add(code)
                self.add(_APP + code)
            elif wanted is not None:
                reached += 1
        if body is None or announcement is None:
            self._seen.pop(name, None)
            return None
        await self._tell(body, announcement, reached)
        if announcement.until is None or announcement.is_over(self.now()):
            return None
        return (announcement.until - self.now()).total_seconds()

    def _wanted(self, code: str) -> dict[str, Announcement]:
        labels = self._labels.get(code, {})
        return {name: each for name, each in self._board.items() if each.concerns(code, labels)}

    async def _bring(self, code: str) -> float | None:
        """What the app itself says it has is compared: it may be newer or older than what was brought."""
        tenant = self.following.tenant(code)
        if tenant is None or code not in self._labels:
            return None
        try:
            has = await tenant.announcements()
            wanted = self._wanted(code)
            for name, announcement in wanted.items():
                if has.get(name) != announcement.digest:
                    document = {**announcement.document, "digest": announcement.digest}
                    await self.effects.perform(Effect.PUSH_ANNOUNCEMENT, tenant.announce(document))
            for name in has.keys() - wanted.keys():
                await self.effects.perform(Effect.WITHDRAW_ANNOUNCEMENT, tenant.withdraw(name))
        except TenantUnavailable as error:
            log.info("announcements_wait", service_code=code, error=str(error))
            return None
        self._behind.discard(code)
        now_has = {name: each.digest for name, each in wanted.items()}
        if self._has.get(code) != now_has:
            for name in now_has.keys() | self._has.get(code, {}).keys():
                self.add_later(_ANNOUNCEMENT + name, _TOGETHER)
        self._has[code] = now_has
        return None

    async def _tell(self, body: Object, announcement: Announcement, reached: int) -> None:
        over = announcement.is_over(self.now())
        concerned = sum(announcement.concerns(code, labels) for code, labels in self._labels.items())
        previous = body.get("status") or {}
        delivered = int(previous.get("delivered", 0)) if over else reached
        current = status.render(announcement, previous, concerned=concerned, delivered=delivered, now=self.now())
        if current == previous:
            return
        metadata = body["metadata"]
        wanted = {
            "apiVersion": ANNOUNCEMENT.api_version,
            "kind": ANNOUNCEMENT.name,
            "metadata": {"name": metadata["name"], "uid": metadata["uid"]},
            "status": current,
        }
        applying = self.cluster.apply(wanted, manager=STATUS_FIELD_MANAGER, subresource="status")
        await self.effects.perform(Effect.WRITE_ANNOUNCEMENT_STATUS, applying)

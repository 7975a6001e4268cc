"""Which release each organization is on, and the rollout of another in waves.

While nothing is to be rolled out it asks the API server for nothing.
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any, Final

import structlog

from kozutumi_contract import labels
from kozutumi_operator.cluster.client import Cluster
from kozutumi_operator.cluster.kinds import CONFIG_MAP, ORGANIZATION, Object
from kozutumi_operator.errors import OperatorError
from kozutumi_operator.organizations import fleet_record, releases, rollout, waves
from kozutumi_operator.organizations.observed import Observed
from kozutumi_operator.organizations.reasons import Reason
from kozutumi_operator.organizations.rollout import Finish, Halt, Member, Move, RollBack, Rollout, Step, Wait
from kozutumi_operator.organizations.waves import Policy
from kozutumi_operator.platform import PlatformSettings
from kozutumi_operator.reconcile.effects import Effect, Effects
from kozutumi_operator.shards import Shard

LOOK: Final = 5.0  # seconds between two looks at an open rollout, at most
PAUSED_LOOK: Final = 30.0
UNSEEN: Final = timedelta(seconds=60)  # an organization that cannot even be looked at holds nobody up for longer
Tell = Callable[..., Awaitable[None]]

log = structlog.get_logger()


@dataclass(frozen=True, slots=True)
class Seen:
    """What the last look at an organization found, and since when it has not been well."""

    release: str
    complete: bool
    stuck: bool
    ready: bool
    unwell_since: datetime | None


class Fleet:
    """`changed(name)` queues an organization; `tell(body, reason, note, warning=…)` writes an Event about it."""

    def __init__(
        self,
        cluster: Cluster,
        effects: Effects,
        platform: PlatformSettings,
        policy: Policy,
        *,
        now: Callable[[], datetime],
        changed: Callable[[str], None] = lambda _: None,
        tell: Tell | None = None,
        shard: Shard = Shard(),  # noqa: B008 - frozen
    ) -> None:
        self._cluster = cluster
        self._effects = effects
        self._platform = platform
        self._policy = policy
        self._now = now
        self._changed = changed
        self._tell = tell
        self._record = fleet_record.name_of(shard.name)
        self.shard = shard
        self._wanted = releases.of(platform)
        self._seen: dict[str, Seen] = {}
        self._news = asyncio.Event()
        self._started = now()
        self.rollout: Rollout = rollout.begin(None, self._wanted)
        self.paused = False
        self.rollbacks = 0

    async def load(self) -> None:
        """Call once, before the first look. Raises RecordError, OperatorError."""
        found = await self._cluster.get(CONFIG_MAP, self._record, labels.SYSTEM_NAMESPACE)
        recorded = None if found is None else fleet_record.parse(found)
        retry = "" if found is None else fleet_record.annotation(found, labels.RETRY_RELEASE)
        self.rollout = rollout.begin(recorded, self._wanted, retry=retry)
        self.paused = found is not None and fleet_record.paused(found)
        self._started = self._now()
        if self.rollout != recorded:
            await self._write(self.rollout)
        log.info("fleet", phase=str(self.rollout.phase), message=self.rollout.message, wanted=self._wanted.id)
        self._news.set()

    def platform_for(self, name: str) -> PlatformSettings:
        """The platform as the release of this organization has it."""
        return releases.apply(self.rollout.release_of(name), self._platform)

    def stamped(self, name: str, objects: Sequence[Object], observed: Observed) -> list[Object]:
        return releases.stamped(objects, self.rollout.release_of(name), observed, self._wanted.rendering)

    def looked(self, body: Object, observed: Observed) -> None:
        """A look at an organization has ended; its status is in `body`."""
        release, complete = releases.deployed(observed)
        name, ready = body["metadata"]["name"], _is_ready(body)
        before = self._seen.get(name)
        since = None if ready and complete else (before and before.unwell_since) or self._now()
        seen = Seen(release, complete, releases.stuck(observed), ready, since)
        if self._seen.get(name) != seen or self.rollout.phase is rollout.Phase.SETTLED:
            self._seen[name] = seen
            if self.rollout.open:
                self._news.set()

    def is_healthy(self, name: str) -> bool:
        """Whether it was Ready with every pod new and available when it was last looked at."""
        seen = self._seen.get(name)
        return seen is not None and seen.ready and seen.complete

    def forget(self, name: str) -> None:
        self._seen.pop(name, None)

    async def run(self) -> None:
        """Until cancelled."""
        while True:
            try:
                delay = await self.tick()
            except OperatorError as error:
                log.warning("fleet_failed", error=str(error))
                delay = LOOK
            self._news.clear()
            try:
                async with asyncio.timeout(delay):
                    await self._news.wait()
                await asyncio.sleep(1)  # news come in bursts
            except TimeoutError:
                pass

    async def tick(self) -> float | None:
        """Decide, write down, tell. Seconds until the next look, or None where only news can change anything."""
        if not self.rollout.open:
            return None
        found = await self._cluster.get(CONFIG_MAP, self._record, labels.SYSTEM_NAMESPACE)
        self.paused = found is not None and fleet_record.paused(found)
        if self.paused:
            return PAUSED_LOOK
        bodies = {
            each["metadata"]["name"]: each
            for each in await self._cluster.list(ORGANIZATION, label_selector=self.shard.selector)
            if not each["metadata"].get("deletionTimestamp")
        }
        now = self._now()
        if bodies.keys() - self._seen.keys() and now - self._started < UNSEEN:
            return LOOK
        members = [self._member(body) for name, body in sorted(bodies.items()) if name in self._seen]
        current = waves.noted(self.rollout, members, self._policy, now)
        step = waves.next_step(current, members, self._policy, now)
        following = rollout.after(current, step, now, members)
        if isinstance(step, Wait):
            self.rollout = following
            return _delay(step, now) if following.phase is rollout.Phase.ROLLING else None
        await self._write(following)
        concerned = _concerned(current, step)
        self.rollout = following
        self.rollbacks += isinstance(step, RollBack)
        for name in sorted(concerned):
            self._changed(name)
        log.info("fleet", phase=str(following.phase), step=type(step).__name__, message=following.message)
        await self._announce(step, following, {name: bodies[name] for name in sorted(concerned) if name in bodies})
        return 0.0

    def _member(self, body: Object) -> Member:
        metadata = body["metadata"]
        seen = self._seen[metadata["name"]]
        annotations, marks = metadata.get("annotations") or {}, metadata.get("labels") or {}
        return Member(
            name=metadata["name"],
            canary=marks.get(labels.CANARY) == "true",
            paused=annotations.get(labels.PAUSED) == "true",
            release=seen.release,
            ready=seen.ready,
            complete=seen.complete,
            stuck=seen.stuck,
            unwell_since=seen.unwell_since,
        )

    async def _write(self, following: Rollout) -> None:
        """Before anything is done for it: whoever takes over goes on from here."""
        record = fleet_record.render(following, self._record)
        await self._effects.perform(Effect.NOTE_RELEASE, self._cluster.apply(record))

    async def _announce(self, step: Step, following: Rollout, bodies: Mapping[str, Object]) -> None:
        reason = _reason(step)
        if self._tell is None or reason is None:
            return
        for body in bodies.values():
            warning = reason is not Reason.ROLLING_OUT
            await self._tell(body, str(reason), f"{following.message} {_advice(step, self._record)}", warning=warning)


def _delay(step: Wait, now: datetime) -> float:
    """A change is told by a look; what only time changes is looked at when it is due."""
    return LOOK if step.until is None else min(LOOK, max(0.1, (step.until - now).total_seconds()))


def _concerned(current: Rollout, step: Step) -> frozenset[str]:
    """Whose release changes, or who is the cause."""
    match step:
        case Move(names=names):
            return names
        case RollBack():
            return frozenset(current.moved)
        case Halt(failed=failed):
            return failed
        case Wait() | Finish():
            return frozenset()


def _reason(step: Step) -> Reason | None:
    match step:
        case Move():
            return Reason.ROLLING_OUT
        case RollBack():
            return Reason.ROLLED_BACK
        case Halt():
            return Reason.ROLLOUT_HALTED
        case Wait() | Finish():
            return None


def _advice(step: Step, record: str) -> str:
    if isinstance(step, Move):
        return "No action needed."
    return f"See ConfigMap {labels.SYSTEM_NAMESPACE}/{record}, correct the release and apply the platform's settings."


def _is_ready(body: Object) -> bool:
    """Suspended counts: nothing runs that could fail."""
    if (body.get("spec") or {}).get("suspend"):
        return True
    found: list[dict[str, Any]] = (body.get("status") or {}).get("conditions") or []
    return any(each["type"] == "Ready" and each["status"] == "True" for each in found)

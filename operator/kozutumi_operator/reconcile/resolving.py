"""What is known of all plans and of all claims on hosts, kept by the watches: resolving asks the API server nothing."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterable

import structlog

from kozutumi_operator.cluster.client import Cluster
from kozutumi_operator.cluster.kinds import ORGANIZATION, ORGANIZATION_PLAN, Object
from kozutumi_operator.organizations import plans, resolution, spec
from kozutumi_operator.organizations.hosts import HostRegistry
from kozutumi_operator.organizations.resolution import Resolved, resolve
from kozutumi_operator.organizations.turns import Turns
from kozutumi_operator.platform import PlatformSettings

log = structlog.get_logger()


class Resolving:
    """`add(name)` queues an organization whose manifest may now mean something else. `plans` are by name."""

    def __init__(self, platform: PlatformSettings, add: Callable[[str], None]) -> None:
        self._add = add
        self._platform = platform
        self.plans: dict[str, Object] = {}
        self.kinds: frozenset[str] = frozenset()
        self._registry = HostRegistry(platform.domain)
        self._plan_named: dict[str, str | None] = {}
        self._in_force: dict[str, Object] = {}
        self._turns = Turns()

    @property
    def organizations(self) -> Iterable[str]:
        return self._plan_named

    async def load(self, cluster: Cluster) -> None:
        """Learn everything once, before the first look: a plan seen late would roll the organization twice."""
        self.kinds = frozenset(kind.name for kind in cluster.kinds)
        for plan in await cluster.list(ORGANIZATION_PLAN):
            self.plans[plan["metadata"]["name"]] = plan
        for body in await cluster.list(ORGANIZATION):
            self._note(body)

    def organization_seen(self, event_type: str | None, body: Object) -> None:
        """An event of the watch over Organizations."""
        if event_type == "DELETED":
            self.forget(body["metadata"]["name"])
        else:
            self._look_again(self._note(body))

    def plan_seen(self, event_type: str | None, plan: Object) -> None:
        """An event of the watch over OrganizationPlans: its organizations are looked at again if it changed."""
        name = plan["metadata"]["name"]
        old = self.plans.pop(name, None)
        if event_type != "DELETED":
            self.plans[name] = plan
        if old is not None and event_type != "DELETED" and old.get("spec") == plan.get("spec"):
            return
        log.info("plan_changed", plan=name)
        concerned = plans.is_default(plan) or (old is not None and plans.is_default(old))
        self._look_again(
            each for each, named in self._plan_named.items() if named == name or (named is None and concerned)
        )

    def resolve(self, body: Object) -> Resolved:
        """The organization as it is to be now.

        What was last accepted, where the manifest is refused or the plan's change is others' turn first. How it stops
        and ends is the manifest's also then: a refused quota must not keep anybody from suspending.
        """
        self._look_again(self._note(body))
        name = body["metadata"]["name"]
        resolved = resolve(body, self.plans, self._registry, self._platform, self.kinds)
        accepted = self._in_force.get(name) or json.loads((body.get("status") or {}).get("accepted") or "null")
        if resolved.body is not None and not self._must_wait(body, resolved.body, accepted):
            self._in_force[name] = resolved.body["spec"]
            return resolved
        if accepted is None:
            return resolved
        self._in_force[name] = accepted
        kept = {**body, "spec": resolution.with_ending(accepted, body.get("spec") or {})}
        return Resolved(spec.parse(kept), kept, resolved.refusal)

    def _must_wait(self, body: Object, wanted: Object, accepted: Object | None) -> bool:
        """A change that is not the manifest's is a plan's, and reaches its organizations one after the other."""
        metadata = body["metadata"]
        ours = (body.get("status") or {}).get("observedGeneration") != metadata.get("generation", 0)
        if ours or accepted is None or resolution.same_but_for_hosts(accepted, wanted["spec"]):
            return False
        name = plans.value_of(wanted["spec"], "planRef.name")
        generation = self.plans[name]["metadata"].get("generation", 0) if name in self.plans else 0
        mates = sum(1 for spec in self._in_force.values() if plans.value_of(spec, "planRef.name") == name)
        follows = self._turns.may_follow(metadata["name"], f"{name}/{generation}", mates)
        log.info("plan_turn", service_code=metadata["name"], plan=name, generation=generation, follows=follows)
        return not follows

    def looked(self, name: str, *, healthy: bool) -> None:
        """A look has ended with the organization's pods complete and Ready, or not."""
        self._look_again(self._turns.looked(name, healthy=healthy))

    def recorded(self, name: str) -> str:
        """What is in force, for the status: it must outlast this process."""
        return (
            json.dumps(self._in_force.get(name), sort_keys=True, ensure_ascii=False) if name in self._in_force else ""
        )

    def forget(self, name: str) -> None:
        """An organization is gone: its hosts are free."""
        self._plan_named.pop(name, None)
        self._in_force.pop(name, None)
        self._look_again(self._registry.drop(name))
        self._look_again(self._turns.forget(name))

    def _note(self, body: Object) -> list[str]:
        named = plans.value_of(body.get("spec") or {}, "planRef.name")
        self._plan_named[body["metadata"]["name"]] = named
        return self._registry.put(body)

    def _look_again(self, names: Iterable[str]) -> None:
        for name in names:
            self._add(name)

"""From a manifest, all plans and all claims on hosts to what the organization is to be, or why it may not be."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from dataclasses import dataclass
from typing import Any, Final

from kozutumi_operator.errors import SpecRefused
from kozutumi_operator.organizations import endpoint_support, hosts, plans, servable, spec, unsupported
from kozutumi_operator.organizations.hosts import HostRegistry
from kozutumi_operator.organizations.plans import Body
from kozutumi_operator.organizations.spec import Organization
from kozutumi_operator.platform import PlatformSettings

# How an organization stops and ends: not to be lost where the rest of a manifest is refused or cannot be read.
ENDING: Final = ("suspend", "deletionPolicy", "retainFor", "legalHold")


@dataclass(frozen=True, slots=True)
class Resolved:
    """`body`: what may be put in place, plan applied, or None where nothing of it may.

    `organization` is what `body` says; without one, the bare manifest as far as readable, to report about.
    """

    organization: Organization
    body: Body | None
    refusal: SpecRefused | None = None


def resolve(
    body: Mapping[str, Any],
    known: Mapping[str, Body],
    registry: HostRegistry,
    platform: PlatformSettings,
    kinds: Collection[str] = (),
) -> Resolved:
    """Apply the plan, and refuse what cannot be. `registry` knows the claim of this organization too.

    `kinds`: what this cluster has of other projects' kinds.
    """
    try:
        chosen = plans.effective(body, plans.choose(body, known))
        organization = spec.parse(chosen)
        unsupported.refuse(organization)
        servable.refuse_unservable(organization, platform)
        endpoint_support.refuse(organization, platform, kinds)
    except SpecRefused as refusal:
        return Resolved(_readable(body), None, refusal)
    lost = registry.lost(body["metadata"]["name"])
    if lost:
        chosen = hosts.without(chosen, lost)
    return Resolved(spec.parse(chosen), chosen, hosts.conflict(lost) if lost else None)


def _readable(body: Mapping[str, Any]) -> Organization:
    """The manifest; where even that cannot be read, who it is and how it may end."""
    try:
        return spec.parse(body)
    except SpecRefused:
        kept = {
            key: value for key, value in (body.get("spec") or {}).items() if key in ("planRef", "residency", *ENDING)
        }
        return spec.parse(dict(body) | {"spec": kept})


def with_ending(accepted: Mapping[str, Any], asked: Mapping[str, Any]) -> Body:
    """The accepted spec, stopping and ending as the manifest asks."""
    kept = {key: value for key, value in accepted.items() if key not in ENDING}
    return kept | {key: asked[key] for key in ENDING if key in asked}


def same_but_for_hosts(one: Mapping[str, Any], other: Mapping[str, Any]) -> bool:
    """Whether nothing differs that runs: hosts come and go by other organizations, and ending is not a plan's."""
    return _comparable(one) == _comparable(other)


def _comparable(spec: Mapping[str, Any]) -> Body:
    endpoint = {key: value for key, value in (spec.get("endpoint") or {}).items() if key != "hosts"}
    return with_ending(spec, {}) | {"endpoint": endpoint, "planRef": None}

"""OrganizationPlans: named defaults and ceilings, as StorageClass names storage.

Order of who decides a field: the manifest, the plan's default, the built-in default. A manifest above a ceiling is
refused; a default above one, the plan's or the built-in, is lowered to it: nobody asked for more.
"""

from __future__ import annotations

import copy
from collections.abc import Callable, Mapping
from typing import Any, Final

from kozutumi_operator.errors import SpecRefused
from kozutumi_operator.organizations import quantities
from kozutumi_operator.organizations.defaults import DEFAULTS
from kozutumi_operator.organizations.reasons import Reason

Body = dict[str, Any]

# Sections of an Organization's spec that a plan may fill in. The rest is one organization's own business.
SECTIONS: Final = (
    "endpoint",
    "quota",
    "transfer",
    "encryption",
    "scanner",
    "authentication",
    "backup",
    "audit",
    "app",
)
# Values that make sense whole or not at all: half of one issuer and half of another is none.
WHOLE: Final = frozenset({"endpoint.tls", "endpoint.parentRef", "authentication.oidc"})
# Fields that may have a ceiling, and how two values of each compare.
CEILINGS: Final[Mapping[str, Callable[[Any], Any]]] = {
    "quota.storage": quantities.size,
    "quota.users": int,
    "quota.maxFileSize": quantities.size,
    "quota.monthlyTransfer": quantities.size,
    "transfer.maxExpiry": quantities.duration,
    "transfer.maxDownloads": int,
    "encryption.rotationPeriod": quantities.duration,
    "scanner.maximumSignatureAge": quantities.duration,
    "scanner.resources.requests.cpu": quantities.quantity,
    "scanner.resources.limits.memory": quantities.size,
    "app.replicas": int,
    "app.resources.requests.cpu": quantities.quantity,
    "app.resources.limits.memory": quantities.size,
}
# A default gives way where what is asked for bounds it from above.
_BOUNDED: Final = {"transfer.defaultExpiry": "transfer.maxExpiry", "quota.maxFileSize": "quota.storage"}
_READERS: Final = {**CEILINGS, "transfer.defaultExpiry": quantities.duration}


def choose(organization: Mapping[str, Any], plans: Mapping[str, Body]) -> Body | None:
    """The plan that the manifest names, else the default one, else none.

    Raises SpecRefused with PlanNotFound, or with DefaultPlanAmbiguous where several plans are the default.
    """
    named = ((organization.get("spec") or {}).get("planRef") or {}).get("name")
    if named is not None:
        if named not in plans:
            raise SpecRefused(
                f"spec.planRef: there is no OrganizationPlan {named!r}; create it, or name one of: "
                f"{', '.join(sorted(plans)) or 'none exists yet'}.",
                because=Reason.PLAN_NOT_FOUND,
            )
        return plans[named]
    defaults = sorted(name for name, plan in plans.items() if is_default(plan))
    if len(defaults) > 1:
        raise SpecRefused(
            f"OrganizationPlans {' and '.join(defaults)} are all marked as default; set spec.default to false in all "
            "but one, or name a plan in spec.planRef.",
            because=Reason.DEFAULT_PLAN_AMBIGUOUS,
        )
    return plans[defaults[0]] if defaults else None


def is_default(plan: Mapping[str, Any]) -> bool:
    return bool((plan.get("spec") or {}).get("default", False))


def effective(organization: Mapping[str, Any], plan: Mapping[str, Any] | None) -> Body:
    """The custom resource with its plan applied and `spec.planRef` naming the plan in effect.

    Raises SpecRefused with PlanCeilingExceeded, naming field, value and ceiling. The arguments are left as they are.
    """
    result = copy.deepcopy(dict(organization))
    spec = result.setdefault("spec", {})
    if plan is None:
        spec.pop("planRef", None)
        return result
    name, rules = plan["metadata"]["name"], plan.get("spec") or {}
    said, defaults = copy.deepcopy(spec), rules.get("defaults") or {}
    for section in SECTIONS:
        if section in defaults:
            spec[section] = _merged(section, defaults[section], spec.get(section))
    for field, read in CEILINGS.items():
        ceiling = value_of(rules.get("ceilings") or {}, field)
        if ceiling is not None:
            _hold(spec, said, field, ceiling, read, name)
    for field, bound in _BOUNDED.items():
        if value_of(said, field) is None:
            _lower(spec, field, value_of(spec, bound), _READERS[field])
    spec["planRef"] = {"name": name}
    return result


def value_of(spec: Mapping[str, Any], field: str) -> Any:
    """The value at a path such as `quota.storage`, or None."""
    value: Any = spec
    for step in field.split("."):
        value = value.get(step) if isinstance(value, Mapping) else None
    return value


def _merged(path: str, default: Any, said: Any) -> Any:
    if said is None:
        return copy.deepcopy(default)
    if path in WHOLE or not isinstance(default, Mapping) or not isinstance(said, Mapping):
        return said
    return dict(said) | {key: _merged(f"{path}.{key}", value, said.get(key)) for key, value in default.items()}


def _hold(spec: Body, said: Mapping[str, Any], field: str, ceiling: Any, read: Callable[[Any], Any], plan: str) -> None:
    asked = value_of(said, field)
    if asked is not None and _read(field, asked, read) > _read(field, ceiling, read):
        raise SpecRefused(
            f"spec.{field} is {asked}, and OrganizationPlan {plan} allows at most {ceiling}; "
            "lower it, or choose another plan.",
            because=Reason.PLAN_CEILING_EXCEEDED,
        )
    if value_of(spec, field) is None:
        _set(spec, field, DEFAULTS.get(field, ceiling))
    if asked is None:
        _lower(spec, field, ceiling, read)


def _lower(spec: Body, field: str, bound: Any, read: Callable[[Any], Any]) -> None:
    value = value_of(spec, field)
    if value is not None and bound is not None and _read(field, value, read) > _read(field, bound, read):
        _set(spec, field, bound)


def _read(field: str, value: Any, read: Callable[[Any], Any]) -> Any:
    try:
        return read(value)
    except ValueError as error:
        raise SpecRefused(f"spec.{field}: {error}") from None


def _set(spec: Body, field: str, value: Any) -> None:
    *sections, last = field.split(".")
    for section in sections:
        spec = spec.setdefault(section, {})
    spec[last] = value

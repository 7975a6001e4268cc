"""Manifest before plan before built-in default, and nothing above a ceiling: for every field, whatever is written."""

from __future__ import annotations

import copy
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from kozutumi_operator.errors import SpecRefused
from kozutumi_operator.organizations import plans, spec
from kozutumi_operator.organizations.defaults import DEFAULTS
from kozutumi_operator.organizations.reasons import Reason
from operator_builders import body


def plan(name: str = "standard", **rules: Any) -> dict[str, Any]:
    return {"metadata": {"name": name}, "spec": rules}


def of(field: str, value: Any) -> dict[str, Any]:
    """A nested mapping that holds `value` at a path such as `quota.storage`."""
    *sections, last = field.split(".")
    result = {last: value}
    for section in reversed(sections):
        result = {section: result}
    return result


SMALL: dict[str, list[Any]] = {
    "quota.storage": ["1Gi", "5Gi", "10Gi", "2Ti"],
    "quota.users": [1, 50, 100, 1000],
    "quota.maxFileSize": [1024, "5Mi", "1Gi"],
    "quota.monthlyTransfer": ["1Gi", "1Ti"],
    "transfer.maxExpiry": ["1h", "24h", "720h", "8000h"],
    "transfer.maxDownloads": [1, 3, 10, 100],
    "encryption.rotationPeriod": ["1h", "2160h", "8760h", "17520h"],
    "scanner.maximumSignatureAge": ["1h", "72h", "500h"],
    "scanner.resources.requests.cpu": ["5m", "10m", "1"],
    "scanner.resources.limits.memory": ["1Gi", "2Gi", "4Gi"],
    "app.replicas": [1],
    "app.resources.requests.cpu": ["5m", "20m", "1"],
    "app.resources.limits.memory": ["128Mi", "256Mi", "1Gi"],
}
FIELDS = st.sampled_from(sorted(SMALL))
VALUES = {field: st.none() | st.sampled_from(values) for field, values in SMALL.items()}


@given(field=FIELDS, data=st.data())
def test_one_field_is_decided_by_manifest_then_plan_then_default_under_the_ceiling(
    field: str, data: st.DataObject
) -> None:
    said, default, ceiling = (data.draw(VALUES[field], label=what) for what in ("manifest", "plan", "ceiling"))
    rules: dict[str, Any] = {}
    if default is not None:
        rules["defaults"] = of(field, default)
    if ceiling is not None:
        rules["ceilings"] = of(field, ceiling)
    manifest = body(**(of(field, said) if said is not None else {}))
    read = plans.CEILINGS[field]
    if said is not None and ceiling is not None and read(said) > read(ceiling):
        with pytest.raises(SpecRefused, match=field.replace(".", r"\.")) as refusal:
            plans.effective(manifest, plan(**rules))
        assert refusal.value.because is Reason.PLAN_CEILING_EXCEEDED
        assert str(said) in str(refusal.value)
        assert str(ceiling) in str(refusal.value)
        return
    found = plans.value_of(plans.effective(manifest, plan(**rules))["spec"], field)
    wanted = said if said is not None else default if default is not None else DEFAULTS.get(field)
    if said is None and ceiling is not None and (wanted is None or read(wanted) > read(ceiling)):
        wanted = ceiling
    if found is None:
        assert wanted == DEFAULTS.get(field)
    elif field != "quota.maxFileSize" or said is not None:
        assert read(found) == read(wanted)


EXAMPLES = st.fixed_dictionaries({}, optional={field: st.sampled_from(values) for field, values in SMALL.items()})


def nested(chosen: dict[str, Any]) -> dict[str, Any]:
    result: dict[str, Any] = {}
    for field, value in chosen.items():
        target = result
        *sections, last = field.split(".")
        for section in sections:
            target = target.setdefault(section, {})
        target[last] = value
    return result


@given(said=EXAMPLES, defaults=EXAMPLES, ceilings=EXAMPLES)
def test_what_comes_out_is_final_under_every_ceiling_and_leaves_its_sources_alone(
    said: dict[str, Any], defaults: dict[str, Any], ceilings: dict[str, Any]
) -> None:
    manifest, rules = body(**nested(said)), plan(defaults=nested(defaults), ceilings=nested(ceilings))
    before = copy.deepcopy((manifest, rules))
    try:
        found = plans.effective(manifest, rules)
    except SpecRefused as refusal:
        assert refusal.because is Reason.PLAN_CEILING_EXCEEDED  # noqa: PT017 - one of two outcomes, both checked
        found = None
    assert (manifest, rules) == before
    if found is None:
        return
    assert plans.effective(found, rules) == found
    for field, ceiling in ceilings.items():
        read = plans.CEILINGS[field]
        assert read(plans.value_of(found["spec"], field)) <= read(ceiling)
    for field, value in said.items():
        assert plans.value_of(found["spec"], field) == value


def test_a_plan_says_nothing_about_one_organization_s_own_business() -> None:
    nosy = plan(defaults={"suspend": True, "administrators": [], "network": {"extraEgress": [{"host": "a.example"}]}})
    assert spec.parse(plans.effective(body(), nosy)) == spec.parse(body(planRef={"name": "standard"}))


def test_an_issuer_is_taken_whole() -> None:
    both = plan(defaults={"endpoint": {"type": "Ingress", "tls": {"issuerRef": {"name": "a", "kind": "Issuer"}}}})
    read = spec.parse(plans.effective(body(endpoint={"tls": {"secretRef": {"name": "own"}}}), both))
    assert (read.endpoint_type, read.tls_issuer, read.tls_secret) == ("Ingress", None, "own")


@pytest.mark.parametrize(
    ("said", "rules", "found"),
    [
        ({"transfer": {"maxExpiry": "24h"}}, {"defaults": {"transfer": {"defaultExpiry": "100h"}}}, (86400, 86400)),
        ({}, {"ceilings": {"transfer": {"maxExpiry": "24h"}}}, (86400, 86400)),
        ({"transfer": {"maxExpiry": "24h"}}, {}, (86400, 86400)),
    ],
)
def test_a_default_expiry_gives_way_to_a_shorter_longest(
    said: dict[str, Any], rules: dict[str, Any], found: tuple[int, int]
) -> None:
    read = spec.parse(plans.effective(body(**said), plan(**rules)))
    assert (read.default_expiry, read.max_expiry) == found


def test_an_expiry_that_was_written_does_not_give_way() -> None:
    with pytest.raises(SpecRefused, match=r"spec\.transfer\.defaultExpiry"):
        spec.parse(body(transfer={"defaultExpiry": "100h", "maxExpiry": "24h"}))


def test_a_small_quota_bounds_the_largest_file_unless_one_is_written() -> None:
    assert spec.parse(body(quota={"storage": "1Gi"})).max_file_size == 2**30
    with pytest.raises(SpecRefused, match=r"spec\.quota\.maxFileSize"):
        spec.parse(body(quota={"storage": "1Gi", "maxFileSize": "1500Mi"}))


DEFAULT, OTHER, SECOND = plan("usual", default=True), plan("other"), plan("second", default=True)


@pytest.mark.parametrize(
    ("named", "known", "chosen"),
    [
        (None, [], None),
        (None, [OTHER], None),
        (None, [OTHER, DEFAULT], "usual"),
        ("other", [OTHER, DEFAULT], "other"),
        ("other", [OTHER, DEFAULT, SECOND], "other"),
        (None, [DEFAULT, SECOND], Reason.DEFAULT_PLAN_AMBIGUOUS),
        ("gone", [DEFAULT], Reason.PLAN_NOT_FOUND),
    ],
)
def test_which_plan_is_in_effect(named: str | None, known: list[dict[str, Any]], chosen: object) -> None:
    manifest = body(**({"planRef": {"name": named}} if named else {}))
    by_name = {each["metadata"]["name"]: each for each in known}
    if isinstance(chosen, Reason):
        with pytest.raises(SpecRefused) as refusal:
            plans.choose(manifest, by_name)
        assert refusal.value.because is chosen
        return
    found = plans.choose(manifest, by_name)
    assert (found and found["metadata"]["name"]) == chosen
    assert spec.parse(plans.effective(manifest, found)).plan == chosen

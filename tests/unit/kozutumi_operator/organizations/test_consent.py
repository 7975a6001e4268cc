"""What waits for the organization's consent, and that nothing goes around it."""

from __future__ import annotations

import copy
import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from kozutumi_operator.organizations import consent
from kozutumi_operator.organizations.consent import GUARDED, View

Body = dict[str, Any]
ADMIN, PROVIDER = [{"email": "admin@acme.test"}], [{"email": "provider@kozutumi.test"}]


def body(**spec: Any) -> Body:
    whole = {"administrators": ADMIN, "quota": {"users": 5}, **spec}
    return {"metadata": {"name": "acme", "uid": "u-1"}, "spec": whole}


def view(
    manifest: Body, record: Body | None, *, accepted: bool | None = True, decisions: dict[str, str] | None = None
) -> View:
    return consent.view(manifest, record, decisions=decisions or {}, accepted=accepted)


@pytest.fixture
def agreed() -> Body:
    return view(body(), None).record


CHANGES: dict[str, Body] = {
    "administrators": {"administrators": PROVIDER},
    "authentication": {"authentication": {"oidc": {"issuer": "https://provider.test"}}},
    "network.extraEgress": {"network": {"extraEgress": [{"cidr": "203.0.113.0/24"}]}},
    "transfer.unscannable": {"transfer": {"unscannable": "AdministratorRelease"}},
}


def test_there_is_a_case_for_every_guarded_field() -> None:
    assert CHANGES.keys() == set(GUARDED)


@pytest.mark.parametrize("field", GUARDED)
def test_a_guarded_change_waits_and_the_old_value_stays(field: str, agreed: Body) -> None:
    seen = view(body(**CHANGES[field], quota={"users": 9}), agreed)
    (change,) = seen.pending
    assert change.field == field
    assert view(seen.body, agreed).pending == ()
    assert consent.canonical(seen.body, field) == consent.canonical(body(), field)
    assert seen.body["spec"]["quota"] == {"users": 9}
    assert seen.record == agreed


@pytest.mark.parametrize("field", GUARDED)
def test_confirmed_it_applies_and_the_next_one_waits_again(field: str, agreed: Body) -> None:
    changed = body(**CHANGES[field])
    (change,) = view(changed, agreed).pending
    seen = view(changed, agreed, decisions={change.id: "confirmed"})
    assert (seen.body, seen.pending) == (changed, ())
    (back,) = view(body(), seen.record, decisions={change.id: "confirmed"}).pending
    returned = view(body(), seen.record, decisions={back.id: "confirmed"}).record
    (again,) = view(changed, returned, decisions={change.id: "confirmed", back.id: "confirmed"}).pending
    assert len({change.id, back.id, again.id}) == 3


@pytest.mark.parametrize("state", ["pending", "refused", "withdrawn", "", "Confirmed"])
def test_no_other_state_lets_it_through(state: str, agreed: Body) -> None:
    changed = body(administrators=PROVIDER)
    (change,) = view(changed, agreed).pending
    (still,) = view(changed, agreed, decisions={change.id: state}).pending
    assert still.refused == (state == "refused")


def test_before_the_first_administrator_has_accepted_everything_applies() -> None:
    first = view(body(), None, accepted=False)
    assert not first.record["bootstrapped"]
    seen = view(body(administrators=PROVIDER), first.record, accepted=False)
    assert (seen.pending, seen.body["spec"]["administrators"]) == ((), PROVIDER)
    assert json.loads(seen.record["fields"][GUARDED.index("administrators")]["value"]) == PROVIDER


def test_while_the_app_cannot_be_asked_nothing_guarded_changes() -> None:
    first = view(body(), None, accepted=False)
    assert len(view(body(administrators=PROVIDER), first.record, accepted=None).pending) == 1


def test_what_changed_while_the_operator_was_away_is_held_to_what_was_accepted() -> None:
    first = view(body(), None, accepted=False)
    seen = view(body(administrators=PROVIDER), first.record, accepted=True)
    assert seen.record["bootstrapped"]
    assert seen.body["spec"]["administrators"] == ADMIN


def test_a_database_that_forgot_its_administrator_opens_nothing(agreed: Body) -> None:
    assert len(view(body(administrators=PROVIDER), agreed, accepted=False).pending) == 1


def test_a_grant_allows_the_very_change_that_it_names(agreed: Body) -> None:
    (change,) = view(body(administrators=PROVIDER), agreed).pending
    (other,) = view(body(administrators=[{"email": "else@kozutumi.test"}]), agreed).pending
    assert consent.allowed_by_grant({change.id}, change)
    assert not consent.allowed_by_grant({change.id}, other)
    assert not consent.allowed_by_grant({"spec.administrators"}, change)


def test_absent_empty_and_default_are_the_same(agreed: Body) -> None:
    same = body(authentication={}, network={"extraEgress": []}, transfer={"unscannable": "Reject"})
    assert view(same, agreed).pending == ()


POSSIBLE: list[Body] = [{}, *CHANGES.values(), {"administrators": []}, {"authentication": {"mfa": "Everyone"}}]
VALUES = st.sampled_from(POSSIBLE)


@given(st.lists(st.tuples(VALUES, st.sampled_from(["", "confirmed", "refused", "granted"]))))
def test_what_is_in_force_changes_only_by_agreement(steps: list[tuple[Body, str]]) -> None:
    record = view(body(), None).record
    manifest, decisions = body(), dict[str, str]()
    for value, decision in steps:
        manifest = body(**copy.deepcopy(value))
        before = {each["field"]: each["value"] for each in record["fields"]}
        asked = view(manifest, record, decisions=decisions).pending
        if decision and asked:
            decisions[asked[0].id] = decision
        seen = view(manifest, record, decisions=decisions)
        for field in GUARDED:
            now = consent.canonical(seen.body, field)
            agreed_now = any(
                change.field == field and change.new == now and decisions.get(change.id) in {"confirmed", "granted"}
                for change in asked
            )
            assert now == before[field] or agreed_now
        record = seen.record

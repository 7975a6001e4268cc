"""A log that goes back or forks is noticed, told as long as nobody has looked into it, and remembered over restarts."""

from __future__ import annotations

import dataclasses

import pytest

from kozutumi_operator.organizations import audit_watch, conditions, status
from kozutumi_operator.organizations.audit_watch import Head, Pulled, Watched
from kozutumi_operator.organizations.reasons import ConditionType, Reason
from operator_builders import settings
from organization_world import GOOD, LATER, NOW

A, B, C = "aa" * 32, "bb" * 32, "cc" * 32
SEEN = Watched(head=Head(5, A))


@pytest.mark.parametrize(
    ("pulled", "why"),
    [
        (Pulled(Head(5, A), A), None),
        (Pulled(Head(9, B), A), None),
        (Pulled(Head(9, B), None), None),  # an app of an older release does not tell
        (Pulled(Head(9, B), C), Reason.AUDIT_FORKED),
        (Pulled(Head(9, B), ""), Reason.AUDIT_FORKED),
        (Pulled(Head(5, B), B), Reason.AUDIT_FORKED),
        (Pulled(Head(4, B), ""), Reason.AUDIT_WENT_BACK),
        (Pulled(Head(0, "00" * 32), None), Reason.AUDIT_WENT_BACK),
    ],
)
def test_the_head_that_was_pulled_must_be_in_the_log(pulled: Pulled, why: Reason | None) -> None:
    after = audit_watch.judge(SEEN, pulled)
    assert (after.head, after.why, after.lost) == (pulled.head, why, SEEN.head if why else None)


def test_the_first_look_knows_nothing_to_compare() -> None:
    assert audit_watch.judge(Watched(), Pulled(Head(3, A), None, B)) == Watched(head=Head(3, A), key=B)


def test_the_first_loss_stays_until_it_is_acknowledged_by_its_hash() -> None:
    lost = audit_watch.judge(SEEN, Pulled(Head(4, B), ""))
    again = audit_watch.judge(lost, Pulled(Head(2, C), ""))
    assert (again.lost, again.why, again.head) == (Head(5, A), Reason.AUDIT_WENT_BACK, Head(2, C))
    assert audit_watch.acknowledged(again, B) == again
    assert audit_watch.acknowledged(again, A) == Watched(head=Head(2, C))


@pytest.mark.parametrize("watched", [SEEN, Watched(Head(2, C), Head(5, A), Reason.AUDIT_FORKED, B), Watched()])
def test_what_is_recorded_is_read_back(watched: Watched) -> None:
    assert audit_watch.recorded({"audit": audit_watch.render(watched)}) == watched


def test_a_loss_is_a_condition_of_its_own_and_worth_a_write_at_once() -> None:
    seen = dataclasses.replace(GOOD, audit=SEEN)
    before = status.render(seen, settings(), {}, NOW)
    grown = dataclasses.replace(GOOD, audit=Watched(head=Head(9, B)))
    assert not status.worth_writing(before, status.render(grown, settings(), before, LATER), LATER)
    lost = dataclasses.replace(GOOD, audit=audit_watch.judge(SEEN, Pulled(Head(9, B), C)))
    after = status.render(lost, settings(), before, LATER)
    assert status.worth_writing(before, after, LATER)
    assert after["audit"]["lost"] == {"sequence": 5, "hash": A, "reason": "AuditForked"}
    turned = {each["type"]: each for each in conditions.transitions(before["conditions"], after["conditions"])}
    assert set(turned) == {ConditionType.AUDIT_INTACT}
    assert turned["AuditIntact"]["status"] == "False"
    assert A in turned["AuditIntact"]["message"]

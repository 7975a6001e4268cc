from __future__ import annotations

import dataclasses
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from kozutumi_operator.organizations import disposal, spec
from kozutumi_operator.organizations.disposal import WAITING, Remains, Step
from operator_builders import body

NOW = datetime(2026, 11, 24, 12, 0, tzinfo=UTC)
DONE_BY: dict[Step, Any] = {
    Step.STOP_ENDPOINT: {"endpoint": False},
    Step.TAKE_INVENTORY: {"inventoried": True},
    Step.DRAIN: {"drained": True},
    Step.DESTROY_KEY_RING: {"key_ring": False},
    Step.STOP_PODS: {"pods": False},
    Step.EMPTY_CONTENT_BUCKET: {"content_objects": False},
    Step.REMOVE_CONTENT_BUCKET: {"content_bucket": False},
    Step.REMOVE_STORAGE_USER: {"storage_user": False},
    Step.DELETE_NAMESPACE: {"namespace": False},
    Step.AWAIT_VOLUME: {"volume": False},
    Step.RECORD: {"recorded": True},
}
DESTROYING = {
    Step.DESTROY_KEY_RING,
    Step.EMPTY_CONTENT_BUCKET,
    Step.REMOVE_CONTENT_BUCKET,
    Step.REMOVE_STORAGE_USER,
    Step.DELETE_NAMESPACE,
}
known = st.booleans()
perhaps = st.none() | st.booleans()
remains = st.builds(
    Remains,
    endpoint=known,
    drained=known,
    key_ring=known,
    pods=known,
    content_objects=perhaps,
    content_bucket=perhaps,
    storage_user=perhaps,
    namespace=known,
    volume=known,
    inventoried=known,
    recorded=known,
)
FULL = Remains(
    endpoint=True,
    drained=False,
    key_ring=True,
    pods=True,
    content_objects=True,
    content_bucket=True,
    storage_user=True,
    namespace=True,
    volume=True,
    inventoried=False,
    recorded=False,
)


def walk(state: Remains) -> list[Step]:
    steps: list[Step] = []
    while (step := disposal.next_step(state)) is not Step.REMOVE_FINALIZER:
        steps.append(step)
        state = dataclasses.replace(state, **DONE_BY[step])
    return steps


def test_a_whole_organization_goes_through_every_step_in_order() -> None:
    assert walk(FULL) == [each for each in list(Step)[:-1] if each not in {*WAITING, Step.FREEZE}]


@settings(deadline=None)
@given(remains)
def test_from_any_point_it_ends_and_nothing_goes_before_the_key_ring(state: Remains) -> None:
    steps = walk(state)
    assert steps == sorted(steps, key=list(Step).index)
    if state.key_ring:
        after = steps[steps.index(Step.DESTROY_KEY_RING) :]
        assert {Step.EMPTY_CONTENT_BUCKET, Step.DELETE_NAMESPACE} & set(steps) <= set(after)
    if not state.inventoried:
        assert steps.index(Step.TAKE_INVENTORY) < min(
            (steps.index(each) for each in steps if each in DESTROYING), default=len(steps)
        )


@settings(deadline=None)
@given(remains, st.sampled_from(sorted(WAITING)))
def test_while_something_keeps_it_nothing_is_destroyed_and_no_pod_stays(state: Remains, why: Step) -> None:
    state = dataclasses.replace(state, keeping=why)
    for _ in Step:
        step = disposal.next_step(state)
        assert step not in DESTROYING or not state.something
        if step in {why, Step.REMOVE_FINALIZER}:
            break
        pods = {"pods": False} if step is Step.FREEZE else {}
        state = dataclasses.replace(state, **DONE_BY.get(step, pods))
    if state.something:
        assert (disposal.next_step(state), state.pods) == (why, False)


@pytest.mark.parametrize(
    ("spec_fields", "minutes", "expected"),
    [
        ({}, 0, None),
        ({"deletionPolicy": "Retain", "retainFor": "1h"}, 59, Step.RETAIN),
        ({"deletionPolicy": "Retain", "retainFor": "1h"}, 60, None),
        ({"deletionPolicy": "Retain", "retainFor": "1h", "legalHold": {"reason": "case 7"}}, 10_000, Step.HOLD),
        ({"legalHold": {"reason": "case 7"}}, 0, Step.HOLD),
        ({"deletionPolicy": "Delete", "retainFor": "1h"}, 0, None),
    ],
)
def test_what_keeps_it_follows_from_the_resource_and_the_clock(
    spec_fields: dict[str, Any], minutes: int, expected: Step | None
) -> None:
    raw = body(**spec_fields)
    raw["metadata"]["deletionTimestamp"] = "2026-11-24T12:00:00Z"
    assert disposal.keeping(spec.parse(raw), NOW + timedelta(minutes=minutes)) is expected


@settings(deadline=None)
@given(remains)
def test_finalizer_stays_while_anything_is_left_or_unknown(state: Remains) -> None:
    left = (
        state.key_ring,
        state.pods,
        state.content_objects,
        state.content_bucket,
        state.storage_user,
        state.namespace,
    )
    if any(each is not False for each in left) or not state.recorded:
        assert disposal.next_step(state) is not Step.REMOVE_FINALIZER


def test_a_client_holds_up_the_drain_for_two_minutes_at_most() -> None:
    raw = body()
    raw["metadata"]["deletionTimestamp"] = "2026-11-24T11:58:01Z"
    assert not disposal.drain_is_over(spec.parse(raw), NOW)
    raw["metadata"]["deletionTimestamp"] = "2026-11-24T11:58:00Z"
    assert disposal.drain_is_over(spec.parse(raw), NOW)
    assert not disposal.drain_is_over(spec.parse(body()), NOW)

"""Whatever is done to a chain of audit events is found, at the event where it was done."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from kozutumi_contract import audit_chain
from kozutumi_contract.audit_chain import GENESIS, AuditEvent

EVENT = {
    "time": "2026-11-24T12:00:00Z",
    "type": "transfer.delivered",
    "actor_id": "a1",
    "object_id": "t1",
    "outcome": "done",
    "sealed": b"\x01\x02",
}
FIELDS = st.fixed_dictionaries(
    {name: st.binary(max_size=20) if name == "sealed" else st.text(max_size=20) for name in EVENT}
)


def chain(bodies: list[dict[str, Any]], *, start: int = 1, previous: bytes = GENESIS) -> list[AuditEvent]:
    events = []
    for sequence, body in enumerate(bodies, start):
        digest = audit_chain.event_hash(sequence=sequence, previous=previous, **body)
        events.append(AuditEvent(sequence=sequence, previous_hash=previous, hash=digest, **body))
        previous = digest
    return events


def test_the_hash_is_the_one_of_the_first_release() -> None:
    """A chain outlives the program that wrote it: this value is never to change."""
    assert audit_chain.event_hash(sequence=1, previous=GENESIS, **EVENT).hex() == (  # type: ignore[arg-type]
        "27c3b6605c4108333f991c001d2237c76058add8a5f17f281296f7284bf2fe00"
    )


@given(st.lists(FIELDS, max_size=6))
def test_an_untouched_chain_holds(bodies: list[dict[str, Any]]) -> None:
    assert audit_chain.first_broken(chain(bodies)) is None


@given(bodies=st.lists(FIELDS, min_size=1, max_size=6), data=st.data())
def test_an_edit_of_any_field_is_found_where_it_was_made(bodies: list[dict[str, Any]], data: st.DataObject) -> None:
    events = chain(bodies)
    place = data.draw(st.integers(0, len(events) - 1))
    name = data.draw(st.sampled_from([*EVENT, "sequence", "previous_hash", "hash"]))
    edited = replace(events[place], **{name: _other(getattr(events[place], name))})
    assert audit_chain.first_broken([*events[:place], edited, *events[place + 1 :]]) == place + 1


@given(bodies=st.lists(FIELDS, min_size=2, max_size=6), data=st.data())
def test_a_removed_event_is_found_unless_it_was_the_last(bodies: list[dict[str, Any]], data: st.DataObject) -> None:
    events = chain(bodies)
    place = data.draw(st.integers(0, len(events) - 2))
    assert audit_chain.first_broken([*events[:place], *events[place + 1 :]]) == place + 1


@given(bodies=st.lists(FIELDS, min_size=2, max_size=6), data=st.data())
def test_two_events_that_changed_places_are_found(bodies: list[dict[str, Any]], data: st.DataObject) -> None:
    events = chain(bodies)
    first, second = sorted(data.draw(st.sets(st.integers(0, len(events) - 1), min_size=2, max_size=2)))
    events[first], events[second] = events[second], events[first]
    assert audit_chain.first_broken(events) == first + 1


@given(bodies=st.lists(FIELDS, min_size=1, max_size=6), extra=FIELDS, data=st.data())
def test_an_inserted_event_is_found_even_if_it_is_hashed_well(
    bodies: list[dict[str, Any]], extra: dict[str, Any], data: st.DataObject
) -> None:
    events = chain(bodies)
    place = data.draw(st.integers(0, len(events) - 1))
    previous = events[place].previous_hash
    forged = chain([extra], start=place + 1, previous=previous)
    broken = audit_chain.first_broken([*events[:place], *forged, *events[place:]])
    assert broken is not None
    assert broken >= place + 1


@given(bodies=st.lists(FIELDS, min_size=2, max_size=6), data=st.data())
def test_a_part_verifies_from_a_known_head(bodies: list[dict[str, Any]], data: st.DataObject) -> None:
    events = chain(bodies)
    place = data.draw(st.integers(1, len(events) - 1))
    head = events[place - 1].hash
    assert audit_chain.first_broken(events[place:], start=place + 1, previous=head) is None
    assert audit_chain.first_broken(events[place:], start=place + 1, previous=_other(head)) == place + 1


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ({"type": "ab", "actor_id": "c"}, {"type": "a", "actor_id": "bc"}),
        ({"outcome": "ab", "sealed": b""}, {"outcome": "a", "sealed": b"b"}),
    ],
)
def test_bytes_moved_from_one_field_to_the_next_change_the_hash(one: dict[str, Any], other: dict[str, Any]) -> None:
    assert chain([EVENT | one])[0].hash != chain([EVENT | other])[0].hash


def _other(value: Any) -> Any:
    if isinstance(value, bytes):
        return bytes([value[0] ^ 1]) + value[1:] if value else b"\0"
    return value + 1 if isinstance(value, int) else value + "x"

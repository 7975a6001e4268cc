"""Whatever is done to an export is found, at the first event where it was done; a recomputed log is found by its seals."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path
from typing import Any, Final

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import audit_world as world
from kozutumi_contract import audit_export, audit_verifying, signed_document
from kozutumi_contract.audit_export import Filter, Line
from kozutumi_contract.audit_verifying import Fault, Report

VECTORS: Final = json.loads(Path("tests/vectors/audit-export-v1.json").read_text(encoding="utf-8"))
COUNT: Final = 6
EXPORT: Final = world.export(world.chain(COUNT))


def verify(lines: list[bytes], **known: Any) -> Report | Fault:
    return audit_verifying.verify(lines, **known)


def fault(lines: list[bytes], **known: Any) -> Fault:
    found = verify(lines, **known)
    assert isinstance(found, Fault), found
    return found


def holds(lines: list[bytes], **known: Any) -> Report:
    found = verify(lines, **known)
    assert isinstance(found, Report), found
    return found


@pytest.mark.parametrize("vector", VECTORS["exports"], ids=lambda vector: vector["what"])
def test_the_vectors_of_the_first_release(vector: dict[str, Any]) -> None:
    """They outlive the program that wrote them and are never made anew."""
    lines = [line.encode() for line in vector["lines"]]
    found = verify(lines, seals=[each.encode() for each in vector["seals"]])
    if vector["first_bad"] is None:
        assert isinstance(found, Report)
        assert (found.last, found.sealed_through) == (vector["last"], vector["sealed_through"])
    else:
        assert isinstance(found, Fault)
        assert found.sequence == vector["first_bad"]


def test_an_untouched_export_holds() -> None:
    report = holds(EXPORT, key=world.key().public_key())
    assert (report.first, report.last, report.events, report.sealed_through) == (1, COUNT, COUNT, None)
    assert report.key == signed_document.key_id(world.key().public_key())


@settings(deadline=None, max_examples=300)
@given(data=st.data())
def test_any_change_of_any_value_is_found_in_its_event(data: st.DataObject) -> None:
    place = data.draw(st.integers(1, COUNT), "event")
    document = json.loads(EXPORT[place])
    name = data.draw(st.sampled_from(sorted(document)), "member")
    changed = dict(document)
    if data.draw(st.booleans(), "removed"):
        changed[name] = None
    else:
        changed[name] = data.draw(_other(document[name]), "value")
    if changed == document:
        return
    lines = [*EXPORT[:place], json.dumps(changed).encode() + b"\n", *EXPORT[place + 1 :]]
    assert fault(lines).sequence == place


@settings(deadline=None, max_examples=300)
@given(data=st.data())
def test_any_line_removed_inserted_or_moved_is_found_where_the_file_first_differs(data: st.DataObject) -> None:
    lines = list(EXPORT)
    kind = data.draw(st.sampled_from(["remove", "insert", "swap", "double", "cut"]))
    place = data.draw(st.integers(1, COUNT))
    if kind == "remove":
        del lines[place]
    elif kind == "insert":
        lines.insert(place, data.draw(st.sampled_from(world.export(world.chain(COUNT, actor_id="forged"))[1:-1])))
    elif kind == "double":
        lines.insert(place, lines[place])
    elif kind == "swap":
        other = data.draw(st.integers(1, COUNT).filter(lambda each: each != place))
        lines[place], lines[other] = lines[other], lines[place]
    else:
        del lines[place + 1 :]
    first = next(at for at, line in enumerate([*EXPORT, None]) if at >= len(lines) or lines[at] != line)
    assert fault(lines).sequence == first


@settings(deadline=None, max_examples=400)
@given(place=st.integers(0, sum(map(len, EXPORT)) - 1), value=st.integers(0, 255))
def test_a_changed_byte_anywhere_is_found_unless_it_means_the_same(place: int, value: int) -> None:
    content = bytearray(b"".join(EXPORT))
    content[place] = value
    lines = bytes(content).splitlines(keepends=True)
    try:
        same = [json.loads(line) for line in lines] == [json.loads(line) for line in EXPORT]
    except ValueError:
        same = False
    assert isinstance(verify(lines), Report if same else Fault)


@pytest.mark.parametrize("first", range(2, COUNT + 1))
def test_a_log_recomputed_from_the_middle_is_found_against_the_seals(first: int) -> None:
    """By someone who has every key: hashes, details and the last line are all in order."""
    lines = world.chain(COUNT)
    sealed = world.seals(lines, [2, 4, COUNT])
    kept = lines[: first - 1]
    forged = world.chain(COUNT - len(kept), first=first, previous=kept[-1].event.hash, outcome="forged")
    recomputed = world.export([*kept, *forged])
    holds(recomputed)
    assert holds(EXPORT, seals=sealed).sealed_through == COUNT
    found = fault(recomputed, seals=sealed)
    last_agreed = max((each for each in (2, 4) if each < first), default=0)
    assert (found.sequence, "recomputed" in found.reason) == (last_agreed + 1, True)


def test_a_head_that_somebody_noted_serves_as_a_seal_does() -> None:
    lines = world.chain(COUNT)
    holds(EXPORT, heads=[(3, lines[2].event.hash.hex())])
    found = fault(EXPORT, heads=[(1, lines[0].event.hash.hex()), (3, "ab" * 32)])
    assert (found.sequence, "recomputed" in found.reason) == (2, True)
    assert holds(EXPORT, heads=[(99, "ab" * 32)]).beyond == 99


def test_an_event_that_was_hashed_anew_alone_is_named_itself() -> None:
    lines = world.chain(COUNT)
    lines[2] = world.line(3, lines[1].event.hash, outcome="forged")
    assert fault(world.export(lines)).sequence == 3


def test_details_that_were_changed_or_taken_out_are_found() -> None:
    changed = [*EXPORT[:2], world.edited(EXPORT[2], details={"name": "その他.pdf"}), *EXPORT[3:]]
    assert fault(changed) == Fault(2, "its details are not those that were recorded")
    hidden = [*EXPORT[:2], world.edited(EXPORT[2], details=None, opening=None), *EXPORT[3:]]
    assert "withheld" in fault(hidden).reason
    assert holds(hidden, withheld_ok=True).withheld == 1


def test_a_part_hangs_on_a_seal_before_it_or_within_it() -> None:
    lines = world.chain(COUNT)
    part = world.export(lines[3:], whole=False)
    assert holds(part, seals=world.seals(lines, [2, 5])).sealed_through == 5
    other = world.chain(COUNT, actor_id="forged")
    assert fault(world.export(other[3:], whole=False), seals=world.seals(lines, [3])).sequence == 3


def test_a_filter_leaves_no_event_out_but_their_details() -> None:
    wanted = Filter(type="transfer.", object="t1")
    lines = world.export(world.chain(COUNT), wanted=wanted)
    assert holds(lines).withheld == 0
    shown = [json.loads(line)["sequence"] for line in lines[1:-1] if json.loads(line)["details"]]
    assert shown == [1]
    hidden = [lines[0], world.edited(lines[1], details=None, opening=None), *lines[2:]]
    assert fault(hidden).sequence == 1


def test_a_log_whose_beginning_was_removed_holds_by_its_checkpoint_alone() -> None:
    lines = world.chain(3)
    removed = lines[1].event.hash
    rest = [lines[2], world.line(4, lines[2].event.hash, type="audit.pruned", object_id=removed.hex())]
    holds(world.export(rest))
    holds(world.export(rest), seals=world.seals(lines, [2]))
    assert fault(world.export(lines[2:])).sequence == 2
    assert fault(world.export(rest), heads=[(2, "ab" * 32)]).sequence == 2


def test_an_empty_range_holds() -> None:
    assert holds(world.export([], whole=False)).events == 0


def test_the_last_line_binds_the_first_and_is_signed() -> None:
    header = json.loads(EXPORT[0])
    assert fault([world.edited(EXPORT[0], filter=header["filter"] | {"object": "t1"}), *EXPORT[1:]]).sequence == 2
    for changed in ({"whole": False}, {"filter": header["filter"] | {"until": "2026-12-01"}}, {"service_code": "b"}):
        assert fault([world.edited(EXPORT[0], **changed), *EXPORT[1:]]).sequence == COUNT + 1
    foreign = world.export(world.chain(COUNT), signer=world.key("somebody else's"))
    assert fault(foreign, key=world.key().public_key()) == Fault(
        None, "the export was signed by another key than the pinned one"
    )
    assert "not genuine" in fault(foreign, seals=world.seals(world.chain(COUNT), [3])).reason


def test_a_restore_is_told_and_accounts_for_the_seals_of_what_was_lost() -> None:
    lost = world.chain(COUNT)
    sealed = world.seals(lost, [2, 4, COUNT])
    kept = lost[:3]
    link = world.line(4, kept[-1].event.hash, type="audit.restored", object_id=lost[-1].event.hash.hex())
    again = [*kept, link, *world.chain(1, first=5, previous=link.event.hash)]
    sealed = world.seals(again, [5], after=sealed)
    report = holds(world.export(again), seals=sealed)
    assert (report.restored, report.sealed_through) == ((4,), 5)
    untold = [*kept, *world.chain(2, first=4, previous=kept[-1].event.hash, outcome="forged")]
    assert fault(world.export(untold), seals=world.seals(untold, [5], after=sealed[:3])).sequence == 5
    assert fault(world.export(untold), seals=sealed[:3]).sequence == 3


@pytest.mark.parametrize("damage", ["forked", "missing", "foreign", "edited", "not followed"])
def test_seals_must_be_one_chain(damage: str) -> None:
    lines = world.chain(COUNT)
    sealed = world.seals(lines, [1, 3, 5])
    other = world.seals(world.chain(COUNT, actor_id="forged"), [1, 3, 5])
    files = {
        "forked": [*sealed, other[1]],
        "missing": [sealed[0], sealed[2]],
        "foreign": world.seals(lines, [1], service_code="other"),
        "edited": [sealed[0].replace(b'"sequence":1', b'"sequence":2')],
        "not followed": [sealed[0], other[1]],
    }[damage]
    assert fault(EXPORT, seals=files).sequence is None


def test_the_same_seal_given_twice_is_one() -> None:
    sealed = world.seals(world.chain(COUNT), [1, 3])
    holds(EXPORT, seals=[*sealed, *sealed])


@pytest.mark.parametrize("lines", [[], [b"nothing\n"], EXPORT[:1], [b"{}\n", *EXPORT[1:]], [*EXPORT, b"{}\n"]])
def test_what_is_no_whole_export_is_refused(lines: list[bytes]) -> None:
    fault(lines)
    fault(lines, seals=world.seals(world.chain(COUNT), [1]))


def test_form_1_of_an_event_proves_no_details() -> None:
    lines = world.chain(2, sealed=b"\x01ciphertext")
    bare = [Line(each.event, None, None) for each in lines]
    holds(world.export(bare))
    assert fault(world.export([replace(bare[0], details={"a": "b"}), bare[1]])).sequence == 1


def test_hex_has_one_form() -> None:
    upper = json.loads(EXPORT[1])["hash"].upper()
    with pytest.raises(audit_export.MisshapenError):
        audit_export.parse_line(json.loads(EXPORT[1]) | {"hash": upper})


def _other(value: Any) -> st.SearchStrategy[Any]:
    if isinstance(value, int):
        return st.integers(0, 2**53 - 1)
    if isinstance(value, dict):
        return st.dictionaries(st.text(max_size=8), st.text(max_size=8), max_size=3)
    if all(character in "0123456789abcdef" for character in value) and value:
        return st.binary(min_size=len(value) // 2, max_size=len(value) // 2).map(bytes.hex) | st.text(max_size=8)
    return st.text(max_size=20)

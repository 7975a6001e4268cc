"""The rule by which levels give the policy in force: a table of cases, and what holds for all of them."""

from __future__ import annotations

import dataclasses
import json
from collections.abc import Callable
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from kozutumi_app.domain import policy_documents
from kozutumi_app.domain.networks import admits
from kozutumi_app.domain.policies import DEFAULTS, FIELDS, STRICTER, Approval, Levels, Policy, Scope, Statement, resolve
from kozutumi_app.domain.policy_documents import lists
from kozutumi_app.errors import InvalidInput

NOTHING = Statement()
TEXTS = st.sampled_from(["a.test", "b.test", "c.test", "d.test"])
SETS = st.frozensets(TEXTS, max_size=3)
RULES = st.lists(TEXTS, max_size=3).map(lists)
NUMBERS = st.integers(0, 9)
VALUES: dict[str, st.SearchStrategy[Any]] = {
    "allowed_domains": RULES,
    "blocked_domains": SETS,
    "internal_domains": SETS,
    "may_send_outside": st.booleans(),
    "max_file_size": NUMBERS,
    "allowed_types": RULES,
    "blocked_types": SETS,
    "max_expiry": NUMBERS,
    "max_downloads": NUMBERS,
    "approval": st.sampled_from(Approval),
    "approvers": SETS,
    "approvals_needed": NUMBERS,
    "approval_expiry": NUMBERS,
    "hold_for": NUMBERS,
    "networks": RULES,
}
STATEMENTS = st.builds(Statement, **{name: st.none() | values for name, values in VALUES.items()})
LEVELS = st.builds(
    Levels,
    user=STATEMENTS,
    groups=st.lists(STATEMENTS, max_size=3),
    organization=STATEMENTS,
    ceilings=st.lists(STATEMENTS, max_size=2),
)


def at(**levels: Any) -> Levels:
    """Levels that state one field, `max_file_size`; a list of numbers for groups and ceilings."""
    size: Callable[[int | None], Statement] = lambda value: Statement(max_file_size=value)  # noqa: E731
    return Levels(
        size(levels.get("user")),
        [size(value) for value in levels.get("groups", [])],
        size(levels.get("organization")),
        [size(value) for value in levels.get("ceilings", [])],
    )


@pytest.mark.parametrize(
    ("levels", "expected", "origin"),
    [
        (at(), 2**62, "default"),
        (at(organization=7), 7, "organization"),
        (at(organization=7, groups=[9]), 9, "group"),
        (at(organization=7, groups=[9, 8]), 8, "group"),
        (at(organization=7, groups=[9, 8], user=10), 10, "user"),
        (at(organization=7, groups=[9, 8], user=10, ceilings=[20]), 10, "user"),
        (at(organization=7, groups=[9, 8], user=10, ceilings=[5]), 5, "ceiling"),
        (at(organization=7, groups=[9, 8], user=10, ceilings=[6, 5]), 5, "ceiling"),
        (at(ceilings=[5]), 5, "ceiling"),
        (at(user=1, ceilings=[5]), 1, "user"),
        (at(groups=[None, 3], organization=1), 3, "group"),
    ],
)
def test_the_most_specific_wins_within_the_ceilings(levels: Levels, expected: int, origin: str) -> None:
    policy = resolve(levels)
    assert (policy.max_file_size, policy.origins["max_file_size"]) == (expected, origin)


@pytest.mark.parametrize(
    ("name", "one", "other", "strictest"),
    [
        ("allowed_domains", lists(["a.test"]), lists(["b.test"]), lists(["a.test"], ["b.test"])),
        ("blocked_domains", {"a.test"}, {"b.test"}, {"a.test", "b.test"}),
        ("may_send_outside", True, False, False),
        ("max_expiry", 3, 4, 3),
        ("approval", Approval.EXTERNAL, Approval.NEVER, Approval.EXTERNAL),
        ("approval", Approval.EXTERNAL, Approval.ALWAYS, Approval.ALWAYS),
        ("approvals_needed", 1, 2, 2),
        ("approval_expiry", 60, 90, 60),
        ("hold_for", 0, 60, 60),
        ("networks", lists(["10.0.0.0/8"]), lists(), lists(["10.0.0.0/8"])),
    ],
)
def test_the_stricter_of_two(name: str, one: Any, other: Any, strictest: Any) -> None:
    one, other, strictest = (frozenset(each) if isinstance(each, set) else each for each in (one, other, strictest))
    assert STRICTER[name](one, other) == STRICTER[name](other, one) == strictest


def test_every_field_has_a_default_an_order_and_a_place_in_the_policy() -> None:
    assert set(FIELDS) == set(STRICTER) == {field.name for field in dataclasses.fields(Policy)} - {"origins"}
    assert all(getattr(DEFAULTS, name) is not None for name in FIELDS)


@given(LEVELS)
def test_nothing_is_looser_than_any_ceiling(levels: Levels) -> None:
    policy = resolve(levels)
    for ceiling in levels.ceilings:
        for name in FIELDS:
            if (limit := getattr(ceiling, name)) is not None:
                assert STRICTER[name](getattr(policy, name), limit) == getattr(policy, name), name


@given(LEVELS)
def test_a_member_s_own_statement_is_what_holds_unless_a_ceiling_cuts_it(levels: Levels) -> None:
    policy = resolve(levels)
    for name in FIELDS:
        own = getattr(levels.user, name)
        if own is not None and policy.origins[name] != "ceiling":
            assert getattr(policy, name) == own
        if own is not None and not any(getattr(ceiling, name) is not None for ceiling in levels.ceilings):
            assert (getattr(policy, name), policy.origins[name]) == (own, "user")


@given(LEVELS, st.randoms())
def test_the_order_of_groups_and_ceilings_does_not_matter(levels: Levels, random: Any) -> None:
    groups, ceilings = list(levels.groups), list(levels.ceilings)
    random.shuffle(groups)
    random.shuffle(ceilings)
    assert resolve(Levels(levels.user, groups, levels.organization, ceilings)) == resolve(levels)


@given(LEVELS, STATEMENTS)
def test_another_group_of_a_member_never_loosens_what_a_group_states(levels: Levels, more: Statement) -> None:
    before = resolve(dataclasses.replace(levels, user=NOTHING))
    after = resolve(dataclasses.replace(levels, user=NOTHING, groups=[*levels.groups, more]))
    for name in FIELDS:
        if any(getattr(group, name) is not None for group in levels.groups):
            assert STRICTER[name](getattr(before, name), getattr(after, name)) == getattr(after, name), name


@given(LEVELS, STATEMENTS)
def test_another_ceiling_never_loosens(levels: Levels, ceiling: Statement) -> None:
    before = resolve(levels)
    after = resolve(dataclasses.replace(levels, ceilings=[*levels.ceilings, ceiling]))
    for name in FIELDS:
        assert STRICTER[name](getattr(before, name), getattr(after, name)) == getattr(after, name), name


DOCUMENTS: dict[str, list[Any]] = {
    "allowed_domains": [[], ["partner.test"], ["例え.test", "b.test"]],
    "blocked_domains": [[], ["rival.test"]],
    "internal_domains": [["acme.test"]],
    "may_send_outside": [True, False],
    "max_file_size": [1, 2**50],
    "allowed_types": [[".pdf", ".tar.gz", "image/*", "application/pdf"]],
    "blocked_types": [[".exe"]],
    "max_expiry": [60, 366 * 86_400],
    "max_downloads": [1],
    "approval": ["Never", "External", "Always"],
    "approvers": [[], ["group:abc234", "user:abcdefgh"]],
    "approvals_needed": [1, 10],
    "approval_expiry": [300],
    "hold_for": [0, 3600],
    "networks": [["10.0.0.0/8", "2001:db8::/32"], []],
}


@pytest.mark.parametrize(("name", "value"), [(name, value) for name, values in DOCUMENTS.items() for value in values])
def test_a_document_is_read_and_written_without_loss(name: str, value: Any) -> None:
    read = policy_documents.parse({name: value}, Scope.ORGANIZATION)
    written = json.loads(json.dumps(policy_documents.document(read)))
    assert written == {name: sorted(value) if isinstance(value, list) else value}
    assert policy_documents.parse(written, Scope.ORGANIZATION) == read


@pytest.mark.parametrize(
    ("scope", "document"),
    [
        ("organization", {"unheard_of": 1}),
        ("organization", {"max_file_size": 0}),
        ("organization", {"max_file_size": True}),
        ("organization", {"max_file_size": "1"}),
        ("organization", {"may_send_outside": 1}),
        ("organization", {"approval": "always"}),
        ("organization", {"allowed_domains": "a.test"}),
        ("organization", {"allowed_domains": ["a@b.test"]}),
        ("organization", {"allowed_domains": ["localhost"]}),
        ("organization", {"allowed_types": ["pdf"]}),
        ("organization", {"allowed_types": ["*/*"]}),
        ("organization", {"networks": ["10.0.0.1/8"]}),
        ("organization", {"networks": ["everywhere"]}),
        ("organization", {"approvers": ["user:a b"]}),
        ("organization", {"approvers": ["someone"]}),
        ("organization", {"blocked_domains": [f"d{number}.test" for number in range(201)]}),
        ("ceiling", {"approvers": ["user:abc"]}),
        ("ceiling", {"internal_domains": ["a.test"]}),
        ("group", {"internal_domains": ["a.test"]}),
        ("user", {"internal_domains": ["a.test"]}),
    ],
)
def test_what_cannot_be_stated_is_refused_by_name(scope: str, document: dict[str, Any]) -> None:
    with pytest.raises(InvalidInput, match=next(iter(document))):
        policy_documents.parse(document, Scope(scope))


def test_a_refusal_says_of_each_field_what_it_may_be() -> None:
    document = {"networks": ["10.0.0.1/8"], "max_downloads": 0, "blocked_types": [".exe"], "internal_domains": []}
    with pytest.raises(InvalidInput) as refused:
        policy_documents.parse(document, Scope.CEILING)
    assert str(refused.value.detail).split(". ") == [
        "internal_domains: the level ceiling does not state it",
        "max_downloads: a whole number from 1 to 10000",
        "networks: at most 200 address ranges such as 192.0.2.0/24, with no bit set after the prefix.",
    ]


@pytest.mark.parametrize(
    ("document", "wrong"),
    [
        ({"allowed_domains": ["a.test", "b", " C.test ", "@d.test"]}, {"allowed_domains": ("b", "@d.test")}),
        ({"allowed_domains": ["a.test"] * 201}, {"allowed_domains": ()}),
        ({"allowed_domains": "a"}, {"allowed_domains": ()}),
        ({"networks": None, "max_downloads": "many", "approval": []}, {"max_downloads": (), "approval": ()}),
        ({"networks": [], "may_send_outside": False}, {}),
    ],
)
def test_the_entries_to_correct_are_told(document: dict[str, Any], wrong: dict[str, tuple[str, ...]]) -> None:
    assert policy_documents.faults(document, Scope.ORGANIZATION) == wrong


@pytest.mark.parametrize(
    ("networks", "client", "expected"),
    [
        ([], "anything", True),
        ([["10.0.0.0/8"]], "10.1.2.3", True),
        ([["10.0.0.0/8"]], "::ffff:10.1.2.3", True),
        ([["10.0.0.0/8"]], "11.1.2.3", False),
        ([["10.0.0.0/8"]], "2001:db8::1", False),
        ([["10.0.0.0/8", "2001:db8::/32"]], "2001:db8::1", True),
        ([["10.0.0.0/8"], ["10.1.0.0/16"]], "10.1.2.3", True),
        ([["10.0.0.0/8"], ["10.1.0.0/16"]], "10.2.2.3", False),
        ([["0.0.0.0/0", "::/0"]], "unknown", False),
    ],
)
def test_networks(networks: list[list[str]], client: str, expected: bool) -> None:  # noqa: FBT001 - a table
    assert admits(resolve(Levels(user=Statement(networks=lists(*networks)))), client) is expected

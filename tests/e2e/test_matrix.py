"""Every cell of the network matrix on the wire, for two organizations; and what happens when a policy is missing."""

from __future__ import annotations

import json
import socket
from collections.abc import Iterator
from dataclasses import dataclass

import pytest

import admission_world
import matrix_world
import rights_world
from e2e_world import AOI, KAEDE, World, wait_until
from kozutumi_cluster.demo.kubectl import Kubectl
from kozutumi_cluster.errors import ClusterError
from kozutumi_contract import labels
from kozutumi_operator.probe import table
from kozutumi_operator.probe.table import Column, Row
from matrix_world import ELSEWHERE, ENTRANCES, Source, Target

OTHER = {AOI: KAEDE, KAEDE: AOI}
POLICIES = ("default-deny", "app-ingress", "app-egress", "scanner-ingress", "scanner-egress")
QUICK = ("default-deny",)


@dataclass(frozen=True)
class Attempt:
    """One connection that a cell of the table stands for."""

    code: str
    row: Row
    column: Column
    source: Source | None  # None: this host, outside the cluster
    target: Target
    allowed: bool

    @property
    def described(self) -> str:
        return f"{self.code}: {self.source.name if self.source else 'client'} -> {self.column} at {self.target}"


def attempts(world: World, code: str) -> Iterator[Attempt]:
    own, foreign = matrix_world.entrances(world, code), matrix_world.entrances(world, OTHER[code])
    beyond = matrix_world.beyond(world)
    for row, column, answer in table.walked():
        sources: list[Source | None] = [*sources_of(row, column, code)]
        targets = own[column] if column in ENTRANCES else [*beyond[column]]
        if column is Column.FOREIGN:
            targets = [
                *(targets if row is not Row.OPERATOR else ()),
                *(each for found in foreign.values() for each in found),
            ]
        for source in sources:
            for target in targets:
                allowed = answer == "yes" or (answer == "9443 only" and target[1] == labels.INTERNAL_PORT)
                yield Attempt(code, row, column, source, target, allowed)


def sources_of(row: Row, column: Column, code: str) -> list[Source | None]:
    """Ways in are tried by who has no limits of its own; ways out by who has only those that are to be shown."""
    if row is Row.CLIENTS:
        return [None]
    found = [each for each in (*ELSEWHERE, *matrix_world.inside(code)) if each.row is row]
    if row is Row.OPERATOR:
        return [each for each in found if each.unlimited is (column in ENTRANCES)]
    if row is Row.OTHER and column not in ENTRANCES:
        return [each for each in found if not each.unlimited]
    return [*found]


def walked(world: World, tried: list[Attempt], *, patience: float = 15) -> dict[Attempt, bool]:
    def one(source: Source | None) -> dict[Attempt, bool]:
        chosen = [each for each in tried if each.source == source]
        if source is None:
            return {each: answers(each.target) for each in chosen}
        targets = [(*each.target, "open" if each.allowed else "closed") for each in chosen]
        return dict(zip(chosen, matrix_world.walk(world, source, targets, patience=patience), strict=True))

    found: dict[Attempt, bool] = {}
    for each in matrix_world.each_of(list(dict.fromkeys(each.source for each in tried)), one):
        found |= each
    return found


def answers(target: Target) -> bool:
    try:
        socket.create_connection(target, timeout=2).close()
    except OSError:
        return False
    return True


def not_as_specified(found: dict[Attempt, bool]) -> list[str]:
    return [f"{each.described}: {opened}" for each, opened in found.items() if opened is not each.allowed]


@pytest.fixture(scope="module")
def operator(world: World, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Kubectl]:
    folder = tmp_path_factory.mktemp("operator")
    with rights_world.with_token(world.kubectl, folder, "kozutumi-operator", labels.SYSTEM_NAMESPACE) as kubectl:
        yield kubectl


@pytest.fixture(scope="module")
def walkers(world: World, operator: Kubectl) -> Iterator[None]:
    addresses = [
        target[0] for code in OTHER for found in matrix_world.entrances(world, code).values() for target in found
    ]
    with matrix_world.walkers(world, operator, [*OTHER]), matrix_world.routed(world, addresses):
        yield


@pytest.fixture(scope="module")
def results(world: World, walkers: None) -> dict[Attempt, bool]:
    """One walk of everything; the tests below look at its cells."""
    del walkers
    return walked(world, [each for code in OTHER for each in attempts(world, code)])


@pytest.mark.parametrize("code", OTHER)
@pytest.mark.parametrize(
    ("row", "column"), [pytest.param(*cell[:2], id=f"{cell[0]} -> {cell[1]}") for cell in table.walked()]
)
def test_cell(results: dict[Attempt, bool], code: str, row: Row, column: Column) -> None:
    cell = {
        each: opened for each, opened in results.items() if (each.code, each.row, each.column) == (code, row, column)
    }
    assert cell, "nothing was tried for this cell"
    assert not_as_specified(cell) == []


def test_what_is_denied_is_there_to_be_reached(world: World, walkers: None) -> None:
    """From a source without limits: so a denial above is the work of the policies under test."""
    del walkers
    listed = [(column, target) for column, targets in matrix_world.beyond(world).items() for target in targets]
    targets = [(host, port, "open") for _, (host, port) in listed]
    reached = matrix_world.walk(world, matrix_world.CONTROL, targets)
    assert [listed[index] for index, opened in enumerate(reached) if not opened] == []


def apply_again(kubectl: Kubectl, policy: dict[str, object]) -> None:
    kubectl("create", "-f", "-", stdin=json.dumps(policy))


@pytest.mark.parametrize(
    "name", [name if name in QUICK else pytest.param(name, marks=pytest.mark.slow) for name in POLICIES]
)
def test_a_missing_policy_is_noticed(world: World, walkers: None, name: str) -> None:
    """With the operator's repair held off, the walk's verdict turns when any one policy is taken away."""
    del walkers
    kubectl, where = world.kubectl, labels.namespace(AOI)
    policy = kubectl.json("get", "networkpolicy", name, "-n", where)
    policy["metadata"] = {key: policy["metadata"][key] for key in ("name", "namespace", "labels", "annotations")}
    tried = [each for each in attempts(world, AOI) if each.row in {Row.APP, Row.SCANNER, Row.OTHER, Row.OPERATOR}]
    tried = [
        each for each in tried if each.source is None or each.source.name not in {"walk-as-scanner", "walk-operator"}
    ]
    with matrix_world.held(kubectl, AOI), admission_world.past(kubectl, AOI):
        wait_until("the hold", lambda: refuses_the_operator(world, name), seconds=20, interval=0.3)
        kubectl("delete", "networkpolicy", name, "-n", where)
        try:
            turned: list[str] = []

            def noticed() -> bool:
                turned[:] = not_as_specified(walked(world, tried, patience=5))
                return bool(turned)

            wait_until(f"a walk without {name} turning out otherwise", noticed, seconds=60)
            print(f"without {name}: {len(turned)} of {len(tried)} connections turn, such as {turned[0]}")
        finally:
            apply_again(kubectl, policy)
    wait_until("all as specified again", lambda: not not_as_specified(walked(world, tried)), seconds=60)


def refuses_the_operator(world: World, name: str) -> bool:
    """Asked in the operator's name, as a dry run."""
    as_operator = f"--as=system:serviceaccount:{labels.SYSTEM_NAMESPACE}:kozutumi-operator"
    words = ("label", "networkpolicy", name, "-n", labels.namespace(AOI), "held=tried", "--dry-run=server", as_operator)
    try:
        world.kubectl(*words)
    except ClusterError as error:
        return "held by a test" in str(error)
    return False

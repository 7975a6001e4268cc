"""The cells of the network matrix and what their outcomes mean."""

from __future__ import annotations

import dataclasses

import pytest

import operator_builders as builders
from kozutumi_contract import labels
from kozutumi_operator.cluster.kinds import Object
from kozutumi_operator.manifests import names
from kozutumi_operator.probe import matrix, pod, table
from kozutumi_operator.probe.matrix import Addresses, Cell, Outside
from kozutumi_operator.probe.table import Row

PLATFORM = builders.settings()
AT = Addresses(**{name: f"10.96.1.{number}" for number, name in enumerate(Addresses.__dataclass_fields__)})
CELLS = matrix.cells("acme", PLATFORM, AT, Outside(nodes=("192.0.2.10",)))
NOW = "2026-01-01T00:00:00Z"


def as_specified(cell: Cell) -> str:
    return "d" if cell.expected == "closed" else "c"


def expectations(source: str, expected: str) -> set[str]:
    return {cell.target.label for cell in CELLS if (cell.source, cell.expected) == (source, expected)}


def test_the_rows_are_those_of_the_architecture() -> None:
    assert expectations("app", "open") == {"scanner 3311 by name", "S3", "SMTP", "DNS"}
    assert expectations("scanner", "open") == {"signature mirror", "DNS"}
    assert expectations("operator", "open") == {"app internal 9443", "S3", "S3's IAM API", "DNS", "API server"}
    assert expectations("monitoring", "open") == {"app metrics 9444", "scanner metrics 9444"}
    assert expectations("other", "open") == set()
    nowhere = {"S3's IAM API", "API server", "metadata", "internet", "another organization", "node"}
    for source in ("app", "scanner", "other"):
        assert nowhere <= expectations(source, "closed")
    assert expectations("canary", "any") == nowhere
    entrances = {"app internal 9443", "app 8443", "app metrics 9444", "scanner metrics 9444", "scanner 3311"}
    assert expectations("canary", "closed") == entrances
    assert expectations("monitoring", "closed") == entrances - {"app metrics 9444", "scanner metrics 9444"}


def test_every_cell_of_the_table_is_tried_but_what_no_pod_can() -> None:
    tried = {(matrix.ROWS[cell.source], cell.column) for cell in CELLS if cell.expected != "any"}
    left = {(row, column) for row, column, _ in table.walked()} - tried
    assert {row for row, _ in left} == {Row.CLIENTS, Row.OPERATOR}
    assert {column for row, column in left if row is Row.OPERATOR}.isdisjoint(matrix.ENTRANCES)


def test_without_a_monitoring_namespace_its_row_is_left_out() -> None:
    platform = dataclasses.replace(PLATFORM, monitoring_namespace="")
    assert "monitoring" not in {cell.source for cell in matrix.cells("acme", platform, AT, Outside())}


def test_an_admin_api_on_the_s3_port_is_not_tried_for_no_policy_can_part_the_two() -> None:
    platform = builders.settings(KOZUTUMI_STORE_KIND="minio", KOZUTUMI_IAM_PORT=str(PLATFORM.s3_port))
    found = matrix.cells("acme", platform, dataclasses.replace(AT, iam=AT.store), Outside())
    assert "S3's IAM API" not in {cell.target.label for cell in found}
    assert ("app", "S3", "open") in {(cell.source, cell.target.label, cell.expected) for cell in found}


def test_a_denied_cell_aims_at_an_address_never_at_a_name() -> None:
    assert all(cell.target.host[0].isdigit() for cell in CELLS if cell.expected != "open")


def test_all_as_specified_is_counted_and_nothing_named() -> None:
    result = matrix.evaluate({cell: as_specified(cell) for cell in CELLS}, NOW)
    assert (result.open_cells, result.blocked_cells) == ((), ())
    assert result.allowed == sum(cell.expected == "open" for cell in CELLS)
    assert result.denied == sum(cell.expected == "closed" for cell in CELLS)


def test_each_cell_that_is_not_as_specified_is_named() -> None:
    for cell in CELLS:
        if cell.expected == "any":
            continue
        outcomes = {each: as_specified(each) for each in CELLS}
        outcomes[cell] = "d" if cell.expected == "open" else "c"
        result = matrix.evaluate(outcomes, NOW)
        assert [*result.open_cells, *result.blocked_cells] == [cell.name]
        assert bool(result.open_cells) == (cell.expected == "closed")


def test_a_denial_towards_what_nobody_reaches_proves_nothing() -> None:
    outcomes = {cell: as_specified(cell) for cell in CELLS}
    for cell in CELLS:
        if cell.expected == "any" and cell.target.label == "internet":
            outcomes[cell] = "d"
        if (cell.source, cell.target.label) == ("canary", "S3's IAM API"):
            outcomes[cell] = "d"  # the operator reached it, so it is there
    result = matrix.evaluate(outcomes, NOW)
    assert result.denied == sum(cell.expected == "closed" and cell.target.label != "internet" for cell in CELLS)
    # That a tenant gets through is a violation all the same.
    leak = next(cell for cell in CELLS if cell.source == "app" and cell.target.label == "internet")
    assert matrix.evaluate(outcomes | {leak: "c"}, NOW).open_cells == (leak.name,)


def test_probe_pods_are_under_the_policies_and_serve_nobody() -> None:
    for source in ("app", "scanner", "other"):
        found = pod.render("acme", source, CELLS[:2], PLATFORM)
        marks = found["metadata"]["labels"]
        assert marks[labels.COMPONENT] == ("probe" if source == "other" else source)
        assert names.SERVING not in marks
        assert found["metadata"]["namespace"] == "kz-acme"
        assert found["spec"]["automountServiceAccountToken"] is False
    canary = pod.render("acme", "canary", CELLS[:2], PLATFORM)
    assert canary["metadata"]["namespace"] == labels.CANARY_NAMESPACE
    assert canary["metadata"]["labels"][labels.COMPONENT] == names.APP  # whom a scanner lets in, elsewhere
    watching = pod.render("acme", "monitoring", CELLS[:2], PLATFORM)
    assert watching["metadata"]["namespace"] == PLATFORM.monitoring_namespace


def finished(message: str | None, phase: str = "Succeeded") -> Object:
    terminated = {} if message is None else {"message": message}
    return {
        "metadata": {"name": "probe-app"},
        "status": {"phase": phase, "containerStatuses": [{"state": {"terminated": terminated}}]},
    }


def test_a_result_is_read_only_when_it_is_whole() -> None:
    cells = CELLS[:3]
    assert pod.outcomes({"metadata": {"name": "x"}, "status": {"phase": "Running"}}, cells) is None
    assert pod.outcomes(finished("cdd"), cells) == dict(zip(cells, "cdd", strict=True))
    for broken in ("cd", None):
        with pytest.raises(ValueError, match="without a result"):
            pod.outcomes(finished(broken, "Failed"), cells)

"""The rendered policies give exactly the network matrix, and each of them is needed for it."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from pathlib import Path

import pytest
import yaml

from kozutumi_cluster.platform import policies as platform_policies
from kozutumi_contract import labels
from kozutumi_operator.manifests import network_policy
from kozutumi_operator.probe import table
from kozutumi_operator.probe.table import Column, Row
from operator_builders import organization, settings
from policy_evaluator import End, Policy, passes

ROOT = Path(__file__).parents[4]
NODE = "192.0.2.10"
RENDERED: list[Policy] = list(network_policy.render(organization(), settings()))
SHIPPED: list[Policy] = [
    *yaml.safe_load_all((ROOT / "install/network-policies.yaml").read_text()),
    *platform_policies.objects(NODE, 6443, ("10.244.0.0/16", "10.96.0.0/16")),
]


def pod(component: str, namespace: str = "kz-acme") -> End:
    return End("10.244.0.9", namespace, {labels.COMPONENT: component})


S3 = End("10.244.0.7", "kozutumi-storage", {"app.kubernetes.io/name": "s3"})
APP, SCANNER = pod("app"), pod("scanner")
SOURCES: dict[Row, Sequence[End]] = {
    Row.CLIENTS: [End("198.51.100.77")],
    Row.MONITORING: [pod("prometheus", "kozutumi-monitoring")],
    Row.OPERATOR: [pod("operator", "kozutumi-system")],
    Row.APP: [APP],
    Row.SCANNER: [SCANNER],
    # In the namespace, in the next organization's, in one without limits; labelled as those who may are.
    Row.OTHER: [
        pod("probe"),
        *(pod(component, "kozutumi-canary") for component in ("app", "scanner", "operator", "prometheus")),
        pod("signature-mirror", "kozutumi-system"),
    ],
}
STRANGERS: Sequence[tuple[End, int]] = [
    (pod("app", "kz-beta"), 8443),
    (pod("app", "kz-beta"), 9443),
    (pod("app", "kz-beta"), 9444),
    (pod("scanner", "kz-beta"), 3311),
]
TARGETS: dict[Column, Sequence[tuple[End, int]]] = {
    Column.PUBLIC: [(APP, 8443)],
    Column.INTERNAL: [(APP, 9443)],
    Column.METRICS: [(APP, 9444), (SCANNER, 9444)],
    Column.SCAN: [(SCANNER, 3311)],
    Column.STORE: [(S3, 7070)],
    Column.IAM: [(S3, 7071)],
    Column.DNS: [(End("10.244.0.2", "kube-system", {"k8s-app": "kube-dns"}), 53)],
    Column.MIRROR: [(pod("signature-mirror", "kozutumi-system"), 8443)],
    Column.LISTED: [(End("203.0.113.25"), 1025)],
    Column.API_SERVER: [(End(NODE), 6443)],
    Column.METADATA: [(End("169.254.169.254"), 80)],
    Column.FOREIGN: STRANGERS,
    Column.INTERNET: [(End("93.184.216.34"), 443), (End("203.0.113.25"), 443)],
    Column.NODE: [(End(NODE), 10250), (End(NODE), 1025)],
}


def connections() -> Iterator[tuple[Row, Column, End, End, int, bool]]:
    """Every connection that a cell of the table stands for, and whether it may be opened."""
    for row, column, answer in table.walked():
        for source in SOURCES[row]:
            for target, port in TARGETS[column]:
                inside = source.namespace == "kz-acme" or target.namespace == "kz-acme"
                if inside or row is Row.OPERATOR:
                    yield row, column, source, target, port, answer == "yes" or (answer == "9443 only" and port == 9443)


def as_specified(policies: Sequence[Policy]) -> dict[tuple[Row, Column], bool]:
    """Whether the cell is as the table says, towards ends and from sources that nothing else limits."""
    found: dict[tuple[Row, Column], bool] = {}
    for row, column, source, target, port, allowed in connections():
        if row is not Row.OPERATOR or column in {Column.PUBLIC, Column.INTERNAL, Column.METRICS, Column.SCAN}:
            good = passes(policies, source, target, port) is allowed
            found[row, column] = found.get((row, column), True) and good
    return found


@pytest.mark.parametrize(
    ("row", "column", "answer"), [pytest.param(*cell, id=f"{cell[0]} -> {cell[1]}") for cell in table.walked()]
)
def test_each_cell_with_all_policies_of_the_cluster(row: Row, column: Column, answer: str) -> None:
    del answer
    tried = [each for each in connections() if each[:2] == (row, column)]
    assert tried
    for _, _, source, target, port, allowed in tried:
        assert passes([*RENDERED, *SHIPPED], source, target, port) is allowed, (source, target, port)


def test_the_organizations_own_policies_suffice() -> None:
    """No cell relies on what limits the other end."""
    assert set(as_specified(RENDERED).values()) == {True}


@pytest.mark.parametrize("name", [policy["metadata"]["name"] for policy in RENDERED])
def test_no_policy_can_be_missed(name: str) -> None:
    left = [policy for policy in RENDERED if policy["metadata"]["name"] != name]
    assert False in as_specified(left).values()


def test_every_word_of_the_table_is_known() -> None:
    assert set(table.TABLE.values()) == {"yes", "no", "-", "9443 only"}
    assert len(table.TABLE) == len(Row) * len(Column)


def test_the_docs_show_this_table() -> None:
    assert table.markdown() in (ROOT / "docs/security/isolation.md").read_text(encoding="utf-8")

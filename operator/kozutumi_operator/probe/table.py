"""The network matrix: who may open a connection to what. Pure; rendered policies, prober and tests follow this table.

`docs/security/isolation.md` shows it, and a test holds the two equal.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from enum import StrEnum
from typing import Final


class Row(StrEnum):
    """Where a connection comes from."""

    CLIENTS = "gateway or allowedCIDRs"
    MONITORING = "monitoring namespace"
    OPERATOR = "operator"
    APP = "app"
    SCANNER = "scanner"
    OTHER = "any other pod"


class Column(StrEnum):
    """What it is aimed at."""

    PUBLIC = "app 8443"
    INTERNAL = "app internal 9443"
    METRICS = "app, scanner metrics 9444"
    SCAN = "scanner 3311"
    STORE = "S3"
    IAM = "S3's IAM API"
    DNS = "DNS"
    MIRROR = "signature mirror"
    LISTED = "SMTP, OIDC, PostgreSQL as listed"
    API_SERVER = "API server"
    METADATA = "metadata 169.254.0.0/16"
    FOREIGN = "another organization"
    INTERNET = "internet"
    NODE = "node"


# One line a row, one word a column, in their orders. "-": there is no such path to be allowed or denied.
_ANSWERS: Final = {
    Row.CLIENTS: "yes no no no - - - - - - - - - -",
    Row.MONITORING: "no no yes no - - - - - - - - - -",
    Row.OPERATOR: "no yes no no yes yes yes no no yes no 9443_only no -",
    Row.APP: "- - - yes yes no yes no yes no no no no no",
    Row.SCANNER: "no no - - no no yes yes no no no no no no",
    Row.OTHER: "no no no no no no no no no no no no no no",
}
TABLE: Final[Mapping[tuple[Row, Column], str]] = {
    (row, column): answer.replace("_", " ")
    for row, answers in _ANSWERS.items()
    for column, answer in zip(Column, answers.split(), strict=True)
}


def walked() -> Iterator[tuple[Row, Column, str]]:
    """Every cell that says something."""
    return ((row, column, answer) for (row, column), answer in TABLE.items() if answer != "-")


def markdown() -> str:
    """The table as the docs show it."""
    lines = [["from \\ to", *Column], ["---"] * (len(Column) + 1)]
    lines += [[row, *(TABLE[row, column] for column in Column)] for row in Row]
    return "\n".join(f"| {' | '.join(line)} |" for line in lines)

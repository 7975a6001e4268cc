"""What runs and what does not, as a table and as an exit status."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Any

from rich.table import Table

from kozutumi_cluster import files, processes
from kozutumi_cluster.layout import Layout


@dataclass(frozen=True)
class Row:
    name: str
    up: bool
    pid: int
    restarts: int
    log: Path


def rows(components: list[dict[str, Any]], report: dict[str, Any], layout: Layout, *, running: bool) -> list[Row]:
    """Pure: one row for each component that should run. A report of a node that is gone says nothing is up."""
    found = []
    for component in components:
        said = report.get(component["name"], {"pid": 0, "restarts": 0})
        found.append(
            Row(
                name=component["name"],
                up=running and said["pid"] > 0,
                pid=said["pid"] if running else 0,
                restarts=said["restarts"],
                log=layout.logs / f"{component['name']}.log",
            )
        )
    return found


def read(layout: Layout) -> list[Row]:
    components = files.read_json(layout.components_file) or []
    report = files.read_json(layout.supervisor_file) or {"components": {}}
    running = processes.supervisor(layout) is not None
    return rows(components, report["components"], layout, running=running)


def table(found: list[Row]) -> Table:
    shown = Table(box=None, pad_edge=False)
    for column in ("component", "state", "pid", "restarts", "log"):
        shown.add_column(column, no_wrap=True)
    for row in found:
        state = "[green]up[/green]" if row.up else "[red]down[/red]"
        shown.add_row(row.name, state, str(row.pid or "-"), str(row.restarts), row.log.name)
    return shown

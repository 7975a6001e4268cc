"""The operator's own row of the matrix, tried from this process without holding up its event loop."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence

from kozutumi_operator.probe import __main__ as program
from kozutumi_operator.probe.matrix import Cell

_PATIENCE = 10.0


async def judge(cells: Sequence[Cell]) -> dict[Cell, str]:
    """The outcome of each cell; patience as in a pod."""
    targets = [(cell.target.host, cell.target.port, cell.expected) for cell in cells]
    outcomes = await asyncio.to_thread(program.judge, targets, _PATIENCE)
    return dict(zip(cells, outcomes, strict=True))

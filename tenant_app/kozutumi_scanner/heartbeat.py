"""Signs of life as files, for the exec probes of the pod (no port is open to the node, architecture.md §3)."""

from __future__ import annotations

from pathlib import Path
from typing import Final

NAMES: Final = ("live", "ready")
MAXIMUM_AGE: Final = 30
"""Seconds after which a heartbeat that was not renewed counts as lost."""


def beat(folder: Path, name: str) -> None:
    (folder / f"kozutumi-{name}").touch()


def stop(folder: Path, name: str) -> None:
    (folder / f"kozutumi-{name}").unlink(missing_ok=True)


def age(folder: Path, name: str, now: float) -> float | None:
    """Seconds since the last beat at `now` (seconds since the epoch), None if there was none."""
    try:
        return now - (folder / f"kozutumi-{name}").stat().st_mtime
    except FileNotFoundError:
        return None

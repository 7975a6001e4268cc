"""Writing a file so that a reader sees the old or the new one, never half."""

from __future__ import annotations

import os
from pathlib import Path


def replace(path: Path, content: bytes) -> None:
    """Write beside and rename over (POSIX rename(2) is atomic)."""
    beside = path.with_name(f".{path.name}.new")
    beside.write_bytes(content)
    os.replace(beside, path)  # noqa: PTH105 - said as what it is

"""Go modules as Go has downloaded them, and a copy with one file of our own, for a build whose dependencies cannot all be had."""

from __future__ import annotations

import json
import shutil
from dataclasses import dataclass
from pathlib import Path

from kozutumi_cluster import shell
from kozutumi_cluster.errors import ClusterError


@dataclass(frozen=True)
class Instead:
    """`ours`, a path in the folder of the build, is taken in place of `theirs`, a path in `module`."""

    module: str
    theirs: str
    ours: str


def downloaded(module: str, folder: Path) -> Path:
    """Where Go keeps this module, of the version that the folder's go.mod pins. ClusterError where it cannot be had."""
    said = json.loads(shell.run(["go", "mod", "download", "-json", module], cwd=folder))
    if "Dir" not in said:
        raise ClusterError(f"The Go module {module} cannot be had: {said.get('Error', 'no reason given')}")
    return Path(said["Dir"])


def modfile(folder: Path, instead: Instead, place: Path) -> Path:
    """A go.mod in `place` like the folder's, that takes the module from a copy there; go.sum checks what is copied."""
    copy = place / "module"
    shutil.copytree(downloaded(instead.module, folder), copy, copy_function=shutil.copyfile)
    (copy / instead.theirs).write_bytes((folder / instead.ours).read_bytes())
    changed = place / "go.mod"
    own = (folder / "go.mod").read_text(encoding="utf-8")
    changed.write_text(f"{own}\nreplace {instead.module} => {copy}\n", encoding="utf-8")
    shutil.copyfile(folder / "go.sum", place / "go.sum")
    return changed

"""Holds the sizes of the style guide over every Python file that git tracks; prints the figures, exits 1 when one is missed."""

from __future__ import annotations

import ast
import statistics
import subprocess
import sys
from pathlib import Path
from typing import Final

FILE_MEDIAN: Final = 120
FILE_MAX: Final = 300
FUNCTION_MEDIAN: Final = 10
FUNCTION_P90: Final = 30
FUNCTION_MAX: Final = 60


def tracked() -> list[Path]:
    listed = subprocess.run(["git", "ls-files", "*.py"], check=True, capture_output=True, text=True)  # noqa: S607 - git is found by PATH
    return [path for path in map(Path, listed.stdout.split()) if path.exists()]


def functions(path: Path) -> list[tuple[int, str]]:
    """Length in lines, decorators and docstring left out, of each function in `path`."""
    found = []
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef):
            documented = ast.get_docstring(node, clean=False)
            body = node.body[1:] if documented and len(node.body) > 1 else node.body
            length = (node.end_lineno or node.lineno) - body[0].lineno + 2
            found.append((length, f"{path}:{node.lineno} {node.name}"))
    return found


def main() -> int:
    files = [(len(path.read_text(encoding="utf-8").splitlines()), str(path)) for path in tracked()]
    files = [entry for entry in files if entry[0]]
    lengths = [entry for path in tracked() for entry in functions(path)]
    ninth = statistics.quantiles([length for length, _ in lengths], n=10)[8]
    figures = [
        ("file median", statistics.median(size for size, _ in files), FILE_MEDIAN),
        ("file maximum", max(files)[0], FILE_MAX),
        ("function median", statistics.median(length for length, _ in lengths), FUNCTION_MEDIAN),
        ("function 90th percentile", ninth, FUNCTION_P90),
        ("function maximum", max(lengths)[0], FUNCTION_MAX),
    ]
    missed = [name for name, value, limit in figures if value > limit]
    for name, value, limit in figures:
        print(f"sizes: {name} {value:g} (at most {limit})")
    for length, name in sorted(files + lengths, reverse=True):
        limit = FUNCTION_MAX if " " in name else FILE_MAX
        if length > limit:
            print(f"sizes: {name} has {length} lines, more than {limit}: split it by concern")
    return 1 if missed else 0


if __name__ == "__main__":
    sys.exit(main())

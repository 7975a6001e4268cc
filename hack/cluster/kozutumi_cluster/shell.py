"""Running other programs: never through a shell, always with their own words in the error."""

from __future__ import annotations

import subprocess
from collections.abc import Mapping, Sequence
from pathlib import Path

from kozutumi_cluster.errors import ClusterError

_LAST_LINES = 15


def run(
    argv: Sequence[str | Path],
    *,
    stdin: str | None = None,
    environment: Mapping[str, str] | None = None,
    cwd: Path | None = None,
    timeout_seconds: float = 300,
) -> str:
    """Standard output of a program that must succeed. Raises ClusterError with the end of what it said."""
    words = [str(word) for word in argv]
    try:
        done = subprocess.run(  # noqa: S603 - argv is built by this tool; no shell is involved
            words,
            input=stdin,
            env=None if environment is None else dict(environment),
            cwd=cwd,
            capture_output=True,
            text=True,
            timeout=timeout_seconds,
            check=False,
        )
    except FileNotFoundError as error:
        message = f"The program {words[0]} is not installed."
        raise ClusterError(message) from error
    except subprocess.TimeoutExpired as error:
        message = f"“{' '.join(words)}” did not end within {timeout_seconds:.0f} s."
        raise ClusterError(message) from error
    if done.returncode:
        said = "\n".join((done.stderr or done.stdout).strip().splitlines()[-_LAST_LINES:])
        message = f"“{' '.join(words)}” failed with status {done.returncode}: {said}"
        raise ClusterError(message)
    return done.stdout


def succeeds(argv: Sequence[str | Path], *, timeout_seconds: float = 30) -> bool:
    try:
        run(argv, timeout_seconds=timeout_seconds)
    except ClusterError:
        return False
    return True

"""Running freshclam once."""

from __future__ import annotations

import os
import pwd
import subprocess
from pathlib import Path
from typing import Final

PROGRAM: Final = "/usr/bin/freshclam"
TIMEOUT_SECONDS: Final = 900


class FreshclamError(Exception):
    """freshclam did not end well; the message is its own last line."""


def run(configuration: Path, *, ca: Path | None) -> None:
    """Update once. `ca`: the only certificates to trust (freshclam reads CURL_CA_BUNDLE), None for the system's."""
    environment = {"PATH": "/usr/bin:/bin", "LC_ALL": "C.UTF-8"} | ({"CURL_CA_BUNDLE": str(ca)} if ca else {})
    try:
        done = subprocess.run(  # noqa: S603 - a fixed program, arguments of our own
            [PROGRAM, f"--config-file={configuration}", "--stdout"],
            env=environment,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            timeout=TIMEOUT_SECONDS,
            check=False,
            text=True,
            errors="replace",
        )
    except (OSError, subprocess.TimeoutExpired) as error:
        raise FreshclamError(f"freshclam could not be run: {error}") from None
    if done.returncode != 0:
        raise FreshclamError(_last_line(done.stdout) or f"freshclam ended with status {done.returncode}")


def owner() -> str:
    """The user this process runs as: freshclam as root would change to another one, who owns no folder here."""
    try:
        return pwd.getpwuid(os.geteuid()).pw_name
    except KeyError:
        return str(os.geteuid())


def _last_line(output: str) -> str:
    lines = [line for line in output.splitlines() if line.strip()]
    return lines[-1] if lines else ""

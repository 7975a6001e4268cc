"""What every command is given: kubectl, a console, the clock."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime

import typer
from rich.console import Console
from rich.text import Text

from kozutumi_cli.kubectl.client import Kubectl


@dataclass(frozen=True, slots=True)
class Session:
    kubectl: Kubectl
    console: Console
    now: Callable[[], datetime]

    def say(self, text: str, style: str = "") -> None:
        """One line; nothing in it is taken for markup, and nothing is wrapped that a reader might copy."""
        self.console.print(Text(text, style=style), soft_wrap=True)


def of(context: typer.Context) -> Session:
    """The session that the callback, or a test, has put there."""
    found = context.find_object(Session)
    if found is None:
        raise RuntimeError("the command was started without its session")
    return found

"""How both programs start and how they fail."""

from __future__ import annotations

import typer
from rich.console import Console
from rich.markup import escape

from kozutumi_cli.errors import CliError


def application(about: str) -> typer.Typer:
    return typer.Typer(no_args_is_help=True, add_completion=False, pretty_exceptions_show_locals=False, help=about)


def run(app: typer.Typer, program: str) -> None:
    """A CliError is a message for the user, exit status 1; anything else is a defect and keeps its trace."""
    try:
        app(prog_name=program)
    except CliError as error:
        Console(stderr=True).print(f"[red]error:[/red] {escape(str(error))}", highlight=False, soft_wrap=True)
        raise SystemExit(1) from None

"""`kubectl kozutumi`: wiring of the commands."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Annotated

import typer
from rich.console import Console

from kozutumi_cli import running
from kozutumi_cli.kubectl import (
    client,
    diff,
    events,
    granting,
    ordering,
    report,
    status,
    support_bundle,
    tree,
)
from kozutumi_cli.kubectl.session import Session
from kozutumi_cli.verify_disposal import verify_disposal

app = running.application("Look after Kozutumi's organizations with your own kubeconfig.")


@app.callback()
def start(
    context: typer.Context,
    *,
    kubeconfig: Annotated[str, typer.Option("--kubeconfig", help="Path of the kubeconfig, as for kubectl.")] = "",
    kube_context: Annotated[str, typer.Option("--context", help="Context of the kubeconfig, as for kubectl.")] = "",
    impersonated: Annotated[str, typer.Option("--as", help="User to act as, as for kubectl.")] = "",
) -> None:
    """Look after Kozutumi's organizations with your own kubeconfig."""
    if context.find_object(Session) is None and context.invoked_subcommand != "verify-disposal":
        given = {"kubeconfig": kubeconfig, "context": kube_context, "as": impersonated}
        flags = tuple(f"--{name}={value}" for name, value in given.items() if value)
        kubectl = client.of_this_machine(flags)
        context.obj = Session(kubectl, Console(highlight=False), lambda: datetime.now(UTC))


app.command("status")(status.status)
app.command("tree")(tree.tree)
app.command("diff")(diff.diff)
app.command("events")(events.events)
app.command("rotate")(ordering.rotate)
app.command("suspend")(ordering.suspend)
app.command("resume")(ordering.resume)
app.add_typer(granting.app, name="grant")
app.command("report")(report.report)
app.command("support-bundle")(support_bundle.support_bundle)
app.command("verify-disposal")(verify_disposal)


def main() -> None:
    running.run(app, "kubectl kozutumi")

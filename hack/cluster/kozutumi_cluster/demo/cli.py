"""`demo`, a command of the cluster's program."""

from __future__ import annotations

import typer
from rich.console import Console

from kozutumi_cluster import binaries
from kozutumi_cluster.demo import environment, people
from kozutumi_cluster.demo.kubectl import Kubectl
from kozutumi_cluster.demo.scenario import Demo
from kozutumi_cluster.errors import ClusterError
from kozutumi_cluster.layout import DEFAULT_NAME, Layout


def demo() -> None:
    """Send a real file through two real organizations; each step says what it proves."""
    layout = Layout.of(DEFAULT_NAME)
    programs = binaries.installed("cluster")
    if programs is None:
        raise ClusterError("The cluster's programs are not built; run `make install` first.")
    kubectl = Kubectl(programs["kubectl"], layout.kubeconfig)
    ca = environment.platform_ca(kubectl, layout)
    inbox = environment.inbox(kubectl, layout, ca)
    Demo(Console(), layout, kubectl, inbox, ca, people.Passwords.load(environment.passwords_file(layout))).run()


def register(app: typer.Typer) -> None:
    app.command()(demo)

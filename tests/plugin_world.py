"""The plug-in as its tests run it: organizations as the API gives them, a still clock, a console of fixed width."""

from __future__ import annotations

import io
from datetime import UTC, datetime
from typing import Any

from rich.console import Console
from typer.testing import CliRunner, Result

from fake_kubectl import FakeApi
from kozutumi_cli.kubectl.main import app
from kozutumi_cli.kubectl.session import Session

NOW = datetime(2026, 11, 24, 12, 0, tzinfo=UTC)
Object = dict[str, Any]


def organization(code: str, *conditions: Object, **status: Any) -> Object:
    ready = condition("Ready", "True", "Ready", "Everything is as specified.")
    return {
        "kind": "Organization",
        "metadata": {"name": code, "generation": 3, "creationTimestamp": "2026-11-10T12:00:00Z", "uid": f"uid-{code}"},
        "spec": {
            "serviceCode": code,
            "displayName": {"ja": "あおい法律事務所", "en": "Aoi Law"},
            "administrators": [{"email": "admin@aoi-law.example"}],
            "residency": {"region": "jp-dev-1"},
            "deletionPolicy": "Delete",
        },
        "status": {
            "observedGeneration": 3,
            "namespace": f"kz-{code}",
            "url": f"https://{code}.kozutumi.test",
            "plan": "standard",
            "reportedAt": "2026-11-24T11:30:00Z",
            "encryption": {"activeKeyVersion": 2, "rotatedAt": "2026-11-20T12:00:00Z"},
            "usage": {"storage": "12Mi", "files": 3, "users": 2},
            "scanner": {"signatureVersion": "27812", "signatureAge": "2h"},
            "isolation": {"probedAt": "2026-11-24T11:15:00Z", "allowed": 7, "denied": 31},
            "inventory": [
                f"Namespace/kz-{code}",
                "Deployment/app",
                "NetworkPolicy/deny-all",
                "Secret/keyring",
                f"bucket/kozutumi-{code}",
                f"iam-user/kozutumi-{code}",
            ],
            "conditions": [*(conditions or (ready,))],
            **status,
        },
    }


def condition(kind: str, status: str, reason: str, message: str) -> Object:
    since = "2026-11-24T09:00:00Z"
    return {"type": kind, "status": status, "reason": reason, "message": message, "lastTransitionTime": since}


def run(api: FakeApi, *words: str, stdin: str | None = None) -> tuple[str, Result]:
    """What the console shows, and the runner's result (exit status, exception, what went past the console)."""
    shown = io.StringIO()
    console = Console(file=shown, width=120, color_system=None, highlight=False, legacy_windows=False)
    session = Session(api.kubectl(), console, lambda: NOW)
    result = CliRunner().invoke(app, list(words), obj=session, input=stdin)
    return "".join(f"{line.rstrip()}\n" for line in shown.getvalue().splitlines()), result

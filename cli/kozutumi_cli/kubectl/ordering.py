"""`rotate`, `suspend`, `resume`: orders to the operator, each by one field or annotation of the Organization."""

from __future__ import annotations

import json
from datetime import UTC
from typing import Annotated, Any

import typer

from kozutumi_cli.kubectl import session
from kozutumi_cli.kubectl.session import Session
from kozutumi_cli.kubectl.status import Code
from kozutumi_contract import labels

Yes = Annotated[bool, typer.Option("--yes", "-y", help="Do not ask.")]


def rotate(
    context: typer.Context,
    code: Code,
    *,
    storage: Annotated[
        bool, typer.Option("--storage", help="The storage credential instead of the encryption key.")
    ] = False,
) -> None:
    """Rotate an organization's encryption key, or its storage credential. Nobody's work is interrupted."""
    at_hand = session.of(context)
    token = at_hand.now().astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%SZ")
    name = labels.ROTATE_STORAGE if storage else labels.ROTATE
    _patch(at_hand, code, {"metadata": {"annotations": {name: token}}})
    what = "storage credential" if storage else "encryption key"
    at_hand.say(f"{code}: rotation of the {what} asked for ({token}). Follow it: kubectl kozutumi status {code}")


def suspend(context: typer.Context, code: Code, *, yes: Yes = False) -> None:
    """Stop an organization's app and scanner; everything is kept. People cannot sign in until `resume`."""
    at_hand = session.of(context)
    if not yes:
        typer.confirm(f"Nobody of {code} can sign in, upload or download until you resume it. Suspend it?", abort=True)
    _patch(at_hand, code, {"spec": {"suspend": True}})
    at_hand.say(f"{code} is being suspended. To undo: kubectl kozutumi resume {code}")


def resume(context: typer.Context, code: Code) -> None:
    """Start a suspended organization again."""
    at_hand = session.of(context)
    _patch(at_hand, code, {"spec": {"suspend": False}})
    at_hand.say(f"{code} is being started. Follow it: kubectl kozutumi status {code}")


def _patch(at_hand: Session, code: str, change: dict[str, Any]) -> None:
    at_hand.kubectl("patch", "organizations.kozutumi.com", code, "--type=merge", "-p", json.dumps(change))

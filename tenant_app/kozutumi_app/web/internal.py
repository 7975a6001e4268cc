"""Port 9443: the operator asks for status, invites the first administrators, tells what it changes or did, and drains.

mTLS; nobody else has a certificate that this port accepts.
"""

from __future__ import annotations

from dataclasses import asdict
from typing import Annotated, Any, Literal

from fastapi import APIRouter, Depends, Query, Request
from pydantic import BaseModel, ConfigDict, Field

from kozutumi_app.services import Services
from kozutumi_app.use_cases import audit_restoring, consent, invitations, operator_acts, status
from kozutumi_app.use_cases.health import HealthMonitor
from kozutumi_app.web.security import services_of

router = APIRouter(prefix="/internal/v1", include_in_schema=False)
App = Annotated[Services, Depends(services_of)]


class Body(BaseModel):
    model_config = ConfigDict(extra="forbid", strict=True)


class Administrators(Body):
    emails: list[str] = Field(min_length=1, max_length=20)


class Change(Body):
    """A change of the manifest that needs the organization's agreement. `by`: the AccessGrant that let it through."""

    id: str = Field(pattern=r"^[0-9a-z]{1,32}$")
    kind: str = Field(min_length=1, max_length=64)
    summary: str = Field(max_length=4096)
    outcome: Literal["pending", "withdrawn", "granted"] = "pending"
    by: str = Field(default="", max_length=253)


class Act(Body):
    """What the operator did, for the audit log. Names of people go into `details`. With `key` it is stored once."""

    type: str = Field(pattern=r"^[a-z_]{1,31}\.[a-z_]{1,32}$")
    object_id: str = Field(min_length=1, max_length=64)
    outcome: str = Field(default="ok", pattern=r"^[a-z_]{1,32}$")
    details: dict[str, str] = Field(default_factory=dict, max_length=20)
    key: str | None = Field(default=None, min_length=1, max_length=96)


class Head(Body):
    sequence: int = Field(ge=1, le=2**62)
    hash: str = Field(pattern=r"^[0-9a-f]{64}$")


@router.get("/status")
def show_status(
    request: Request, services: App, audit_sequence: Annotated[int | None, Query(ge=0, le=2**62)] = None
) -> dict[str, Any]:
    monitor: HealthMonitor = request.app.state.health
    return asdict(status.gather(services, monitor.recent(), pulled=audit_sequence))


@router.post("/administrators", status_code=202)
def invite_administrators(body: Administrators, services: App) -> dict[str, int]:
    return {"invited": invitations.invite_administrators(services, body.emails)}


@router.post("/changes")
def tell_change(body: Change, services: App) -> dict[str, str]:
    told = consent.Told(body.id, body.kind, body.summary, consent.State(body.outcome), body.by)
    return {"state": consent.tell(services, told)}


@router.post("/audit", status_code=201)
def record_act(body: Act, services: App) -> dict[str, int]:
    sequence = operator_acts.record(
        services,
        type=body.type,
        object_id=body.object_id,
        outcome=body.outcome,
        details=body.details,
        key=body.key,
    )
    return {"sequence": sequence}


@router.post("/audit/heads")
def note_head(body: Head, services: App) -> dict[str, bool]:
    """The operator pulled this head once: whether it is in the log. If it is not, the log says so from now on."""
    return {"known": audit_restoring.noted(services, body.sequence, body.hash)}


@router.post("/drain")
def drain(services: App) -> dict[str, Any]:
    return asdict(status.drain(services))

"""Port 9443: the operator brings the platform's announcements and takes them back."""

from __future__ import annotations

from typing import Annotated, Literal

from fastapi import APIRouter, Depends, HTTPException, Path
from pydantic import AwareDatetime, BaseModel, ConfigDict, Field

from kozutumi_app.services import Services
from kozutumi_app.use_cases import announcements
from kozutumi_app.web.security import services_of

router = APIRouter(prefix="/internal/v1/announcements", include_in_schema=False)
App = Annotated[Services, Depends(services_of)]
Name = Annotated[str, Path(pattern=r"^[a-z0-9]([-a-z0-9.]{0,62}[a-z0-9])?$")]


class Part(BaseModel):
    model_config = ConfigDict(extra="forbid")


class Words(Part):
    title: str = Field(min_length=1, max_length=200)
    body: str = Field(min_length=1, max_length=2000)


class Text(Part):
    ja: Words
    en: Words


class News(Part):
    at: AwareDatetime
    ja: str = Field(min_length=1, max_length=500)
    en: str = Field(min_length=1, max_length=500)


class Brought(Part):
    """One announcement, as resource Announcement has it. `digest` is the operator's mark of this version."""

    id: str = Field(pattern=r"^[a-z0-9]([-a-z0-9.]{0,62}[a-z0-9])?$")
    digest: str = Field(pattern=r"^[0-9a-f]{64}$")
    type: Literal["Maintenance", "Change", "Incident", "Security"]
    begins: AwareDatetime | None = Field(alias="from")
    until: AwareDatetime | None
    text: Text
    timeline: list[News] = Field(max_length=10)


@router.get("")
def list_received(services: App) -> dict[str, dict[str, str]]:
    return {"announcements": announcements.received(services)}


@router.post("", status_code=201)
def bring(body: Brought, services: App) -> dict[str, str]:
    document = body.model_dump(mode="json", by_alias=True, exclude={"digest"})
    if not announcements.put(services, document, body.digest, body.until):
        raise HTTPException(409, f"{announcements.MOST} announcements are here already; take some back first")
    return {"digest": body.digest}


@router.delete("/{name}")
def take_back(name: Name, services: App) -> dict[str, bool]:
    return {"withdrawn": announcements.withdraw(services, name)}

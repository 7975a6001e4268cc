"""An Announcement as the API server stores it, parsed once into what is pushed to an app."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from kozutumi_contract import canonical


@dataclass(frozen=True, slots=True, kw_only=True)
class Announcement:
    """`document` is what an app stores and shows; `digest` tells two versions of it apart."""

    name: str
    generation: int
    everyone: bool
    codes: frozenset[str]
    labels: Mapping[str, str]
    until: datetime | None
    document: Mapping[str, Any]
    digest: str

    def concerns(self, service_code: str, labels: Mapping[str, str]) -> bool:
        """Whether it is for an organization with these labels."""
        if self.labels:
            return all(labels.get(key) == value for key, value in self.labels.items())
        return self.everyone or service_code in self.codes

    def is_over(self, now: datetime) -> bool:
        return self.until is not None and now >= self.until


def parse(body: Mapping[str, Any]) -> Announcement:
    """The CRD's rules have checked it."""
    metadata, spec = body["metadata"], body["spec"]
    audience, schedule = spec["audience"], spec.get("schedule") or {}
    document = {
        "id": metadata["name"],
        "type": spec["type"],
        "from": schedule.get("from"),
        "until": schedule.get("until"),
        "text": {language: dict(spec["text"][language]) for language in ("ja", "en")},
        "timeline": [{key: entry[key] for key in ("at", "ja", "en")} for entry in spec.get("timeline") or ()],
    }
    until = schedule.get("until")
    return Announcement(
        name=metadata["name"],
        generation=metadata.get("generation", 0),
        everyone=bool(audience.get("all")),
        codes=frozenset(audience.get("codes") or ()),
        labels=dict(audience.get("labels") or {}),
        until=datetime.fromisoformat(until) if until else None,
        document=document,
        digest=hashlib.sha256(canonical.encode(document)).hexdigest(),
    )

"""The rollout as it is written down: ConfigMap `fleet-release` in the operator's namespace. Pure.

`fleet.json` is format 1: readers refuse another, fields may be added. The other entries are for people to read.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from datetime import datetime
from typing import Any, Final

from kozutumi_contract import labels
from kozutumi_operator.organizations import releases
from kozutumi_operator.organizations.observed import Object
from kozutumi_operator.organizations.rollout import Moved, Phase, Rollout

FORMAT: Final = 1
DOCUMENT: Final = "fleet.json"


class RecordError(ValueError):
    """The record cannot be read. To go on without it would move the whole fleet at once."""


def name_of(shard: str) -> str:
    return f"fleet-release-{shard}" if shard else "fleet-release"


def render(rollout: Rollout, name: str) -> Object:
    readable = {"phase": str(rollout.phase), "stable": rollout.stable, "message": rollout.message}
    texts = rollout.releases[rollout.target or rollout.stable].texts
    images = {"imageApp": texts.get("image_app", ""), "imageScanner": texts.get("image_scanner", "")}
    return {
        "apiVersion": "v1",
        "kind": "ConfigMap",
        "metadata": {
            "name": name,
            "namespace": labels.SYSTEM_NAMESPACE,
            "labels": {
                "app.kubernetes.io/name": "kozutumi-operator",
                "app.kubernetes.io/component": "fleet",
                "app.kubernetes.io/part-of": "kozutumi",
            },
        },
        "data": {**readable, "target": rollout.target, **images, DOCUMENT: _dumped(rollout)},
    }


def parse(found: Mapping[str, Any]) -> Rollout:
    """Raises RecordError where it is damaged or of another format."""
    try:
        document = json.loads((found.get("data") or {})[DOCUMENT])
        if document["format"] != FORMAT:
            raise RecordError(f"format {document['format']!r} of {DOCUMENT} is not {FORMAT}")
        return _parsed(document)
    except (KeyError, TypeError, ValueError) as error:
        place = f"{labels.SYSTEM_NAMESPACE}/{found['metadata']['name']}"
        raise RecordError(
            f"ConfigMap {place} cannot be read ({error!r}); restore it, or delete it to take the fleet as it is now"
        ) from None


def paused(found: Mapping[str, Any]) -> bool:
    return annotation(found, labels.PAUSED) == "true"


def annotation(found: Mapping[str, Any], name: str) -> str:
    return str((found["metadata"].get("annotations") or {}).get(name, ""))


def _dumped(rollout: Rollout) -> str:
    started = rollout.wave_started
    document = {
        "format": FORMAT,
        "releases": {name: releases.to_json(each) for name, each in sorted(rollout.releases.items())},
        "stable": rollout.stable,
        "target": rollout.target,
        "phase": str(rollout.phase),
        "at": dict(sorted(rollout.at.items())),
        "moved": {name: [each.counted, each.before] for name, each in sorted(rollout.moved.items())},
        "wave": rollout.wave,
        "waveStarted": None if started is None else started.isoformat(),
        "message": rollout.message,
    }
    return json.dumps(document, ensure_ascii=False)


def _parsed(document: Mapping[str, Any]) -> Rollout:
    started = document["waveStarted"]
    known = {str(name): releases.from_json(each) for name, each in document["releases"].items()}
    at = {str(name): str(held) for name, held in document["at"].items()}
    rollout = Rollout(
        releases=known,
        stable=document["stable"],
        target=document["target"],
        phase=Phase(document["phase"]),
        at=at,
        moved={name: Moved(bool(counted), str(before)) for name, (counted, before) in document["moved"].items()},
        wave=int(document["wave"]),
        wave_started=None if started is None else datetime.fromisoformat(started),
        message=document["message"],
    )
    if missing := {rollout.stable, *at.values(), *([rollout.target] if rollout.target else [])} - known.keys():
        raise RecordError(f"releases {sorted(missing)} are not described")
    return rollout

"""What the provider may not change without the organization: changes wait until an administrator or a grant lets them through.

Pure. `status.confirmed` is the record of what is in force; only the operator's account may write a status.
Before the first administrator has accepted, everything applies at once. From then on each guarded field keeps its
recorded value until the very change, told by its id, is confirmed in the app or named by an approved AccessGrant.
"""

from __future__ import annotations

import copy
import hashlib
import json
from collections.abc import Collection, Mapping
from dataclasses import dataclass
from typing import Any, Final

Body = dict[str, Any]

# An Organization names no image: images come with the platform's own rollout (docs/operations/consent.md).
GUARDED: Final = ("authentication", "administrators", "network.extraEgress", "transfer.unscannable")
_MEANT: Final = {"transfer.unscannable": "Reject"}  # what an absent field means
_AGREED: Final = frozenset({"confirmed", "granted"})
_ABSENT: Final = "null"
_SUMMARY: Final = 2000


@dataclass(frozen=True, slots=True)
class Change:
    """`id` is of this very change at this moment: agreeing once does not agree to the same change later again."""

    id: str
    field: str
    old: str
    new: str
    refused: bool = False

    @property
    def summary(self) -> str:
        """What the administrators are asked; values are canonical JSON."""
        return f"{_short(self.old)} → {_short(self.new)}"


@dataclass(frozen=True, slots=True)
class View:
    """`body` is what to put in place, `record` what to write to status.confirmed."""

    body: Body
    record: Body
    pending: tuple[Change, ...] = ()


def view(
    body: Mapping[str, Any],
    recorded: Mapping[str, Any] | None,
    *,
    decisions: Mapping[str, str],
    accepted: bool | None,
) -> View:
    """Compare the effective manifest with what is on record.

    `decisions` is the app's state of each change by its id. `accepted`: whether the first administrator has accepted,
    None while the app cannot be asked. Nobody is invited before there is a record, so without one nobody has accepted.
    """
    wanted = {field: canonical(body, field) for field in GUARDED}
    result = copy.deepcopy(dict(body))
    if recorded is None:
        return View(result, _record(wanted, {}, bootstrapped=accepted is True))
    agreed, serials = _read(recorded)
    bootstrapped = bool(recorded.get("bootstrapped"))
    free = not bootstrapped and accepted is False
    pending = []
    for field in GUARDED:
        old, serial = agreed.get(field, wanted[field]), serials.get(field, 0)
        if old == wanted[field]:
            continue
        change_id = _id(str(body["metadata"].get("uid", "")), field, serial, old, wanted[field])
        state = decisions.get(change_id)
        if free or state in _AGREED:
            serials[field] = serial + 1
            continue
        pending.append(Change(change_id, field, old, wanted[field], refused=state == "refused"))
        _put(result.setdefault("spec", {}), field, json.loads(old))
        wanted[field] = old
    return View(result, _record(wanted, serials, bootstrapped=bootstrapped or accepted is True), tuple(pending))


def allowed_by_grant(granted: Collection[str], change: Change) -> bool:
    """Whether an approved AccessGrant names this change: by its id, so that it allows this value and no other."""
    return change.id in granted


def canonical(body: Mapping[str, Any], field: str) -> str:
    """The value as JSON with sorted keys and no spaces; absent and empty are the same."""
    value: Any = body.get("spec") or {}
    for step in field.split("."):
        value = value.get(step) if isinstance(value, Mapping) else None
    meant = value if value or value is False else _MEANT.get(field)
    return json.dumps(meant, sort_keys=True, separators=(",", ":"), ensure_ascii=False)


def _read(recorded: Mapping[str, Any]) -> tuple[dict[str, str], dict[str, int]]:
    fields = recorded.get("fields") or ()
    return (
        {each["field"]: each["value"] for each in fields if "value" in each},
        {each["field"]: int(each.get("serial", 0)) for each in fields},
    )


def _record(values: Mapping[str, str], serials: Mapping[str, int], *, bootstrapped: bool) -> Body:
    fields = [{"field": field, "value": values[field], "serial": serials.get(field, 0)} for field in GUARDED]
    return {"bootstrapped": bootstrapped, "fields": fields}


def _id(uid: str, field: str, serial: int, old: str, new: str) -> str:
    digest = hashlib.sha256()
    for part in ("kozutumi change v1", uid, field, str(serial), old, new):
        raw = part.encode()
        digest.update(len(raw).to_bytes(8, "big") + raw)
    return digest.hexdigest()[:32]


def _put(spec: Body, field: str, value: Any) -> None:
    *sections, last = field.split(".")
    for section in sections:
        spec = spec.setdefault(section, {})
    if value is None:
        spec.pop(last, None)
    else:
        spec[last] = value


def _short(value: str) -> str:
    text = "nothing" if value == _ABSENT else value
    return text if len(text) <= _SUMMARY else text[:_SUMMARY] + "…"

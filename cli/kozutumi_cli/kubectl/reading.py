"""Reading an Organization as the API gives it: nothing that may be absent is taken for granted. Pure."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime, timedelta
from typing import Any, Final

Object = Mapping[str, Any]
# Conditions whose "True" is bad news (kstatus); all others are good when True.
ABNORMAL: Final = frozenset({"Reconciling", "Stalled", "ChangePending", "LegalHold"})
NONE: Final = "-"


def at(tree: Any, *path: str, default: str = NONE) -> str:
    """A value as text by its path; `default` where any step is missing or empty."""
    for step in path:
        tree = tree.get(step) if isinstance(tree, Mapping) else None
    return default if tree in (None, "", [], {}) else str(tree)


def code(organization: Object) -> str:
    return str(organization["metadata"]["name"])


def conditions(organization: Object) -> list[Object]:
    found: list[Object] = list((organization.get("status") or {}).get("conditions") or ())
    return found


def condition(organization: Object, kind: str) -> Object:
    """One condition, {} while there is none."""
    return next((each for each in conditions(organization) if each.get("type") == kind), {})


def is_good(each: Object) -> bool:
    return (each.get("status") == "False") == (each.get("type") in ABNORMAL) and each.get("status") != "Unknown"


def unobserved(organization: Object) -> bool:
    """Whether the spec is newer than what the status speaks of."""
    seen = (organization.get("status") or {}).get("observedGeneration") or 0
    return int(seen) < int(organization["metadata"].get("generation") or 0)


def display_name(organization: Object) -> str:
    names = (organization.get("spec") or {}).get("displayName") or {}
    return " / ".join(str(names[language]) for language in ("ja", "en") if names.get(language)) or NONE


def moment(text: str) -> datetime | None:
    """An RFC 3339 time, None for anything else."""
    try:
        found = datetime.fromisoformat(text)
    except ValueError:
        return None
    return found if found.tzinfo else None


def age(text: str, now: datetime) -> str:
    """How long ago, as kubectl writes it (45s, 12m, 5h, 3d); NONE for no time."""
    when = moment(text)
    return NONE if when is None else short(now - when)


def short(span: timedelta) -> str:
    seconds = max(0, int(span.total_seconds()))
    for size, unit in ((86400, "d"), (3600, "h"), (60, "m")):
        if seconds >= 2 * size:
            return f"{seconds // size}{unit}"
    return f"{seconds}s"

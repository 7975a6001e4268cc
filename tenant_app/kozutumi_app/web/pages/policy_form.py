"""A level's policy as a form: a text field for each statement, empty where nothing is stated, and a unit beside sizes and spans. Pure."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final

from kozutumi_app.domain import quantities
from kozutumi_app.domain.policy_documents import RANGES
from kozutumi_app.domain.quantities import SIZES, SPANS, Units
from kozutumi_app.errors import InvalidInput

LISTS: Final = (
    "allowed_domains",
    "blocked_domains",
    "internal_domains",
    "allowed_types",
    "blocked_types",
    "approvers",
    "networks",
)
UNITS: Final[Mapping[str, Units]] = {
    "max_file_size": SIZES,
    "max_expiry": SPANS,
    "approval_expiry": SPANS,
    "hold_for": SPANS,
}
_COUNT: Final[Units] = {"": 1}
_YES_NO: Final = {"yes": True, "no": False}
NO_LIMIT: Final = "-"  # a list that states "none", which is something else than stating nothing


def typed(texts: Mapping[str, str]) -> dict[str, str]:
    """The form as it was sent in, with everything that it left out empty."""
    empty = dict.fromkeys((*LISTS, *RANGES, "approval", "approver", "may_send_outside"), "")
    units = {f"{name}_unit": quantities.largest(of) for name, of in UNITS.items()}
    return {**empty, **units, **texts}


def filled(document: Mapping[str, Any]) -> dict[str, str]:
    """Texts of the form for what a level states."""
    texts: dict[str, str] = {}
    for name, value in document.items():
        if name in LISTS:
            texts[name] = "\n".join(value) if value else NO_LIMIT
        elif name == "may_send_outside":
            texts[name] = "yes" if value else "no"
        elif name in UNITS:
            texts[name], texts[f"{name}_unit"] = quantities.write(value, UNITS[name])
        else:
            texts[name] = str(value)
    return typed(texts)


def read(texts: Mapping[str, str]) -> dict[str, Any]:
    """Return the document that the texts stand for; what is no number stays a text, which is then refused by name."""
    document: dict[str, Any] = {}
    for name, text in texts.items():
        stripped = text.strip()
        if not stripped:
            continue
        if name in LISTS:
            document[name] = [] if stripped == NO_LIMIT else stripped.replace(",", " ").split()
        elif name in RANGES:
            document[name] = _number(name, stripped, texts.get(f"{name}_unit", ""))
        elif name == "may_send_outside":
            document[name] = _YES_NO.get(stripped, stripped)
        elif name == "approval":
            document[name] = stripped
    return document


def _number(name: str, text: str, unit: str) -> int | str:
    try:
        return quantities.read(text, unit, UNITS.get(name, _COUNT))
    except InvalidInput:
        return text

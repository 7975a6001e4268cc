"""A level's policy as a form: one text field for each statement, empty where nothing is stated. Pure."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final

LISTS: Final = (
    "allowed_domains",
    "blocked_domains",
    "internal_domains",
    "allowed_types",
    "blocked_types",
    "approvers",
    "networks",
)
NUMBERS: Final = ("max_file_size", "max_expiry", "max_downloads", "approvals_needed", "approval_expiry", "hold_for")
_YES_NO: Final = {"yes": True, "no": False}
NO_LIMIT: Final = "-"  # a list that states "none", which is something else than stating nothing


def filled(document: Mapping[str, Any]) -> dict[str, str]:
    """Texts of the form for what a level states."""
    texts = dict.fromkeys((*LISTS, *NUMBERS, "approval", "may_send_outside"), "")
    for name, value in document.items():
        if name in LISTS:
            texts[name] = "\n".join(value) if value else NO_LIMIT
        elif name == "may_send_outside":
            texts[name] = "yes" if value else "no"
        else:
            texts[name] = str(value)
    return texts


def read(texts: Mapping[str, str]) -> dict[str, Any]:
    """Return the document that the texts stand for; what is no number stays a text, which is then refused by name."""
    document: dict[str, Any] = {}
    for name, text in texts.items():
        stripped = text.strip()
        if not stripped:
            continue
        if name in LISTS:
            document[name] = [] if stripped == NO_LIMIT else stripped.replace(",", " ").split()
        elif name in NUMBERS:
            document[name] = int(stripped) if stripped.isascii() and stripped.isdecimal() else stripped
        elif name == "may_send_outside":
            document[name] = _YES_NO.get(stripped, stripped)
        elif name == "approval":
            document[name] = stripped
    return document

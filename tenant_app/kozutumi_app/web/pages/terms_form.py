"""The fields that a new transfer and a draft being changed have in common, as typed and as chosen."""

from __future__ import annotations

import re
from typing import Annotated, Any

from fastapi import Depends, Form

from kozutumi_app.errors import InvalidInput
from kozutumi_app.use_cases.addressing import NewRecipient

Text = Annotated[str, Form()]


def _words(recipients: Text = "", locale: Text = "", subject: Text = "", message: Text = "") -> dict[str, str]:
    return {"recipients": recipients, "locale": locale, "subject": subject, "message": message}


def _proof(authentication: Text = "", password: Text = "") -> dict[str, str]:
    return {"authentication": authentication, "password": password}


def _terms(
    words: Annotated[dict[str, str], Depends(_words)],
    proof: Annotated[dict[str, str], Depends(_proof)],
    *,
    expires_in: Text = "",
    max_downloads: Text = "",
    hold_for: Text = "",
    notify: Text = "",
) -> dict[str, str]:
    terms = {"expires_in": expires_in, "max_downloads": max_downloads, "hold_for": hold_for, "notify": notify}
    return words | proof | terms


Typed = Annotated[dict[str, str], Depends(_terms)]


def chosen(typed: dict[str, str]) -> dict[str, Any]:
    """Fields of a Draft; what was left empty takes its default. InvalidInput for what is no number."""
    proof = typed["authentication"] or None
    fields: dict[str, Any] = {
        "recipients": [NewRecipient(each, typed["locale"] or None) for each in split_addresses(typed["recipients"])],
        "subject": typed["subject"],
        "message": typed["message"].replace("\r\n", "\n"),
        "authentication": proof,
        "password": (typed["password"] or None) if proof == "Password" else None,
    }
    numbers = {name: whole(typed[name]) for name in ("expires_in", "max_downloads", "hold_for")}
    fields |= {name: number for name, number in numbers.items() if number is not None}
    return fields | ({"notify": typed["notify"]} if typed["notify"] else {})


def shown(typed: dict[str, str]) -> dict[str, Any]:
    """As typed, for the form to be shown again; a password is not sent back."""
    numbers = {name: int(typed[name]) for name in ("expires_in", "hold_for") if typed[name].isdecimal()}
    texts = {name: typed[name] for name in ("recipients", "locale", "subject", "message")}
    chosen_ones = {name: typed[name] for name in ("max_downloads", "authentication", "notify") if typed[name]}
    return texts | chosen_ones | numbers


def split_addresses(text: str) -> list[str]:
    """Addresses as typed: separated by spaces, commas or semicolons, Japanese ones too."""
    return [part for part in re.split(r"[\s,;、，；]+", text) if part]


def whole(text: str) -> int | None:
    if not text.strip():
        return None
    try:
        return int(text)
    except ValueError:
        raise InvalidInput from None

"""What the resource can ask for and this release cannot do. Asking is refused: half-done protection is none.

An entry goes when its part is built; a test fails where something outside reads a field that is still listed.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Final

from kozutumi_operator.errors import SpecRefused
from kozutumi_operator.organizations.spec import Organization


@dataclass(frozen=True, slots=True)
class Unsupported:
    """`attribute` of Organization, the `field` of the manifest, and what to `write` instead."""

    attribute: str
    field: str
    write: str
    asked: Callable[[Organization], bool]


UNSUPPORTED: Final = (
    Unsupported("mfa", "authentication.mfa", "write Optional", lambda o: o.mfa != "Optional"),
    Unsupported(
        "password_minimum_length",
        "authentication.password.minimumLength",
        "write 12",
        lambda o: o.password_minimum_length != 12,
    ),
    Unsupported("oidc", "authentication.oidc", "leave it out", lambda o: o.oidc is not None),
    Unsupported("scim", "authentication.scim.enabled", "write false", lambda o: o.scim),
    Unsupported("database_type", "database.type", "write SQLite", lambda o: o.database_type != "SQLite"),
    Unsupported("backup_schedule", "backup.schedule", "leave it out", lambda o: o.backup_schedule is not None),
)


def refuse(organization: Organization) -> None:
    """Raise SpecRefused for the first thing asked for that this release cannot do."""
    for each in UNSUPPORTED:
        if each.asked(organization):
            raise SpecRefused(f"spec.{each.field}: this release cannot do that; {each.write}.")

"""The access key of an organization's IAM user, and how far its rotation has come. Both live in one Secret.

So they change in one write, and an operator that starts anew finds the stage where the last one left it.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final

from kozutumi_contract.secret import Secret
from kozutumi_operator.manifests import names

RETIRING: Final = "retiring-access-key-id"
TOKEN: Final = "rotation-token"  # noqa: S105 - the name of an entry
CREATED: Final = "created"


@dataclass(frozen=True, slots=True)
class StorageCredential:
    access_key_id: str
    secret_access_key: Secret[str]


@dataclass(frozen=True, slots=True, kw_only=True)
class StorageRecord:
    """`retiring`: id of the key before this one, while the app may still use it, else "".

    `token`: the last value of annotation rotate-storage that was obeyed. `created`: RFC 3339, "" if not known.
    """

    credential: StorageCredential
    retiring: str = ""
    token: str = ""
    created: str = ""


def read(entries: Mapping[str, bytes]) -> StorageRecord | None:
    """The record that a Secret's entries hold; None where there is no whole access key."""
    if names.ACCESS_KEY_ID not in entries or names.SECRET_ACCESS_KEY not in entries:
        return None
    text = {name: value.decode(errors="replace") for name, value in entries.items()}
    return StorageRecord(
        credential=StorageCredential(text[names.ACCESS_KEY_ID], Secret(text[names.SECRET_ACCESS_KEY])),
        retiring=text.get(RETIRING, ""),
        token=text.get(TOKEN, ""),
        created=text.get(CREATED, ""),
    )


def entries(record: StorageRecord) -> dict[str, Secret[bytes]]:
    """What `read` reads; empty fields are left out."""
    optional = {RETIRING: record.retiring, TOKEN: record.token, CREATED: record.created}
    return {
        names.ACCESS_KEY_ID: Secret(record.credential.access_key_id.encode()),
        names.SECRET_ACCESS_KEY: Secret(record.credential.secret_access_key.reveal().encode()),
        **{name: Secret(value.encode()) for name, value in optional.items() if value},
    }

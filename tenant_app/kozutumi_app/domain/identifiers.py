"""Random names: ids of rows (128 bits) and bearer tokens (256 bits)."""

from __future__ import annotations

import base64
from typing import Final

from kozutumi_app.domain.ports import Random

_ID_BYTES: Final = 16
_TOKEN_BYTES: Final = 32


def new_id(random: Random) -> str:
    """Return 26 characters of lowercase base32 (RFC 4648 §6 without padding): safe in paths, object keys and DNS."""
    return base64.b32encode(random(_ID_BYTES)).decode("ascii").rstrip("=").lower()


def new_token(random: Random) -> str:
    """Return 43 characters of base64url (RFC 4648 §5 without padding)."""
    return base64.urlsafe_b64encode(random(_TOKEN_BYTES)).decode("ascii").rstrip("=")

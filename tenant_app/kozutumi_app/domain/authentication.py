"""How a recipient proves to be the one a transfer is for, and which proof is stronger. Pure.

The order is by what somebody who holds the delivery mail still lacks:
Link: nothing. EmailCode: the mailbox itself, at the time of opening, so a forwarded or leaked mail is not enough.
Password: a secret that never was in the mailbox, so a mailbox that is read by others is not enough.
Account: the sign-in of the one member of this organization who has that address.
The organization's setting is the default of a new transfer and the floor of every transfer, also of one sent before.
"""

from __future__ import annotations

import base64
from enum import StrEnum
from typing import Final

from kozutumi_app.domain.ports import Random


class Authentication(StrEnum):
    LINK = "Link"
    EMAIL_CODE = "EmailCode"
    PASSWORD = "Password"  # noqa: S105 - the name of a way to prove oneself
    ACCOUNT = "Account"


_ORDER: Final = tuple(Authentication)
_PASSWORD_BYTES: Final = 10
_GROUP: Final = 4


def parse(text: str) -> Authentication:
    """ValueError for a name that is none."""
    return Authentication(text)


def is_enough(shown: Authentication, floor: Authentication) -> bool:
    return _ORDER.index(shown) >= _ORDER.index(floor)


def required(chosen: Authentication, floor: Authentication) -> Authentication:
    """What must be shown now: the sender's choice, or the floor if that was raised since."""
    return chosen if is_enough(chosen, floor) else floor


def allowed(floor: Authentication) -> tuple[Authentication, ...]:
    """What a sender may choose, weakest first."""
    return _ORDER[_ORDER.index(floor) :]


def new_password(random: Random) -> str:
    """80 bits as four groups of base32 (RFC 4648 §6): letters and 2 to 7, so that it can be read out on the telephone."""
    text = base64.b32encode(random(_PASSWORD_BYTES)).decode("ascii").lower()
    return "-".join(text[start : start + _GROUP] for start in range(0, len(text), _GROUP))

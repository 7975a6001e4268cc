"""What a writer of mails needs. A writer looks at its row and says what to tell whom, or None when nobody wants it any more.

The kind of a mail is its key in `WRITERS`, the name of its templates (`mail_templates/<kind>.<locale>.txt`) and of its
audit event (`mail.<kind>`).
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta, timezone
from typing import Final

from kozutumi_app.services import Services

_JAPAN: Final = timezone(timedelta(hours=9))


@dataclass(frozen=True, slots=True)
class Letter:
    """One mail to one person. `values` fill the template, which also gets `organization`.

    `object_id` is what the mail is about, so that its history shows it: a transfer, a request, or a user.
    `recipient_id` is set on the mail that delivers, `request_id` on the one that asks: what becomes of it is kept there,
    and told to the member who waits for it.
    """

    to: str
    locale: str
    object_id: str
    values: Mapping[str, str]
    recipient_id: str | None = None
    request_id: str | None = None


Writer = Callable[[Services, str], Letter | None]


def link(services: Services, path: str) -> str:
    return f"{services.settings.public_url.rstrip('/')}/{path}"


def local_time(time: datetime, locale: str) -> str:
    if locale == "ja":
        return time.astimezone(_JAPAN).strftime("%Y-%m-%d %H:%M (JST)")
    return time.astimezone(UTC).strftime("%Y-%m-%d %H:%M UTC")

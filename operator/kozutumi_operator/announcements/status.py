"""How far an announcement has reached."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from typing import Any, Final

from kozutumi_operator.announcements.announcement import Announcement
from kozutumi_operator.organizations import moments

DELIVERED: Final = "Delivered"
EVERYWHERE: Final = "DeliveredEverywhere"
PARTLY: Final = "DeliveredPartly"
OVER: Final = "Over"
REASONS: Final = (EVERYWHERE, PARTLY, OVER)


def render(
    announcement: Announcement, previous: Mapping[str, Any], *, concerned: int, delivered: int, now: datetime
) -> dict[str, Any]:
    """The whole status. lastTransitionTime is kept where the condition's status is the same."""
    over = announcement.is_over(now)
    if over:
        value, reason, message = "True", OVER, "Its time is over; no app shows it any more."
    elif delivered == concerned:
        value, reason, message = "True", EVERYWHERE, "Every app concerned shows it."
    else:
        missing = concerned - delivered
        value, reason = "False", PARTLY
        message = f"{missing} of {concerned} apps do not have it yet; they get it when they answer again."
    old = next((each for each in previous.get("conditions") or () if each["type"] == DELIVERED), None)
    since = old["lastTransitionTime"] if old is not None and old["status"] == value else moments.rfc3339(now)
    return {
        "observedGeneration": announcement.generation,
        "phase": "Over" if over else "Shown",
        "concerned": concerned,
        "delivered": delivered,
        "conditions": [
            {
                "type": DELIVERED,
                "status": value,
                "reason": reason,
                "message": message,
                "lastTransitionTime": since,
                "observedGeneration": announcement.generation,
            }
        ],
    }

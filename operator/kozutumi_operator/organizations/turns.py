"""Who follows a changed plan now and who waits, so that a plan that breaks an app breaks one and not all.

One organization goes first. When its pods have followed and it is Ready, the others follow, at most a quarter of them
on their way at a time. One that does not become Ready keeps its place, and with it the others where they are. What is
kept here may be lost: an operator that starts anew begins with one again.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Final

SHARE: Final = 4


@dataclass(slots=True)
class Turns:
    """By organization. A `change` names one state of one plan."""

    followed: dict[str, str] = field(default_factory=dict)
    on_their_way: dict[str, str] = field(default_factory=dict)
    healthy: dict[str, bool] = field(default_factory=dict)
    waiting: set[str] = field(default_factory=set)
    proven: set[str] = field(default_factory=set)  # changes that somebody has come through

    def may_follow(self, name: str, change: str, total: int) -> bool:
        """Take a turn if there is one; `total` organizations have the plan. Who has had a turn goes on having it."""
        if self.followed.get(name) == change:
            return True
        under_way = [each for each, what in self.on_their_way.items() if what == change]
        if len(under_way) >= (max(1, total // SHARE) if change in self.proven else 1):
            self.waiting.add(name)
            return False
        self.waiting.discard(name)
        self.followed[name] = change
        self.on_their_way.pop(name, None)
        if self.healthy.get(name, True):  # what was broken before tells nothing about the plan
            self.on_their_way[name] = change
        return True

    def looked(self, name: str, *, healthy: bool) -> set[str]:
        """A look has ended with its pods complete and Ready, or not. Returns who should be looked at for a turn."""
        self.healthy[name] = healthy
        if not healthy or (change := self.on_their_way.pop(name, None)) is None:
            return set()
        self.proven.add(change)
        return set(self.waiting)

    def forget(self, name: str) -> set[str]:
        """An organization is gone, and so is what it held up."""
        for each in (self.followed, self.healthy):
            each.pop(name, None)
        self.waiting.discard(name)
        return set(self.waiting) if self.on_their_way.pop(name, None) is not None else set()

"""Calls on the store, off the event loop, each change under its name and noted where it repairs something."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any, TypeVar

from kozutumi_operator.reconcile.effects import Effect, Effects
from kozutumi_operator.storage.ports import ObjectStore

T = TypeVar("T")


@dataclass(slots=True)
class StoreTraits:
    """What was found out about the store and its buckets while this process runs; shared by all that act on it.

    `denies_plaintext` None: not tried yet. `purged`: suspended buckets that hold no old version any more.
    """

    denies_plaintext: bool | None = None
    purged: set[str] = field(default_factory=set)


@dataclass(slots=True)
class Acts:
    """`repaired` collects one line "Kind name: what" for each repair, as Events show them."""

    store: ObjectStore
    effects: Effects
    traits: StoreTraits
    repaired: list[str] = field(default_factory=list)

    async def look(self, call: Callable[..., T], *arguments: Any) -> T:
        return await asyncio.to_thread(call, *arguments)

    async def do(self, effect: Effect, call: Callable[..., T], *arguments: Any, **options: Any) -> T:
        return await self.effects.perform(effect, asyncio.to_thread(call, *arguments, **options))

    async def repair(self, what: str, effect: Effect, call: Callable[..., T], *arguments: Any, **options: Any) -> T:
        result = await self.do(effect, call, *arguments, **options)
        self.repaired.append(what)
        return result

"""What an app tells, and when that matters."""

from __future__ import annotations

from dataclasses import replace
from typing import Any, cast

import aiohttp
import pytest

from kozutumi_operator.errors import TenantUnavailable
from kozutumi_operator.organizations.facts import Health
from kozutumi_operator.reconcile import following
from kozutumi_operator.reconcile.following import Following, gist
from kozutumi_operator.reconcile.memory import Memories, Memory
from operator_world import HEALTHY

SICK = Health(ok=False, message="away")


class App:
    def __init__(self, *answers: object) -> None:
        self._answers = list(answers)
        self.asked: list[int | None] = []
        self.noted: list[tuple[int, str]] = []

    async def status(self, pulled: int | None = None) -> object:
        self.asked.append(pulled)
        answer = self._answers.pop(0)
        if isinstance(answer, Exception):
            raise answer
        return answer

    async def note_head(self, sequence: int, digest: str) -> bool:
        self.noted.append((sequence, digest))
        return False


def follower(app: App) -> tuple[Following, Memories]:
    memories = Memories()
    result = Following(cast("aiohttp.ClientSession", None), memories, lambda _: None, lambda: 0.5)
    result._tenants["acme"] = (b"", cast("Any", app))
    return result, memories


async def test_only_what_a_condition_shows_is_a_change() -> None:
    grown = replace(HEALTHY, used_bytes=10**9, files=5, signature_age=120, audit_sequence=99)
    result, memories = follower(App(HEALTHY, grown, replace(grown, mail=SICK)))
    assert [await result.look("acme") for _ in range(3)] == [True, False, True]
    assert memories.of("acme").tenant == replace(grown, mail=SICK)


async def test_an_app_that_stops_answering_is_told_once() -> None:
    result, memories = follower(App(HEALTHY, TenantUnavailable("a"), TenantUnavailable("b"), HEALTHY))
    assert [await result.look("acme") for _ in range(4)] == [True, True, False, True]
    assert memories.of("acme").tenant_failure is None


async def test_one_that_is_not_followed_is_not_asked() -> None:
    result, _ = follower(App())
    result.unfollow("acme")
    assert await result.look("acme") is False
    assert result.tenant("acme") is None


@pytest.mark.parametrize("part", ["database", "storage", "mail", "scanner"])
def test_each_part_s_health_matters(part: str) -> None:
    well, ill = Memory(tenant=HEALTHY), Memory(tenant=replace(HEALTHY, **{part: SICK}))  # type: ignore[arg-type]
    assert gist(well) != gist(ill)


def test_the_interval_is_gentle() -> None:
    assert following.INTERVAL >= 10


async def test_a_lost_audit_head_is_a_change_and_the_app_is_told_of_it_once() -> None:
    first = replace(HEALTHY, audit_sequence=9, audit_hash="aa" * 32)
    back = replace(HEALTHY, audit_sequence=4, audit_hash="bb" * 32, audit_pulled_hash="")
    app = App(first, back, back)
    result, memories = follower(app)
    assert [await result.look("acme") for _ in range(3)] == [True, True, False]
    assert app.asked == [None, 9, 4]
    assert app.noted == [(9, "aa" * 32)]
    watched = memories.of("acme").audit
    assert watched is not None
    assert watched.lost is not None
    assert watched.lost.sequence == 9

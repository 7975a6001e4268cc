"""One operator at work: a renewal that hangs or fails ends it while the Lease is still its own."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any, cast

import pytest

from kozutumi_operator import leading
from kozutumi_operator.cluster import lease
from kozutumi_operator.cluster.lease import Leadership
from kozutumi_operator.errors import ClusterUnavailable, Refused
from kozutumi_operator.leading import LeaseLostError

START = datetime(2026, 1, 1, tzinfo=UTC)


class Holding:
    """A Leadership that answers as told, on a clock that each sleep moves."""

    identity = "test"

    def __init__(self, monkeypatch: pytest.MonkeyPatch, answers: list[bool | BaseException]) -> None:
        self.time = START
        self.renewed: list[datetime] = []
        self._answers = answers
        monkeypatch.setattr("kozutumi_operator.leading.asyncio.sleep", self._sleep)

    def now(self) -> datetime:
        return self.time

    async def _sleep(self, seconds: float) -> None:
        self.time += timedelta(seconds=seconds)

    async def hold(self, now: datetime) -> bool:
        answer = self._answers.pop(0)
        if isinstance(answer, TimeoutError):
            self.time += timedelta(seconds=leading.ATTEMPT)
        if isinstance(answer, BaseException):
            raise answer
        if answer:
            self.renewed.append(now)
        return answer

    def as_leadership(self) -> Leadership:
        return cast("Leadership", self)


@pytest.mark.parametrize("trouble", [ClusterUnavailable("away"), TimeoutError()])
async def test_who_cannot_renew_stops_before_another_may_start(
    monkeypatch: pytest.MonkeyPatch, trouble: Exception
) -> None:
    holding = Holding(monkeypatch, [True, True, *[trouble] * 50])
    with pytest.raises(LeaseLostError, match="in time"):
        await leading.keep_leading(holding.as_leadership(), holding.now)
    assert holding.now() - holding.renewed[-1] < lease.DURATION


async def test_a_short_outage_of_the_api_server_ends_nobody(monkeypatch: pytest.MonkeyPatch) -> None:
    away = ClusterUnavailable("away")
    holding = Holding(monkeypatch, [True, away, away, away, True, True, False])
    with pytest.raises(LeaseLostError, match="another"):
        await leading.keep_leading(holding.as_leadership(), holding.now)
    assert len(holding.renewed) == 3


async def test_a_standby_waits_through_everything_and_stays_alive(monkeypatch: pytest.MonkeyPatch) -> None:
    holding = Holding(monkeypatch, [False, ClusterUnavailable("away"), False, TimeoutError(), True])
    beats: list[datetime] = []
    await leading.lead(holding.as_leadership(), holding.now, lambda: beats.append(holding.now()))
    assert len(beats) == 4


async def test_at_the_start_an_absent_api_server_is_waited_for_ever_more_seldom(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    pauses: list[float] = []

    async def sleep(seconds: float) -> None:
        pauses.append(seconds)

    monkeypatch.setattr("kozutumi_operator.leading.asyncio.sleep", sleep)
    outcomes: list[Any] = [*[ClusterUnavailable("away")] * 6, None]

    async def attempt() -> None:
        if (outcome := outcomes.pop(0)) is not None:
            raise outcome

    await leading.patiently("guards", attempt, lambda: 0.999)
    assert pauses == sorted(pauses)
    assert pauses[-1] > 10

    async def refused() -> None:
        raise Refused("no")

    with pytest.raises(Refused):
        await leading.patiently("guards", refused, lambda: 0.5)


def test_a_renewal_that_hangs_leaves_time_before_the_lease_runs_out() -> None:
    slack = lease.DURATION - leading.LIMIT - timedelta(seconds=leading.ATTEMPT + 1)
    assert slack > timedelta(0)

"""The queue: a job that asks for itself comes back then, and one that was cut short at once."""

from __future__ import annotations

from collections.abc import Callable
from datetime import timedelta
from pathlib import Path

import pytest
import sqlalchemy as sa

from builders import clock_of, make_services
from kozutumi_app.adapters.database.schema import jobs as rows
from kozutumi_app.services import Services
from kozutumi_app.use_cases import jobs

HOUR = timedelta(hours=1)


@pytest.fixture
def services(tmp_path: Path) -> Services:
    return make_services(tmp_path)


def ask(services: Services, after: timedelta) -> None:
    with services.database.write() as tx:
        jobs.enqueue(tx, "work", "a", services.clock.now() + after)


def run(services: Services, worker: Callable[[str], None]) -> int:
    count = 0
    while count < 5 and jobs.run_one(services, {"work": worker}):
        count += 1
    return count


def waiting(services: Services) -> list[timedelta]:
    with services.database.read() as tx:
        found = tx.execute(sa.select(rows.c.run_at)).scalars().all()
    return [run_at - services.clock.now() for run_at in found]


def test_a_worker_that_is_too_early_comes_back_at_the_time_it_asks_for(services: Services) -> None:
    ask(services, timedelta(0))
    assert run(services, lambda _: ask(services, HOUR)) == 1
    assert waiting(services) == [HOUR]
    clock_of(services).advance(hours=1)
    assert run(services, lambda _: None) == 1
    assert waiting(services) == []


@pytest.mark.parametrize("order", [(timedelta(0), HOUR), (HOUR, timedelta(0))])
def test_what_is_asked_for_soonest_while_it_runs_is_when_it_runs_again(
    services: Services, order: tuple[timedelta, timedelta]
) -> None:
    ask(services, timedelta(0))

    def asks_twice(_: str) -> None:
        for after in order:
            ask(services, after)

    with services.database.write() as tx:
        claim = jobs.claim(tx, services, ["work"])
    assert claim is not None
    asks_twice("a")
    with services.database.write() as tx:
        jobs.finish(tx, claim)
    assert waiting(services) == [timedelta(0)]


def test_asking_for_later_does_not_put_off_what_waits(services: Services) -> None:
    ask(services, timedelta(0))
    ask(services, HOUR)
    assert waiting(services) == [timedelta(0)]


def test_a_run_that_was_cut_short_begins_anew_when_its_lease_ends_though_later_was_asked_for(
    services: Services,
) -> None:
    ask(services, timedelta(0))
    with services.database.write() as tx:
        assert jobs.claim(tx, services, ["work"]) is not None
    ask(services, HOUR)
    assert run(services, lambda _: None) == 0
    clock_of(services).advance(seconds=jobs.LEASE.total_seconds())
    assert run(services, lambda _: None) == 1
    assert waiting(services) == []

from __future__ import annotations

import pytest

from kozutumi_cluster import supervisor
from kozutumi_cluster.components import Component
from kozutumi_cluster.supervisor import Watched


@pytest.fixture
def watched() -> Watched:
    return Watched(Component("etcd", ("/etcd",)), pid=7, starts=1, started_at=100.0)


def test_back_off_doubles_up_to_ten_seconds() -> None:
    assert [supervisor.back_off(failures) for failures in range(1, 8)] == [0.5, 1, 2, 4, 8, 10, 10]


def test_a_component_that_keeps_failing_waits_longer_each_time(watched: Watched) -> None:
    supervisor.ended(watched, 1, 101.0)
    assert (watched.pid, watched.last_status, watched.start_after) == (0, 1, 101.5)
    watched.started_at = 101.5
    supervisor.ended(watched, 1, 102.0)
    assert watched.start_after == 103.0


def test_a_long_good_run_forgets_earlier_failures(watched: Watched) -> None:
    watched.failures_in_row = 6
    supervisor.ended(watched, -9, 131.0)
    assert watched.start_after == 131.5


def test_the_first_start_is_no_restart(watched: Watched) -> None:
    assert watched.restarts == 0
    watched.starts = 3
    assert watched.restarts == 2

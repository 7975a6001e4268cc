"""When the signatures' age is known, and what the agent says about itself."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from kozutumi_scanner import check, databases, heartbeat
from kozutumi_scanner.manifest import File, Manifest
from kozutumi_scanner.metrics import Metrics
from kozutumi_scanner.signatures import Loaded, View

NOW = datetime(2026, 11, 24, 12, 0, tzinfo=UTC)
DIGEST = "ab" * 32
MANIFEST = Manifest("7", NOW - timedelta(hours=1), {"kozutumi.ndb": File(DIGEST, 9), "daily.cvd": File("cd" * 32, 9)})
WHOLE = View(
    ("kozutumi.ndb",), clamd_up=True, loaded=Loaded((), {"kozutumi.ndb": DIGEST}), manifest=MANIFEST, trouble=""
)


@pytest.mark.parametrize(
    ("view", "age"),
    [
        pytest.param(WHOLE, 3600, id="loaded as listed"),
        pytest.param(replace(WHOLE, manifest=None), None, id="no manifest"),
        pytest.param(replace(WHOLE, loaded=None), None, id="not self-tested"),
        pytest.param(WHOLE.verified(Loaded((), {"kozutumi.ndb": "ee" * 32})), None, id="other bytes loaded"),
        pytest.param(WHOLE.verified(Loaded((), {})), None, id="nothing loaded"),
        pytest.param(replace(WHOLE, names=("kozutumi.ndb", "daily.cvd")), None, id="one of two loaded"),
        pytest.param(replace(WHOLE, names=("kozutumi.ndb", "main.cvd")), None, id="one is not listed"),
        pytest.param(WHOLE.down("gone"), None, id="clamd down"),
    ],
)
def test_age(view: View, age: int | None) -> None:
    assert view.age(NOW) == age


@pytest.mark.parametrize(("ahead", "age"), [(timedelta(minutes=1), 0), (timedelta(minutes=6), None)])
def test_a_time_ahead_of_our_clock_is_trusted_by_minutes_only(ahead: timedelta, age: int | None) -> None:
    view = replace(WHOLE, manifest=replace(MANIFEST, published=NOW + ahead))
    assert view.age(NOW) == age


def test_the_message_names_what_is_wrong() -> None:
    assert WHOLE.message() == "ok"
    assert "unknown" in replace(WHOLE, manifest=None).message()
    assert WHOLE.self_test_failed("no EICAR").message() == "no EICAR"
    assert WHOLE.down("gone").message() == "gone"


def test_metrics_show_the_moment_and_an_unknown_age_is_not_zero() -> None:
    metrics = Metrics()
    assert b"kozutumi_scanner_signature_age_seconds 3600.0" in metrics.render(WHOLE, NOW)
    unknown = metrics.render(WHOLE.down("gone"), NOW)
    assert b"kozutumi_scanner_signature_age_seconds NaN" in unknown
    assert b"kozutumi_scanner_clamd_up 0.0" in unknown


def test_a_replaced_database_has_another_fingerprint_and_other_files_do_not_count(tmp_path: Path) -> None:
    (tmp_path / "kozutumi.ndb").write_bytes(b"one")
    before = databases.fingerprint(tmp_path)
    (tmp_path / "freshclam.dat").write_bytes(b"state")
    (tmp_path / "ignored.ign2").write_bytes(b"x")
    assert databases.fingerprint(tmp_path) == before
    (tmp_path / "new").write_bytes(b"two")
    (tmp_path / "new").rename(tmp_path / "kozutumi.ndb")
    assert databases.fingerprint(tmp_path) != before
    assert databases.find(tmp_path / "absent") == []


@pytest.mark.parametrize(
    ("arguments", "age", "status"),
    [(["ready"], 5, 0), (["ready"], 31, 1), (["ready"], None, 1), (["live"], 5, 1), (["else"], 5, 2), ([], 5, 2)],
)
def test_the_probe_reads_the_heartbeat(tmp_path: Path, arguments: list[str], age: int | None, status: int) -> None:
    now = NOW.timestamp()
    if age is not None:
        heartbeat.beat(tmp_path, "ready")
        now = (tmp_path / "kozutumi-ready").stat().st_mtime + age
    assert check.main(arguments, tmp_path, now) == status


def test_a_stopped_heartbeat_is_gone_and_stopping_twice_is_fine(tmp_path: Path) -> None:
    heartbeat.beat(tmp_path, "ready")
    heartbeat.stop(tmp_path, "ready")
    heartbeat.stop(tmp_path, "ready")
    assert heartbeat.age(tmp_path, "ready", 0.0) is None

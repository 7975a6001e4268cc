"""Logs: one JSON object a line, the organization named, and no secret of any kind, whatever goes wrong."""

from __future__ import annotations

import base64
import io
import json
from collections.abc import Iterator
from typing import Any

import pytest
import structlog

from kozutumi_contract.secret import Secret
from kozutumi_operator import logs
from kozutumi_operator.cluster.kinds import ORGANIZATION
from kozutumi_operator.reconcile.queue import WorkQueue
from operator_world import OperatorWorld

CODE = "acme"


@pytest.fixture
def written(monkeypatch: pytest.MonkeyPatch) -> Iterator[io.StringIO]:
    """What the operator's own configuration of its logs writes to standard output."""
    stream = io.StringIO()
    before = structlog.get_config()
    monkeypatch.setattr("sys.stdout", stream)
    logs.configure()
    structlog.configure(cache_logger_on_first_use=False)
    yield stream
    structlog.configure(**before)


def lines(written: io.StringIO) -> list[dict[str, Any]]:
    return [json.loads(line) for line in written.getvalue().splitlines()]


def secrets(world: OperatorWorld) -> set[str]:
    """Every value of every Secret made, as it is and in base64; whatever is shorter than a key could occur by chance."""
    held = [each for place, each in world.cluster.objects.items() if place[0] == "Secret"]
    encoded = [value for each in held for value in each.get("data", {}).values()]
    plain = [base64.b64decode(value) for value in encoded]
    pieces = [line for value in plain for line in value.decode("latin-1").splitlines()]
    return {piece for piece in (*encoded, *pieces) if len(piece) >= 16 and "CERTIFICATE" not in piece}


async def suffer(queue: WorkQueue, looks: int) -> None:
    for _ in range(looks):
        queue._add(CODE)
        await queue.step()


async def test_a_whole_life_with_its_faults_logs_no_secret(written: io.StringIO) -> None:
    world, queue = OperatorWorld(), WorkQueue(lambda: 0.0)
    world.organize()
    queue.handle = world.process().look
    await suffer(queue, 12)
    made = secrets(world)
    world.store.away = True
    del world.cluster.objects["NetworkPolicy", "kz-acme", "default-deny"]
    queue.handle = world.process().look
    await suffer(queue, 3)
    await world.cluster.delete(ORGANIZATION, CODE)
    await suffer(queue, 3)
    world.store.away = False
    await suffer(queue, 20)
    said = written.getvalue()
    assert len(made) > 30
    assert [secret for secret in made if secret in said] == []
    events = {line["event"] for line in lines(written)}
    assert {"repaired", "condition", "storage", "disposal", "reconcile_failed"} <= events
    for line in lines(written):
        assert {"event", "level", "timestamp"} <= line.keys()
        assert line["service_code"] == CODE


async def test_a_defect_is_logged_with_its_trace_on_one_line_and_without_the_values(written: io.StringIO) -> None:
    queue = WorkQueue(lambda: 0.0)

    async def look(_: str) -> None:
        key = Secret("a key that nobody may read")
        raise ValueError(f"cannot use {key}")

    queue.handle = look
    queue.add(CODE)
    await queue.step()
    [line] = lines(written)
    assert (line["event"], line["service_code"]) == ("reconcile_failed", CODE)
    assert "Traceback" in line["exception"]
    assert "nobody may read" not in written.getvalue()


async def test_a_secret_given_to_the_log_by_mistake_is_masked(written: io.StringIO) -> None:
    structlog.get_logger().warning("mistake", credential=Secret("a key that nobody may read"), service_code=CODE)
    assert "nobody may read" not in written.getvalue()
    assert lines(written)[0]["event"] == "mistake"

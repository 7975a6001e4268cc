"""The one place through which every side effect goes."""

from __future__ import annotations

import re
import signal
from pathlib import Path

import pytest

import kozutumi_operator
from kozutumi_operator.cluster import kinds
from kozutumi_operator.reconcile import effects
from kozutumi_operator.reconcile.effects import Effect, Effects, applying, crash_hook

PACKAGE = Path(kozutumi_operator.__file__).parent


def test_every_name_is_used_somewhere() -> None:
    sources = "".join(path.read_text() for path in PACKAGE.rglob("*.py") if path.name != "effects.py")
    applied = {applying(kind.name) for kind in (kinds.NAMESPACE, *kinds.MANAGED)}
    used = {Effect[name] for name in re.findall(r"Effect\.([A-Z_]+)", sources)}
    assert used | applied == set(Effect)


def test_nothing_changes_the_cluster_but_through_an_effect() -> None:
    """Each call of a changing verb stands in an argument of `perform`, or right before it under a name."""
    changing = re.compile(r"cluster\.(?:create|apply|merge|patch|delete|replace)\(")
    free = {
        PACKAGE / "running.py",  # the dry run at start
        PACKAGE / "reconcile/probing.py",  # clearing away a probe pod before it is made anew
    }
    for path in (PACKAGE / "reconcile").glob("*.py"):
        lines = path.read_text().splitlines()
        for number, line in enumerate(lines):
            if path not in free and changing.search(line):
                near = "\n".join(lines[max(0, number - 2) : number + 3])
                assert "perform(" in near, f"{path.name}:{number + 1}"


async def test_the_hook_runs_after_a_success_and_only_then() -> None:
    seen: list[Effect] = []
    through = Effects(seen.append)

    async def done() -> str:
        return "done"

    async def failing() -> None:
        raise ValueError("no")

    assert await through.perform(Effect.DRAIN, done()) == "done"
    with pytest.raises(ValueError, match="no"):
        await through.perform(Effect.WRITE_STATUS, failing())
    assert seen == [Effect.DRAIN]


def test_the_crash_hook_kills_once_an_effect(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    killed: list[int] = []
    monkeypatch.setattr("kozutumi_operator.reconcile.effects.os.kill", lambda _, number: killed.append(number))
    hook = crash_hook(effects.CRASH_EACH, tmp_path / "marks")
    for effect in (Effect.DRAIN, Effect.DRAIN, Effect.WRITE_STATUS):
        hook(effect)
    crash_hook(effects.CRASH_EACH, tmp_path / "marks")(Effect.DRAIN)  # the next process
    assert killed == [signal.SIGKILL, signal.SIGKILL]
    assert {mark.name for mark in (tmp_path / "marks").iterdir()} == {"Drain", "WriteStatus"}


def test_the_crash_hook_keeps_to_the_names_it_was_given(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    killed: list[int] = []
    monkeypatch.setattr("kozutumi_operator.reconcile.effects.os.kill", lambda _, number: killed.append(number))
    hook = crash_hook("CreateKeyRing", tmp_path)
    hook(Effect.DRAIN)
    assert killed == []
    with pytest.raises(ValueError, match="NoSuchThing"):
        crash_hook("CreateKeyRing,NoSuchThing", tmp_path)

from __future__ import annotations

import os
from pathlib import Path

import pytest

from kozutumi_app import check


@pytest.mark.parametrize(("age", "fresh"), [(0, True), (29, True), (30, False), (3600, False)])
def test_a_sign_is_believed_for_thirty_seconds(tmp_path: Path, age: int, fresh: bool) -> None:  # noqa: FBT001 - a table
    sign = tmp_path / "live"
    sign.touch()
    os.utime(sign, (1000, 1000))
    assert check.is_fresh(sign, 1000 + age) is fresh


def test_no_sign_is_not_fresh(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(check, "READY", tmp_path / "ready")
    assert check.main(["ready"]) == 1
    assert "not ready" in capsys.readouterr().err
    (tmp_path / "ready").touch()
    assert check.main(["ready"]) == 0
    assert check.main(["other"]) == 2
    assert check.main([]) == 2

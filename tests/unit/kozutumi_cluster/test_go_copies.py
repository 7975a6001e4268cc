from __future__ import annotations

import json
from pathlib import Path

import pytest

from kozutumi_cluster import go_copies, shell
from kozutumi_cluster.errors import ClusterError
from kozutumi_cluster.go_copies import Instead

INSTEAD = Instead("example.com/theirs", "inner/theirs.go", "ours.go")


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """A build's folder, beside what Go would have downloaded for it."""
    theirs = tmp_path / "cache/theirs"
    (theirs / "inner").mkdir(parents=True)
    (theirs / "inner/theirs.go").write_text("package theirs\n")
    (theirs / "other.go").write_text("package other\n")
    (theirs / "inner/theirs.go").chmod(0o444)  # as Go leaves what it downloads
    folder = tmp_path / "folder"
    folder.mkdir()
    for name, text in (("go.mod", "module example\n"), ("go.sum", "sum\n"), ("ours.go", "package ours\n")):
        (folder / name).write_text(text)
    return folder


def say(monkeypatch: pytest.MonkeyPatch, answer: dict[str, str]) -> None:
    monkeypatch.setattr(shell, "run", lambda *_, **__: json.dumps(answer))


def test_the_copy_has_our_file_and_the_module_keeps_its_own(
    folder: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    theirs, place = tmp_path / "cache/theirs", tmp_path / "place"
    say(monkeypatch, {"Dir": str(theirs)})
    place.mkdir()
    written = go_copies.modfile(folder, INSTEAD, place)
    line = next(each for each in written.read_text().splitlines() if each.startswith("replace "))
    copy = Path(line.removeprefix("replace example.com/theirs => "))
    assert (copy / "inner/theirs.go").read_text() == "package ours\n"
    assert (copy / "other.go").read_text() == "package other\n"
    assert (theirs / "inner/theirs.go").read_text() == "package theirs\n"
    assert (written.with_name("go.sum").read_text(), (folder / "go.mod").read_text()) == ("sum\n", "module example\n")


def test_a_module_that_cannot_be_had_is_told(folder: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    say(monkeypatch, {"Error": "403 Forbidden"})
    with pytest.raises(ClusterError, match="403 Forbidden"):
        go_copies.modfile(folder, INSTEAD, tmp_path)

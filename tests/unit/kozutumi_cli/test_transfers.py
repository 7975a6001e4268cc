from __future__ import annotations

from pathlib import Path

import pytest

from kozutumi_cli.errors import CliError
from kozutumi_cli.transfers import settings, uploading, words
from kozutumi_cli.transfers.receiving import safe_path
from kozutumi_cli.transfers.settings import Kept


@pytest.mark.parametrize(
    ("name", "path"),
    [
        ("a.txt", "a.txt"),
        ("案件/図面/a.txt", "案件/図面/a.txt"),
        ("/etc/passwd", "etc/passwd"),
        ("../../a.txt", "a.txt"),
        ("a/../../b.txt", "a/b.txt"),
        ("..\\..\\a.txt", "a.txt"),
        ("a\x1b[31m\n.txt", "a[31m.txt"),
        ("ガ.txt", "ガ.txt"),
        ("..", "file"),
        ("", "file"),
    ],
)
def test_a_received_name_stays_below_the_folder(name: str, path: str) -> None:
    assert safe_path(name) == Path(path)
    assert not safe_path(name).is_absolute()


def test_the_token_is_read_from_the_environment_or_a_file_that_is_ones_own(tmp_path: Path) -> None:
    file = tmp_path / ".config/kozutumi/token"
    home = {"HOME": str(tmp_path)}
    assert settings.token({"KOZUTUMI_TOKEN": " kzp_a\n"}) == "kzp_a"
    with pytest.raises(CliError, match="KOZUTUMI_TOKEN"):
        settings.token(home)
    file.parent.mkdir(parents=True)
    file.write_text("kzp_b\n")
    file.chmod(0o600)
    assert settings.token(home) == "kzp_b"
    for mode in (0o640, 0o604, 0o620):
        file.chmod(mode)
        with pytest.raises(CliError, match="chmod 600"):
            settings.token(home)
    other = tmp_path / "elsewhere"
    other.write_text("kzp_c")
    other.chmod(0o400)
    assert settings.token(home | {"KOZUTUMI_TOKEN_FILE": str(other)}) == "kzp_c"


def test_only_https_is_spoken() -> None:
    for url in ("", "http://acme.test", "acme.test", "https://"):
        with pytest.raises(CliError, match="KOZUTUMI_URL"):
            settings.connection({"KOZUTUMI_URL": url, "KOZUTUMI_TOKEN": "kzp_a"})


def test_what_is_kept_is_readable_by_its_owner_alone_and_may_be_damaged(tmp_path: Path) -> None:
    kept = Kept("send-1", {"HOME": str(tmp_path)})
    assert kept.load() == {}
    kept.save({"transfer": "a"})
    path = tmp_path / ".local/state/kozutumi/send-1.json"
    assert path.stat().st_mode & 0o777 == 0o600
    assert kept.load() == {"transfer": "a"}
    path.write_text("[")
    assert kept.load() == {}
    kept.forget()
    assert not path.exists()


def test_folders_are_sent_with_their_names_below_them(tmp_path: Path) -> None:
    (tmp_path / "案件/図面").mkdir(parents=True)
    (tmp_path / "案件/図面/a.txt").write_text("a")
    (tmp_path / "案件/b.txt").write_text("b")
    (tmp_path / "c.txt").write_text("c")
    found = uploading.sources([tmp_path / "案件", tmp_path / "c.txt"])
    assert [source.name for source in found] == ["案件/b.txt", "案件/図面/a.txt", "c.txt"]
    (tmp_path / "empty").mkdir()
    for path in (tmp_path / "empty", tmp_path / "none"):
        with pytest.raises(CliError, match=path.name):
            uploading.sources([path])


@pytest.mark.parametrize(
    ("environment", "language"),
    [
        ({}, "en"),
        ({"LANG": "ja_JP.UTF-8"}, "ja"),
        ({"LANG": "ja_JP.UTF-8", "LC_ALL": "C"}, "en"),
        ({"LANG": "C", "LC_MESSAGES": "ja"}, "ja"),
    ],
)
def test_the_language_is_the_terminals(environment: dict[str, str], language: str) -> None:
    assert words.language(environment) == language

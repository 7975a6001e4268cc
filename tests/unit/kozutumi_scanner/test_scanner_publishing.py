"""From the seed to a signed manifest."""

from __future__ import annotations

from datetime import UTC, datetime
from pathlib import Path

import pytest
from cryptography.hazmat.primitives.asymmetric import ec

from kozutumi_contract.settings import MirrorSettings
from kozutumi_scanner import databases, manifest, publishing
from kozutumi_scanner.mirror import Mirror
from kozutumi_scanner.publishing import SeedError

KEY = ec.generate_private_key(ec.SECP256R1())
CHECKED = datetime(2026, 11, 24, 12, 0, tzinfo=UTC)


@pytest.fixture
def seed(tmp_path: Path) -> Path:
    folder = tmp_path / "seed"
    folder.mkdir()
    (folder / "b.ndb").write_text("B:0:*:62620a\n\n")
    (folder / "a.ndb").write_text("A:0:*:61610a")
    return folder


def publish(tmp_path: Path, seed: Path) -> manifest.Manifest:
    public = tmp_path / "public"
    public.mkdir(exist_ok=True)
    made = publishing.publish(public, publishing.read_seed(seed), KEY, checked=CHECKED, digest=databases.digest)
    assert made.names == {path.name for path in databases.find(public)}
    return manifest.parse(made.manifest, KEY.public_key())


def test_the_seeds_are_joined_line_by_line(tmp_path: Path, seed: Path) -> None:
    made = publish(tmp_path, seed)
    written = (tmp_path / "public/kozutumi.ndb").read_bytes()
    assert written == publishing.builtin() + b"A:0:*:61610a\nB:0:*:62620a\n"
    assert made.files["kozutumi.ndb"] == manifest.File(databases.digest(tmp_path / "public/kozutumi.ndb"), len(written))


def test_the_version_follows_the_content_and_the_time_the_check(tmp_path: Path, seed: Path) -> None:
    first = publish(tmp_path, seed)
    assert publish(tmp_path, seed) == first
    assert first.published == CHECKED
    (seed / "c.ndb").write_text("C:0:*:63630a\n")
    assert publish(tmp_path, seed).version != first.version


def test_an_unchanged_seed_does_not_touch_the_file(tmp_path: Path, seed: Path) -> None:
    publish(tmp_path, seed)
    before = databases.fingerprint(tmp_path / "public")
    publish(tmp_path, seed)
    assert databases.fingerprint(tmp_path / "public") == before


def test_the_seed_may_say_version_and_time(tmp_path: Path, seed: Path) -> None:
    (seed / "version").write_text("42\n")
    (seed / "published").write_text("2026-01-02T03:04:05+09:00")
    made = publish(tmp_path, seed)
    assert (made.version, made.published) == ("42", datetime(2026, 1, 1, 18, 4, 5, tzinfo=UTC))


def test_a_seed_with_a_time_that_is_none_is_refused(tmp_path: Path, seed: Path) -> None:
    (seed / "published").write_text("soon")
    with pytest.raises(SeedError, match="RFC 3339"):
        publish(tmp_path, seed)


def test_with_an_upstream_nothing_is_claimed_before_it_answered(tmp_path: Path, seed: Path) -> None:
    (tmp_path / "public").mkdir()
    settings = MirrorSettings(
        upstream="db.example", seed_directory=str(seed), public_directory=str(tmp_path / "public")
    )
    mirror = Mirror(settings, KEY)
    mirror.publish()
    assert not list((tmp_path / "public").iterdir())

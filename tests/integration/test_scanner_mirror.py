"""The real mirror over HTTPS with a CA of its own, and the real freshclam against it."""

from __future__ import annotations

import json
import shutil
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path

import httpx
import pytest
from cryptography.hazmat.primitives.asymmetric import ec

from certificates import Authority, public_pem
from kozutumi_contract import paths, tls
from kozutumi_contract.settings import ScannerSettings
from kozutumi_scanner import databases, files, manifest
from kozutumi_scanner.manifest import ManifestError
from kozutumi_scanner.updating import MirrorError, Updater
from scanner_fixtures import RunningMirror, running_mirror, scratch, wait_until


@pytest.fixture
def mirror() -> Iterator[RunningMirror]:
    with running_mirror() as running:
        yield running


@pytest.fixture
def folder() -> Iterator[Path]:
    with scratch() as made:
        yield made


def updater(folder: Path, mirror: RunningMirror, *, ca: bytes | None = None, key: bytes | None = None) -> Updater:
    for name in ("run", "databases", "secrets/ca"):
        (folder / name).mkdir(parents=True, exist_ok=True)
    (folder / "secrets" / paths.PLATFORM_CA).write_bytes(ca or mirror.ca.read_bytes())
    (folder / "secrets" / paths.MIRROR_PUBLIC_KEY).write_bytes(key or public_pem(mirror.key))
    settings = ScannerSettings(
        service_code="test",
        mirror_url=mirror.url,
        database_directory=str(folder / "databases"),
        run_directory=str(folder / "run"),
        secrets_directory=str(folder / "secrets"),
    )
    trusted = mirror.key if key is None else ec.generate_private_key(ec.SECP256R1())
    return Updater(settings, tls.client_context(folder / "secrets" / paths.PLATFORM_CA), trusted.public_key())


def published(mirror: RunningMirror) -> manifest.Manifest:
    with mirror.client() as client:
        return manifest.parse(client.get("/manifest.json").content, mirror.key.public_key())


def test_freshclam_brings_exactly_what_the_manifest_lists(mirror: RunningMirror, folder: Path) -> None:
    updater(folder, mirror).update()
    saved = manifest.parse((folder / "run/manifest.json").read_bytes(), mirror.key.public_key())
    assert saved.files["kozutumi.ndb"].sha256 == databases.digest(folder / "databases/kozutumi.ndb")
    assert b"Kozutumi.Test.Marker" in (folder / "databases/kozutumi.ndb").read_bytes()
    assert b"Kozutumi.Test.Eicar" in (folder / "databases/kozutumi.ndb").read_bytes()


def test_new_signatures_roll_over_also_to_older_content(mirror: RunningMirror, folder: Path) -> None:
    follower = updater(folder, mirror)
    follower.update()
    first = published(mirror).files
    for text in (
        "Kozutumi.Test.Second:0:*:" + b"kozutumi second".hex(),
        "Kozutumi.Test.Third:0:*:" + b"third one".hex(),
    ):
        before = published(mirror).version
        files.replace(mirror.seed / "own.ndb", f"{text}\n".encode())  # whole, whenever the mirror reads
        wait_until_changed(mirror, before)
        follower.update()
        assert text.encode() in (folder / "databases/kozutumi.ndb").read_bytes()
    assert published(mirror).files != first


def wait_until_changed(mirror: RunningMirror, before: str) -> None:
    wait_until(lambda: published(mirror).version != before, lambda: mirror.processes.log("mirror"))


def test_the_seed_sets_time_and_version(mirror: RunningMirror) -> None:
    assert abs((datetime.now(UTC) - published(mirror).published).total_seconds()) < 60
    # The mirror may read between the two: what is waited for comes last.
    files.replace(mirror.seed / "published", b"2026-01-02T03:04:05Z\n")
    files.replace(mirror.seed / "version", b"42\n")
    wait_until(lambda: published(mirror).version == "42", lambda: mirror.processes.log("mirror"))
    assert published(mirror).published == datetime(2026, 1, 2, 3, 4, 5, tzinfo=UTC)


def test_a_stranger_in_the_mirrors_place_is_refused(mirror: RunningMirror, folder: Path) -> None:
    with pytest.raises(MirrorError, match="cannot be reached"):
        updater(folder, mirror, ca=Authority("stranger").pem).update()
    with pytest.raises(ManifestError, match="not signed by this platform's mirror"):
        updater(folder, mirror, key=b"other").update()
    assert not list((folder / "databases").iterdir())
    assert not (folder / "run/manifest.json").exists()


def test_the_mirror_gone_changes_nothing_and_its_return_is_enough(mirror: RunningMirror, folder: Path) -> None:
    follower = updater(folder, mirror)
    follower.update()
    kept = shutil.copytree(folder / "databases", folder / "kept")
    mirror.processes.kill("mirror")
    with pytest.raises(MirrorError, match="cannot be reached"):
        follower.update()
    assert databases.digests(folder / "databases") == databases.digests(kept)


def test_ranges_and_refusals(mirror: RunningMirror) -> None:
    with mirror.client() as client:
        whole = client.get("/kozutumi.ndb")
        part = client.get("/kozutumi.ndb", headers={"Range": "bytes=5-14"})
        assert (part.status_code, part.content) == (206, whole.content[5:15])
        assert client.get("/kozutumi.ndb", headers={"Range": "bytes=999999-"}).status_code == 416
        assert client.head("/kozutumi.ndb").headers["Content-Length"] == str(len(whole.content))
        statuses = {
            name: client.get(name).status_code for name in ("/", "/main.cvd", "/..%2f..%2fetc%2fpasswd", "/tls.key")
        }
        assert set(statuses.values()) == {404}
        assert client.post("/kozutumi.ndb", content=b"x").status_code == 405
        assert json.loads(client.get("/manifest.json").content)["format"] == 1


def test_plain_http_gets_nothing(mirror: RunningMirror) -> None:
    with pytest.raises(httpx.TransportError):
        httpx.get(mirror.url.replace("https:", "http:") + "/manifest.json", timeout=10)

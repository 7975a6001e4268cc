"""An access key that the kubelet replaces while the app runs: never one key's id with another's secret."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from kozutumi_app.adapters.blobs import MountedCredentials
from kozutumi_app.errors import StorageUnavailable


def write(folder: Path, key: str) -> None:
    folder.mkdir()
    (folder / "access-key-id").write_text(f"id {key}\n")
    (folder / "secret-access-key").write_text(f"secret {key}\n")


def point(mount: Path, folder: str) -> None:
    """As the kubelet does: one rename swaps the link that every entry goes through."""
    (mount / "..new").symlink_to(folder)
    (mount / "..new").rename(mount / "..data")


@pytest.fixture
def mount(tmp_path: Path) -> Path:
    mount = tmp_path / "storage"
    mount.mkdir()
    write(mount / "..one", "one")
    point(mount, "..one")
    for name in ("access-key-id", "secret-access-key"):
        (mount / name).symlink_to(f"..data/{name}")
    return mount


def test_a_replaced_key_is_used_from_the_next_request_on(mount: Path) -> None:
    credentials = MountedCredentials(mount.parent)
    assert credentials.retrieve().access_key == "id one"
    write(mount / "..two", "two")
    point(mount, "..two")
    assert (credentials.retrieve().access_key, credentials.retrieve().secret_key) == ("id two", "secret two")


def test_a_swap_between_the_two_reads_mixes_no_keys(mount: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    write(mount / "..two", "two")
    real, swapped = Path.read_text, list[Path]()

    def read_text(path: Path, *arguments: Any, **options: Any) -> str:
        text = real(path, *arguments, **options)
        if not swapped:
            swapped.append(path)
            point(mount, "..two")
        return text

    monkeypatch.setattr(Path, "read_text", read_text)
    found = MountedCredentials(mount.parent).retrieve()
    assert (found.access_key, found.secret_key) == ("id one", "secret one")


def test_a_missing_key_means_that_the_store_cannot_be_used(tmp_path: Path) -> None:
    with pytest.raises(StorageUnavailable):
        MountedCredentials(tmp_path).retrieve()

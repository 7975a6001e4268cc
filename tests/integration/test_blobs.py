from collections.abc import Iterator

import pytest

from kozutumi_app.adapters.blobs import S3Blobs
from kozutumi_app.errors import ObjectMissing, StorageUnavailable
from storage_fixtures import BUCKET, RunningStorage, app_settings, running_storage


@pytest.fixture(scope="module")
def storage() -> Iterator[RunningStorage]:
    with running_storage() as running:
        yield running


@pytest.fixture
def blobs(storage: RunningStorage) -> Iterator[S3Blobs]:
    opened = storage.blobs(app_settings(storage.url))
    yield opened
    opened.close()


def test_object_is_put_read_in_part_listed_and_deleted(blobs: S3Blobs) -> None:
    blobs.put("f/one", b"0123456789")
    blobs.put("f/two", bytes(100_000))
    assert blobs.get("f/one") == b"0123456789"
    assert blobs.get("f/one", offset=3, length=4) == b"3456"
    assert sorted(blobs.list("f/")) == ["f/one", "f/two"]
    blobs.delete("f/one")
    blobs.delete("f/one")
    assert list(blobs.list("f/")) == ["f/two"]
    with pytest.raises(ObjectMissing):
        blobs.get("f/one")


def test_bucket_that_is_missing_is_unavailable_not_empty(storage: RunningStorage) -> None:
    other = storage.blobs(app_settings(storage.url, content_bucket="no-such-bucket"))
    for use in (other.check, lambda: other.put("f", b"x"), lambda: other.get("f")):
        with pytest.raises(StorageUnavailable):
            use()
    other.close()


def test_store_that_is_down_is_unavailable_and_comes_back(storage: RunningStorage, blobs: S3Blobs) -> None:
    blobs.check()
    storage.kill()
    for use in (
        blobs.check,
        lambda: blobs.put("f", b"x"),
        lambda: blobs.delete("f"),
        lambda: list(blobs.list("f")),
    ):
        with pytest.raises(StorageUnavailable):
            use()
    storage.start()
    blobs.check()


def test_store_of_another_authority_is_not_spoken_to(storage: RunningStorage) -> None:
    with running_storage() as impostor:
        blobs = storage.blobs(app_settings(impostor.url))
        with pytest.raises(StorageUnavailable):
            blobs.put("f", b"x")
        assert impostor.stored() == {}
        blobs.close()


def test_rotated_credential_is_used_without_a_restart(storage: RunningStorage, blobs: S3Blobs) -> None:
    path = storage.secrets_directory / "storage/secret-access-key"
    good = path.read_text()
    path.write_text("wrong")
    with pytest.raises(StorageUnavailable):
        blobs.check()
    path.write_text(good)
    blobs.check()
    assert (storage.root / BUCKET).is_dir()

"""One contract of the operator's storage, on real stores: AWS' IAM API and MinIO's admin API."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from datetime import timedelta
from typing import Any, Final

import pytest
from botocore.exceptions import ClientError, ConnectionClosedError, SSLError

import operator_builders as builders
import storage_drifts
from certificates import Authority
from kozutumi_operator.errors import RegionMismatch, StorageRefused, StorageUnavailable
from kozutumi_operator.organizations import spec
from kozutumi_operator.organizations.spec import Organization
from kozutumi_operator.organizations.storage_credential import StorageCredential
from kozutumi_operator.organizations.storage_rotation import Stage
from kozutumi_operator.reconcile.storage_names import Names, tags_of
from kozutumi_operator.storage.ports import Retention
from scanner_fixtures import HOST, wait_until
from storage_made import Made, make, now
from store_fixtures import REGION, Gateway, running_store

REFUSED: Final = {"AccessDenied", "InvalidAccessKeyId", "SignatureDoesNotMatch"}


@pytest.fixture(scope="module", params=["aws-iam", "minio"])
def gateway(request: pytest.FixtureRequest) -> Iterator[Gateway]:
    with running_store(request.param) as running:
        yield running


_SHARED: dict[str, Made] = {}


async def shared(gateway: Gateway) -> Made:
    """One organization for all that repairs it: making one takes seconds."""
    if gateway.iam not in _SHARED:
        _SHARED[gateway.iam] = await make(gateway)
    return _SHARED[gateway.iam]


def code_of(call: Any, **arguments: Any) -> str:
    """How it was refused. A store that refuses before it has the body hangs up: who sends it all the same asks again."""
    for _ in range(10):
        try:
            call(**arguments)
        except ClientError as error:
            return str(error.response["Error"]["Code"])
        except (SSLError, ConnectionClosedError):
            continue
        break
    raise AssertionError("it was not refused")


async def test_an_organization_s_storage_from_its_making_to_its_end(gateway: Gateway) -> None:
    made = await make(gateway)
    organization, storage, names = made.organization, made.storage, made.names
    assert await made.ensure() == []
    store = gateway.store()
    content, archive = store.find_bucket(names.content), store.find_bucket(names.archive)
    assert content is not None
    assert archive is not None
    assert (content.versioning, content.suspended, content.object_lock) == (False, False, False)
    assert (archive.versioning, archive.object_lock) == (True, True)
    assert archive.retention == Retention("COMPLIANCE", 365)
    assert content.tags == archive.tags == tags_of(organization)
    assert content.location == archive.location == REGION

    tenant = gateway.client(made.record.credential)
    tenant.put_object(Bucket=names.content, Key="file/segment", Body=b"sealed")
    tenant.put_object(Bucket=names.archive, Key="head", Body=b"sealed")
    assert tenant.get_object(Bucket=names.content, Key="file/segment")["Body"].read() == b"sealed"
    begun = tenant.create_multipart_upload(Bucket=names.content, Key="file/parts")["UploadId"]
    assert [each["UploadId"] for each in tenant.list_multipart_uploads(Bucket=names.content)["Uploads"]] == [begun]
    tenant.abort_multipart_upload(Bucket=names.content, Key="file/parts", UploadId=begun)
    assert "Uploads" not in tenant.list_multipart_uploads(Bucket=names.content)
    assert code_of(tenant.list_multipart_uploads, Bucket=names.archive) == "AccessDenied"
    assert code_of(tenant.delete_object, Bucket=names.archive, Key="head") == "AccessDenied"
    versioning = {"Status": "Enabled"}
    assert code_of(tenant.put_bucket_versioning, Bucket=names.content, VersioningConfiguration=versioning) == (
        "AccessDenied"
    )
    assert code_of(tenant.create_bucket, Bucket="kozutumi-more") == "AccessDenied"

    await storage.empty_content(organization)
    await storage.remove_content(organization)
    await storage.remove_user(organization)
    assert await storage.leftovers(organization) == (False, False, False)
    kept = await storage.settle_archive(organization)
    assert kept is not None  # it holds a sealed head, locked for a year
    assert kept.until is not None
    assert now() + timedelta(days=364) < kept.until < now() + timedelta(days=366)
    assert code_of(tenant.list_objects_v2, Bucket=names.archive) in REFUSED


async def test_one_organization_s_key_is_denied_in_another_s_buckets(gateway: Gateway) -> None:
    ours, theirs = await make(gateway), await make(gateway)
    client = gateway.client(ours.record.credential)
    for bucket in (theirs.names.content, theirs.names.archive):
        assert code_of(client.list_objects_v2, Bucket=bucket) == "AccessDenied"
        assert code_of(client.put_object, Bucket=bucket, Key="x", Body=b"x") == "AccessDenied"
        assert code_of(client.get_object, Bucket=bucket, Key="x") == "AccessDenied"


@pytest.mark.parametrize("title", storage_drifts.BUCKET_DRIFTS)
async def test_drift_of_a_bucket_is_repaired_and_told(gateway: Gateway, title: str) -> None:
    made = await shared(gateway)
    storage_drifts.BUCKET_DRIFTS[title](gateway.client(), None, made.names)
    await repaired_once(gateway, made)
    found = gateway.client().list_object_versions(Bucket=made.names.content)
    kept = {each["Key"] for each in (*found.get("Versions", ()), *found.get("DeleteMarkers", ()))}
    assert "deleted by its owner" not in kept


@pytest.mark.parametrize("title", storage_drifts.USER_DRIFTS)
async def test_drift_of_an_iam_user_is_repaired_and_told(gateway: Gateway, title: str) -> None:
    made = await shared(gateway)
    causing = storage_drifts.USER_DRIFTS[title] if gateway.kind == "aws-iam" else MINIO_DRIFTS[title]
    causing(gateway.client(), gateway.iam_client() if gateway.kind == "aws-iam" else admin(gateway), made.names)
    await repaired_once(gateway, made)


async def test_a_minio_user_switched_off_or_put_into_a_group_is_repaired(gateway: Gateway) -> None:
    if gateway.kind != "minio":
        return
    made = await shared(gateway)
    admin(gateway).user_disable(made.names.user)
    assert code_of(gateway.client(made.record.credential).list_objects_v2, Bucket=made.names.content) == "AccessDenied"
    await repaired_once(gateway, made)
    admin(gateway).group_add("everybody", [made.names.user])
    await repaired_once(gateway, made)


async def repaired_once(gateway: Gateway, made: Made) -> None:
    """Repaired and told, then nothing is left to do, and the tenant may do what it may, and no more."""
    assert len(await made.ensure()) >= 1
    assert await made.ensure() == []
    tenant, names = gateway.client(made.record.credential), made.names
    tenant.put_object(Bucket=names.content, Key="after", Body=b"sealed")
    tenant.delete_object(Bucket=names.content, Key="after")
    assert code_of(tenant.get_bucket_policy, Bucket=names.content) == "AccessDenied"
    store = gateway.store()
    user, archive = store.find_user(names.user), store.find_bucket(names.archive)
    assert user is not None
    assert user.access_key_ids == (made.record.credential.access_key_id,)
    assert archive is not None
    assert archive.retention == Retention("COMPLIANCE", 365)


async def test_an_access_key_switched_off_is_replaced(gateway: Gateway) -> None:
    made = await shared(gateway)
    storage_drifts.switch_access_key_off(None, gateway.iam_client(), made.names)
    old = made.record.credential
    await repaired_once(gateway, made)
    assert made.record.credential != old


async def test_an_access_key_is_replaced_while_requests_go_on(gateway: Gateway) -> None:
    made = await make(gateway)
    old = gateway.client(made.record.credential)
    await made.ensure(Stage.BEGIN)
    new = gateway.client(made.record.credential)
    for client in (old, new):
        client.put_object(Bucket=made.names.content, Key="meanwhile", Body=b"sealed")
    assert await made.ensure(Stage.WAIT) == []  # found again by another process: nobody takes a key away
    old.get_object(Bucket=made.names.content, Key="meanwhile")
    assert await made.ensure(Stage.FINISH) == []
    assert code_of(old.get_object, Bucket=made.names.content, Key="meanwhile") in REFUSED
    new.get_object(Bucket=made.names.content, Key="meanwhile")
    assert made.record.retiring == ""


async def test_a_departed_archive_goes_when_its_locks_end_and_not_before(gateway: Gateway) -> None:
    made, root = await make(gateway), gateway.client()
    end = now() + timedelta(seconds=10)
    lock = {"ObjectLockMode": "COMPLIANCE", "ObjectLockRetainUntilDate": end}
    for key in ("head", "backup"):
        root.put_object(Bucket=made.names.archive, Key=key, Body=b"sealed", **lock)
    uid = made.organization.uid
    kept = await made.storage.expire_archive(made.organization.name, uid, made.names.archive)
    assert kept is not None
    assert kept.until is not None
    assert abs((kept.until - end).total_seconds()) < 2
    assert {each["Key"] for each in root.list_object_versions(Bucket=made.names.archive)["Versions"]} == (
        {"head", "backup"}
    )
    wait_until(lambda: now() > end + timedelta(seconds=1), lambda: "the lock has not ended")
    stranger = await made.storage.expire_archive(made.organization.name, "another uid", made.names.archive)
    assert stranger is None
    assert gateway.store().find_bucket(made.names.archive) is not None
    assert await made.storage.expire_archive(made.organization.name, uid, made.names.archive) is None
    assert gateway.store().find_bucket(made.names.archive) is None


def test_a_bucket_is_emptied_of_versions_markers_and_unfinished_uploads(gateway: Gateway) -> None:
    store, root, name = gateway.store(), gateway.client(), "kozutumi-full"
    store.create_bucket(name, {"service-code": "full"}, region=REGION, object_lock=False)
    store.set_versioning(name, enabled=True)
    for body in (b"one", b"two"):
        root.put_object(Bucket=name, Key="a/b", Body=body)
    root.delete_object(Bucket=name, Key="a/b")
    upload = root.create_multipart_upload(Bucket=name, Key="cut")
    part = {"UploadId": upload["UploadId"], "PartNumber": 1, "Body": b"x" * 5 * 2**20}
    root.upload_part(Bucket=name, Key="cut", **part)
    assert not store.is_empty(name)
    store.empty_bucket(name)
    assert store.is_empty(name)
    store.remove_bucket(name)
    store.remove_bucket(name)
    assert store.find_bucket(name) is None
    assert store.is_empty(name)


async def test_buckets_in_another_region_get_no_key(gateway: Gateway) -> None:
    with pytest.raises((RegionMismatch, StorageRefused), match="region"):
        await gateway.storage().ensure(elsewhere(), None, now=now())


def elsewhere() -> Organization:
    body = builders.body(serviceCode="elsewhere", residency={"region": "eu-west-1"})
    body["metadata"] |= {"name": "elsewhere", "uid": "elsewhere"}
    return spec.parse(body)


def test_the_store_s_clock_is_read_from_its_answers(gateway: Gateway) -> None:
    store = gateway.store()
    assert store.clock_offset() is None
    store.find_bucket("kozutumi-none")
    offset = store.clock_offset()
    assert offset is not None
    assert abs(offset) < 5


def test_a_store_that_does_not_answer_or_cannot_be_trusted_is_unavailable(gateway: Gateway) -> None:
    secret = gateway.root.secret_access_key.reveal()
    nowhere = f"https://{HOST}:1"
    calls: list[Callable[[], object]] = [
        lambda: gateway.store(KOZUTUMI_S3_ENDPOINT=nowhere).find_bucket("kozutumi-none"),
        lambda: gateway.store(KOZUTUMI_IAM_ENDPOINT=nowhere).find_user("kozutumi-none"),
    ]
    for call in calls:
        with pytest.raises(StorageUnavailable) as caught:
            call()
        assert secret not in str(caught.value)


def test_a_store_of_another_ca_is_unavailable(gateway: Gateway) -> None:
    right = gateway.ca.read_bytes()
    gateway.ca.write_bytes(Authority("another CA").pem)
    try:
        store = gateway.store()
        for call in (store.find_bucket, store.find_user):
            with pytest.raises(StorageUnavailable):
                call("kozutumi-none")
    finally:
        gateway.ca.write_bytes(right)


def test_a_wrong_credential_is_refused(gateway: Gateway) -> None:
    wrong = StorageCredential(gateway.root.access_key_id, type(gateway.root.secret_access_key)("x" * 40))
    store = gateway.store(wrong)
    for call in (store.find_bucket, store.find_user):
        with pytest.raises(StorageRefused):
            call("kozutumi-none")


def admin(gateway: Gateway) -> Any:
    """MinIO's admin API as root."""
    store: Any = gateway.store()
    return store._admin


def _widen(_: Any, minio: Any, names: Names) -> None:
    minio.policy_add(f"{names.user}.tenant", policy={"Version": "2012-10-17", "Statement": [storage_drifts.EVERYTHING]})


MINIO_DRIFTS: Final[dict[str, storage_drifts.Drift]] = {
    "IAM policy widened": _widen,
    "IAM policy added": lambda _, minio, names: minio.attach_policy(["readwrite"], user=names.user),
    "second access key made": lambda _, minio, names: minio.add_service_account_of(names.user),
}

"""From the next organization, nothing can be reached, read or used."""

from __future__ import annotations

import json

import pytest

from e2e_world import AOI, KAEDE, World, wait_until
from kozutumi_cluster.demo import isolation
from kozutumi_cluster.errors import ClusterError
from kozutumi_contract import labels

S3_PROGRAM = """
import json, os, sys
from minio import Minio
from minio.error import S3Error
import urllib3
read = lambda name: open('/etc/kozutumi/storage/' + name).read().strip()
endpoint = os.environ['KOZUTUMI_S3_ENDPOINT'].split('//')[1].rstrip('/')
pool = urllib3.PoolManager(ca_certs='/etc/kozutumi/ca/ca.crt', cert_reqs='CERT_REQUIRED', retries=False)
client = Minio(endpoint, access_key=read('access-key-id'), secret_key=read('secret-access-key'), secure=True,
               region=os.environ['KOZUTUMI_S3_REGION'], http_client=pool)
def outcome(act):
    for _ in range(5):
        try:
            act(); return 'allowed'
        except S3Error as error:
            return error.code
        except urllib3.exceptions.HTTPError:
            pass  # who is refused before the body was sent may be hung up on
    return 'no answer'
import io
bucket = sys.argv[1]
print(json.dumps({
    'list': outcome(lambda: list(client.list_objects(bucket))),
    'put': outcome(lambda: client.put_object(bucket, 'intruder', io.BytesIO(b'x'), 1)),
    'get': outcome(lambda: client.get_object(bucket, sys.argv[2]).read()),
}))
"""


@pytest.mark.parametrize("component", ["app", "scanner"])
def test_a_pod_of_the_next_organization_reaches_nothing(world: World, component: str) -> None:
    answers = isolation.reachable_from(world.kubectl, KAEDE, component, AOI)
    assert len(answers) >= 10
    assert [name for name, answered in answers.items() if answered] == []


def test_the_probe_program_can_see_an_open_port(world: World) -> None:
    """The same program must find what is allowed, or the test above proves nothing."""
    own = json.dumps([("own scanner", (f"scanner.{labels.namespace(KAEDE)}.svc", labels.SCANNER_PORT))])

    def answered() -> bool:
        found = json.loads(world.python(KAEDE, "app", isolation.PROGRAM, own, container="app"))
        return bool(found == {"own scanner": True})

    wait_until("the own scanner answering", answered, seconds=30)


def test_the_storage_key_is_good_for_the_own_bucket_only(world: World) -> None:
    own = labels.content_bucket("kozutumi", KAEDE)
    foreign = labels.content_bucket("kozutumi", AOI)
    listed = json.loads(world.python(KAEDE, "app", S3_PROGRAM, own, "no-such-object", container="app"))
    assert (listed["list"], listed["put"], listed["get"]) == ("allowed", "allowed", "NoSuchKey")
    denied = json.loads(world.python(KAEDE, "app", S3_PROGRAM, foreign, "no-such-object", container="app"))
    assert set(denied.values()) == {"AccessDenied"}


def test_a_session_of_one_organization_is_worthless_at_the_other(world: World) -> None:
    with world.member(KAEDE) as member, world.endpoint(AOI).open() as stranger:
        assert member.request("GET", "/api/v1/session").status_code == 200
        stranger.cookies.update(member.cookies)
        stranger.csrf = member.csrf
        assert stranger.request("GET", "/api/v1/session").status_code == 401
        assert stranger.request("GET", "/api/v1/transfers").status_code == 401


def test_no_tenant_pod_holds_a_kubernetes_token(world: World) -> None:
    program = "import os; print(os.path.exists('/var/run/secrets/kubernetes.io'))"
    for component, container in (("app", "app"), ("scanner", "agent"), ("scanner", "clamd")):
        assert world.python(AOI, component, program, container=container).strip() == "False"


def test_tenant_pods_cannot_write_outside_their_volumes(world: World) -> None:
    with pytest.raises(ClusterError, match="Read-only file system"):
        world.python(AOI, "app", "open('/opt/kozutumi/x', 'w')", container="app")

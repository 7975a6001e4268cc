"""Real object stores with accounts, over verified TLS on loopback: VersityGW's IAM API, or MinIO's admin API before it."""

from __future__ import annotations

import contextlib
import secrets
import socket
from collections.abc import Iterator
from contextlib import ExitStack
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, Final

import operator_builders as builders
from certificates import Authority
from kozutumi_cluster import binaries
from kozutumi_contract.secret import Secret
from kozutumi_operator.organizations.storage_credential import StorageCredential
from kozutumi_operator.reconcile.effects import Effects
from kozutumi_operator.reconcile.storage import Storage
from kozutumi_operator.storage.opening import open_store
from kozutumi_operator.storage.ports import ObjectStore
from kozutumi_operator.storage.s3_buckets import client
from kozutumi_operator.storage.s3_iam import IAM_REGION
from minio_admin_server import MinioAdminServer, serving
from scanner_fixtures import HOST, Processes, free_port, scratch, wait_until

REGION: Final = "jp-test-1"


@dataclass(frozen=True)
class Gateway:
    """`kind` as in KOZUTUMI_STORE_KIND; `iam` is what that kind's accounts are kept through."""

    kind: str
    s3: str
    iam: str
    real_iam: str
    ca: Path
    root: StorageCredential

    def settings(self, **changes: str) -> Any:
        return builders.settings(
            **{
                "KOZUTUMI_STORE_KIND": self.kind,
                "KOZUTUMI_S3_ENDPOINT": self.s3,
                "KOZUTUMI_IAM_ENDPOINT": self.iam,
                "KOZUTUMI_S3_REGION": REGION,
                **changes,
            }
        )

    def store(self, credential: StorageCredential | None = None, **changes: str) -> ObjectStore:
        settings = self.settings(**changes)
        return open_store(settings, str(self.ca), credential or self.root, lambda: datetime.now(UTC))

    def storage(self, effects: Effects | None = None) -> Storage:
        return Storage(self.store(), self.settings(), effects or Effects())

    def client(self, credential: StorageCredential | None = None) -> Any:
        """S3 as the holder of a key sees it."""
        return client("s3", credential or self.root, endpoint=self.s3, region=REGION, ca_file=str(self.ca))

    def iam_client(self) -> Any:
        """VersityGW's IAM, as root."""
        return client("iam", self.root, endpoint=self.real_iam, region=IAM_REGION, ca_file=str(self.ca))


@contextlib.contextmanager
def running_versitygw() -> Iterator[tuple[Gateway, Path, Processes]]:
    """The gateway, the folder with its TLS pair, and its processes."""
    with scratch() as folder:
        for name in ("root", "versions", "iam", "log"):
            (folder / name).mkdir()
        authority = Authority("platform CA")
        pair = authority.issue(folder / "tls", [HOST])
        (folder / "ca.crt").write_bytes(authority.pem)
        root = StorageCredential(secrets.token_hex(10), Secret(secrets.token_hex(20)))
        processes, s3, iam = Processes(folder / "log"), free_port(), free_port()
        environment = {"ROOT_ACCESS_KEY": root.access_key_id, "ROOT_SECRET_KEY": root.secret_access_key.reveal()}
        common = [str(binaries.ensure("cluster")["versitygw"]), "--region", REGION]
        common += ["--cert", str(pair / "tls.crt"), "--key", str(pair / "tls.key"), "--quiet"]
        control = folder / "iam.sock"
        served = [*common, "--port", f"127.0.0.1:{iam}", "iam", "--dir", str(folder / "iam")]
        gated = [*common, "--port", f"127.0.0.1:{s3}", "--iam-cache-disable"]
        gated += ["--iam-standalone-endpoint", str(control), "--iam-standalone-access", root.access_key_id]
        secret = ["--iam-standalone-secret", root.secret_access_key.reveal()]
        posix = ["posix", "--versioning-dir", str(folder / "versions"), str(folder / "root")]
        try:
            processes.start("iam", [*served, "--private-ports", str(control)], environment)
            wait_until(control.exists, lambda: processes.log("iam"))
            processes.start("s3", [*gated, *secret, *posix], environment)
            for name, port in (("iam", iam), ("s3", s3)):
                _wait_for(port, name, processes)
            url = f"https://{HOST}"
            at_iam = f"{url}:{iam}"
            yield Gateway("aws-iam", f"{url}:{s3}", at_iam, at_iam, folder / "ca.crt", root), pair, processes
        finally:
            processes.kill_all()


@contextlib.contextmanager
def running_store(kind: str) -> Iterator[Gateway]:
    with ExitStack() as stack:
        gateway, pair, _ = stack.enter_context(running_versitygw())
        if kind == "minio":
            admin = MinioAdminServer(gateway.iam_client(), gateway.root, REGION)
            port = stack.enter_context(serving(admin, pair))
            gateway = replace(gateway, kind=kind, iam=f"https://{HOST}:{port}")
        yield gateway


def _wait_for(port: int, name: str, processes: Processes) -> None:
    def listens() -> bool:
        with contextlib.suppress(OSError), socket.create_connection(("127.0.0.1", port), 1):
            return True
        return False

    wait_until(listens, lambda: processes.log(name))

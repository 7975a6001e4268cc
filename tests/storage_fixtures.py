"""A real VersityGW over TLS on loopback, with one bucket, for integration tests of the app and of the operator."""

from __future__ import annotations

import contextlib
import secrets
import signal
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Final

import httpx

from certificates import Authority
from kozutumi_app.adapters.blobs import MountedCredentials, S3Blobs
from kozutumi_cluster import binaries
from kozutumi_contract import paths, tls
from kozutumi_contract.settings import AppSettings
from scanner_fixtures import HOST, Processes, free_port, scratch, wait_until

BUCKET: Final = "kozutumi-test"
REGION: Final = "jp-test-1"
_MISSING_KEY: Final = 403


@dataclass
class RunningStorage:
    """`secrets_directory` holds the credential and the CA as the operator mounts them."""

    url: str
    root: Path
    secrets_directory: Path
    processes: Processes
    _command: list[str]
    _environment: dict[str, str]

    @property
    def ca(self) -> Path:
        return self.secrets_directory / paths.PLATFORM_CA

    def start(self) -> None:
        self.processes.start("versitygw", self._command, self._environment)
        wait_until(self._answers, lambda: self.processes.log("versitygw"))

    def kill(self) -> None:
        self.processes.kill("versitygw")

    def freeze(self) -> None:
        """Takes connections and answers nothing, as a hanging disk would."""
        self.processes.signal("versitygw", signal.SIGSTOP)

    def thaw(self) -> None:
        self.processes.signal("versitygw", signal.SIGCONT)

    def blobs(self, settings: AppSettings) -> S3Blobs:
        """The product's own adapter onto the bucket."""
        context = tls.client_context(self.ca).context
        return S3Blobs(settings, MountedCredentials(self.secrets_directory), context)

    def stored(self) -> dict[str, bytes]:
        """Every object of the bucket, as it lies on the disk."""
        folder = self.root / BUCKET
        return {str(path.relative_to(folder)): path.read_bytes() for path in folder.rglob("*") if path.is_file()}

    def _answers(self) -> bool:
        with contextlib.suppress(httpx.TransportError):
            context = tls.client_context(self.ca).context
            return httpx.get(f"{self.url}/", verify=context, timeout=2).status_code == _MISSING_KEY
        return False


@contextlib.contextmanager
def running_storage() -> Iterator[RunningStorage]:
    with scratch() as folder:
        for name in ("root", "iam", "log", "secrets"):
            (folder / name).mkdir()
        (folder / "root" / BUCKET).mkdir()
        access, secret = secrets.token_hex(10), secrets.token_hex(20)
        authority, mounted = Authority("platform CA"), folder / "secrets"
        pair = authority.issue(folder / "tls", [HOST])
        _mount(mounted, {paths.S3_ACCESS_KEY_ID: access, paths.S3_SECRET_ACCESS_KEY: secret})
        _mount(mounted, {paths.PLATFORM_CA: authority.pem.decode()})
        port = free_port()
        command = [str(binaries.ensure("cluster")["versitygw"]), "--port", f"127.0.0.1:{port}", "--region", REGION]
        command += ["--cert", str(pair / "tls.crt"), "--key", str(pair / "tls.key"), "--iam-dir", str(folder / "iam")]
        command += ["--quiet", "posix", str(folder / "root")]
        environment = {"ROOT_ACCESS_KEY": access, "ROOT_SECRET_KEY": secret}
        processes = Processes(folder / "log")
        storage = RunningStorage(f"https://{HOST}:{port}", folder / "root", mounted, processes, command, environment)
        try:
            storage.start()
            yield storage
        finally:
            processes.kill_all()


def app_settings(storage_url: str = "https://localhost:1", **changed: object) -> AppSettings:
    """Settings of an organization whose bucket is the one of `running_storage`."""
    values: dict[str, object] = {
        "service_code": "yamada",
        "display_name_ja": "山田商事",
        "display_name_en": "Yamada Trading",
        "public_url": "https://yamada.kozutumi.test",
        "s3_endpoint": storage_url,
        "s3_region": REGION,
        "content_bucket": BUCKET,
        "archive_bucket": f"{BUCKET}-archive",
        "scanner_url": "https://localhost:1",
        "smtp_host": "localhost",
        "smtp_port": 1,
        "mail_from": "noreply@kozutumi.test",
    }
    return AppSettings(**(values | changed))  # type: ignore[arg-type]  # a test passes what the field takes


def _mount(folder: Path, contents: dict[str, str]) -> None:
    for name, text in contents.items():
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        (folder / name).write_text(text)

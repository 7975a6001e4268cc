"""What `__main__` reads from the environment and the mounted files, once."""

from __future__ import annotations

import socket
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from cryptography.hazmat.primitives.asymmetric import ec

from kozutumi_contract import disposal_certificate, labels
from kozutumi_contract.disposal_certificate import SignerError
from kozutumi_contract.secret import Secret
from kozutumi_operator import alive, fleet_policy, platform, shards
from kozutumi_operator.errors import SignerMissing
from kozutumi_operator.organizations.materials import PlatformAuthority
from kozutumi_operator.organizations.storage_credential import StorageCredential
from kozutumi_operator.organizations.waves import Policy
from kozutumi_operator.platform import PlatformSettings
from kozutumi_operator.shards import Shard, ShardError

SECRETS: Final = "/etc/kozutumi"


class ConfigurationError(ValueError):
    """A file is missing; the message names it."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Configuration:
    """`test_hooks`: the operator is started again each time it is killed, and `crash_after` (see reconcile.effects) holds.

    Both are off in production.
    """

    platform: PlatformSettings
    fleet: Policy
    shard: Shard
    secrets: Path
    kubeconfig: Path | None
    identity: str
    heartbeat: Path
    test_hooks: bool
    crash_after: str
    crash_markers: Path

    @property
    def store_ca(self) -> str:
        return str(self.secrets / "platform-ca/ca.crt")

    @property
    def metrics_tls(self) -> Path:
        return self.secrets / "metrics-tls"

    @property
    def reports_tls(self) -> Path:
        return self.secrets / "reports-tls"

    def authority(self) -> PlatformAuthority:
        """Read anew each time: the kubelet renews the files."""
        folder = self.secrets / "platform-ca"
        return PlatformAuthority(
            certificate=_read(folder / "tls.crt"),
            private_key=Secret(_read(folder / "tls.key")),
            mirror_public_key=_read(folder / "mirror.pub"),
        )

    def disposal_signer(self) -> ec.EllipticCurvePrivateKey:
        """Read anew each time. Raises SignerMissing, which stalls a disposal before anything is destroyed."""
        try:
            return disposal_certificate.signer(_read(self.secrets / "disposal-signer/tls.key").encode())
        except (ConfigurationError, SignerError) as error:
            raise SignerMissing(
                f"{error}. Without it a disposal could not be proved: put the key into Secret "
                f"{labels.SYSTEM_NAMESPACE}/disposal-signer."
            ) from None

    def store_credential(self) -> StorageCredential:
        folder = self.secrets / "s3"
        secret = Secret(_read(folder / "secret-access-key").strip())
        return StorageCredential(_read(folder / "access-key-id").strip(), secret)


def read(environment: Mapping[str, str]) -> Configuration:
    """Raises PlatformError or ConfigurationError for the first thing that is missing."""
    kubeconfig = environment.get("KUBECONFIG")
    hooks = environment.get("KOZUTUMI_TEST_HOOKS") == "1"
    crash_after = environment.get("KOZUTUMI_CRASH_AFTER", "") if hooks else ""
    return Configuration(
        platform=platform.from_environment(environment),
        fleet=fleet_policy.read(environment),
        shard=_shard(environment),
        secrets=Path(environment.get("KOZUTUMI_SECRETS_DIRECTORY", SECRETS)),
        kubeconfig=Path(kubeconfig) if kubeconfig else None,
        identity=environment.get("HOSTNAME") or socket.gethostname(),
        heartbeat=Path(environment.get(alive.VARIABLE, alive.DEFAULT)),
        test_hooks=hooks,
        crash_after=crash_after,
        crash_markers=Path(environment.get("KOZUTUMI_CRASH_MARKERS", "/var/run/kozutumi/crashed")),
    )


def _shard(environment: Mapping[str, str]) -> Shard:
    name, selector = (environment.get(f"KOZUTUMI_SHARD{end}", "").strip() for end in ("", "_SELECTOR"))
    try:
        return shards.read(name, selector)
    except ShardError as error:
        raise ConfigurationError(str(error)) from None


def _read(path: Path) -> str:
    try:
        return path.read_text(encoding="utf-8")
    except OSError as error:
        raise ConfigurationError(f"cannot read {path} ({error.strerror}); check that its Secret is mounted") from None

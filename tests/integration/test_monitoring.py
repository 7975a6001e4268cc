"""The alerts in Prometheus' own hands, and the metrics port under real TLS."""

from __future__ import annotations

import shutil
import ssl
import subprocess
from datetime import UTC, datetime
from pathlib import Path

import aiohttp
import pytest

from kozutumi_cluster import binaries
from kozutumi_contract import tls
from kozutumi_operator.metrics import serving
from kozutumi_operator.metrics.counting import Metrics
from kozutumi_operator.organizations import certificates
from kozutumi_operator.organizations.certificates import Pair, Usage

MONITORING = Path(__file__).parents[2] / "monitoring"
NOW = datetime.now(UTC)
HOST = "kozutumi-operator-metrics.kozutumi-system.svc"


def promtool(*words: str, folder: Path = MONITORING) -> subprocess.CompletedProcess[str]:
    program = binaries.ensure("promtool")["promtool"]
    return subprocess.run([program, *words], cwd=folder, capture_output=True, text=True, check=False)  # noqa: S603 - words of this file


def test_the_rules_are_valid_and_fire_when_they_must_and_only_then() -> None:
    checked = promtool("check", "rules", "--lint=all", "--lint-fatal", "rules.yaml")
    assert checked.returncode == 0, checked.stderr
    tested = promtool("test", "rules", "rules_test.yaml")
    assert tested.returncode == 0, tested.stdout + tested.stderr


def test_a_rule_that_is_turned_round_is_noticed(tmp_path: Path) -> None:
    for name in ("rules.yaml", "rules_test.yaml"):
        shutil.copy(MONITORING / name, tmp_path)
    rules = tmp_path / "rules.yaml"
    rules.write_text(rules.read_text().replace("kozutumi_workqueue_depth > 50", "kozutumi_workqueue_depth < 50"))
    assert promtool("test", "rules", "rules_test.yaml", folder=tmp_path).returncode != 0


def write(folder: Path, pair: Pair, trust: Pair) -> Path:
    folder.mkdir()
    (folder / "tls.crt").write_bytes(pair.certificate)
    (folder / "tls.key").write_bytes(pair.private_key.reveal())
    (folder / "ca.crt").write_bytes(trust.certificate)
    return folder


async def scrape(port: int, folder: Path, *, nameless: bool = False) -> str:
    context = tls.client_context(folder / "ca.crt", None if nameless else folder).context
    connector = aiohttp.TCPConnector(ssl=context)
    async with (
        aiohttp.ClientSession(connector=connector) as session,
        session.get(f"https://127.0.0.1:{port}/metrics", server_hostname=HOST) as response,
    ):
        return await response.text()


async def test_only_a_certificate_of_the_monitoring_s_ca_reads_metrics(tmp_path: Path, unused_tcp_port: int) -> None:
    servers, clients, strangers = (certificates.authority(name, now=NOW) for name in ("servers", "clients", "others"))
    pair = certificates.issue(servers, "operator", usage=Usage.SERVER, hosts=(HOST,), now=NOW)
    folder = write(tmp_path / "server", pair, clients)
    known = certificates.issue(clients, "monitoring", usage=Usage.CLIENT, hosts=(), now=NOW)
    stranger = certificates.issue(strangers, "monitoring", usage=Usage.CLIENT, hosts=(), now=NOW)
    metrics = Metrics()
    metrics.repaired("Secret")
    async with serving.served(metrics.registry, folder, port=unused_tcp_port):
        text = await scrape(unused_tcp_port, write(tmp_path / "known", known, servers))
        assert 'kozutumi_drift_repairs_total{kind="Secret"} 1.0' in text
        with pytest.raises((aiohttp.ClientError, ssl.SSLError)):
            await scrape(unused_tcp_port, write(tmp_path / "stranger", stranger, servers))
        with pytest.raises((aiohttp.ClientError, ssl.SSLError)):
            await scrape(unused_tcp_port, tmp_path / "known", nameless=True)


async def test_without_a_certificate_nothing_is_served_and_the_operator_goes_on(
    tmp_path: Path, unused_tcp_port: int
) -> None:
    async with (
        serving.served(Metrics().registry, tmp_path / "missing", port=unused_tcp_port),
        aiohttp.ClientSession() as session,
    ):
        with pytest.raises(aiohttp.ClientConnectionError):
            await session.get(f"https://127.0.0.1:{unused_tcp_port}/metrics")

"""Verdicts of the real clamd through the real agent, over mTLS on loopback."""

from __future__ import annotations

import bz2
import gzip
import lzma
import random
import signal
import socket
import ssl
import zipfile
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import httpx
import pytest

from kozutumi_scanner import eicar
from malware_samples import MEBIBYTE, zipped
from scanner_fixtures import BUILTIN, RunningScanner, mutual, running_scanner


@pytest.fixture(scope="module")
def scanner() -> Iterator[RunningScanner]:
    with running_scanner() as running:
        yield running


@pytest.fixture
def _whole(scanner: RunningScanner) -> Iterator[None]:
    """Whatever the test broke is whole again for the next one."""
    yield
    if not scanner.processes.is_running("agent"):
        raise AssertionError("the agent must survive everything")
    scanner.write_signatures(BUILTIN)
    scanner.publish(datetime.now(UTC))
    scanner.wait_until(lambda status: status["ok"] and status["signature_version"] == "test-1")


def scan(scanner: RunningScanner, body: bytes) -> httpx.Response:
    with scanner.client() as client:
        return client.post("/v1/scan", content=iter([body[i : i + MEBIBYTE] for i in range(0, len(body), MEBIBYTE)]))


@pytest.mark.parametrize(
    ("body", "verdict", "reason"),
    [
        pytest.param(b"", "clean", None, id="empty"),
        pytest.param(b"hello", "clean", None, id="plain text"),
        pytest.param(random.Random(5).randbytes(5 * MEBIBYTE + 1), "clean", None, id="several chunks"),  # noqa: S311 - the same each time
        pytest.param(zipped("a.txt", b"hello"), "clean", None, id="zip"),
        pytest.param(eicar.test_file(), "infected", None, id="EICAR"),
        pytest.param(zipped("a.com", eicar.test_file()), "infected", None, id="EICAR zipped"),
        pytest.param(zipped("b.zip", zipped("a.com", eicar.test_file())), "infected", None, id="EICAR zipped twice"),
        pytest.param(zipped("a.txt", b"hello" * 100, encrypted=True), "unscannable", "encrypted", id="encrypted zip"),
    ],
)
def test_verdict(scanner: RunningScanner, body: bytes, verdict: str, reason: str | None) -> None:
    answer = scan(scanner, body)
    assert answer.status_code == 200
    found = answer.json()
    assert (found["verdict"], found["reason"]) == (verdict, reason)
    assert found["signature_version"] == "test-1"
    assert (found["signature"] is None) == (verdict == "clean")


@pytest.mark.parametrize(
    "body",
    [
        pytest.param(zipped("a.com", eicar.test_file(), method=zipfile.ZIP_LZMA), id="ZIP by LZMA"),
        pytest.param(
            zipped("b.zip", zipped("a.com", eicar.test_file(), method=zipfile.ZIP_LZMA)), id="ZIP by LZMA in a ZIP"
        ),
        pytest.param(lzma.compress(eicar.test_file(), format=lzma.FORMAT_ALONE), id="LZMA alone"),
        pytest.param(b"\x28\xb5\x2f\xfd" + bytes(32), id="Zstandard"),
    ],
)
def test_a_container_that_clamd_cannot_open_is_unscannable(scanner: RunningScanner, body: bytes) -> None:
    found = scan(scanner, body).json()
    assert (found["verdict"], found["reason"]) == ("unscannable", "unsupported_format")


def test_nesting_past_the_limit_is_unscannable(scanner: RunningScanner) -> None:
    body = b"hello"
    for _ in range(25):
        body = zipped("inner.zip", body)
    assert scan(scanner, body).json()["reason"] == "exceeds_limits"


def test_larger_than_the_temporary_folder_is_too_large_and_a_bomb_is_unscannable() -> None:
    with running_scanner(max_scan_size=8 * MEBIBYTE) as small:
        answer = scan(small, bytes(9 * MEBIBYTE))
        assert (answer.status_code, answer.json()["error"]) == (413, "too_large")
        assert scan(small, bytes(7 * MEBIBYTE)).json()["verdict"] == "clean"
        # EICAR lies past what is unpacked: were the rest taken for clean, it would pass.
        content = bytes(64 * MEBIBYTE) + eicar.test_file()
        for pack in (lambda data: zipped("bomb", data), gzip.compress, bz2.compress, lzma.compress):
            bomb = scan(small, pack(content)).json()
            assert (bomb["verdict"], bomb["reason"]) == ("unscannable", "exceeds_limits")


def test_a_beginning_of_an_archive_met_by_chance_does_not_make_a_large_file_unscannable() -> None:
    """As happens in one of sixteen films of 256 MiB: clamd then counts nearly all of the file twice."""
    chance = random.Random(1).randbytes(8 * MEBIBYTE - 4)  # noqa: S311 - test content
    with running_scanner(max_scan_size=8 * MEBIBYTE) as small:
        assert scan(small, chance[:1024] + b"PK\x03\x04" + chance[1024:]).json()["verdict"] == "clean"


@pytest.mark.usefixtures("_whole")
def test_clamd_killed_while_the_body_is_sent_gives_no_verdict(scanner: RunningScanner) -> None:
    def body() -> Iterator[bytes]:
        yield bytes(MEBIBYTE)
        scanner.kill_clamd()
        yield bytes(MEBIBYTE)

    try:
        with scanner.client() as client:
            answer = client.post("/v1/scan", content=body())
        assert (answer.status_code, answer.json()["error"]) == (503, "clamd_unavailable")
        down = scanner.wait_until(lambda status: not status["ok"])
        assert (down["self_test"], down["signature_version"]) == (False, None)
        assert scan(scanner, b"hello").status_code == 503
    finally:
        scanner.start_clamd()


def test_a_hung_clamd_gives_no_verdict() -> None:
    """Stopped, not dead: its socket still takes connections."""
    with running_scanner(scan_timeout=2) as impatient:
        impatient.processes.signal("clamd", signal.SIGSTOP)
        answer = scan(impatient, b"hello")
        assert (answer.status_code, answer.json()["error"]) == (503, "clamd_unavailable")


def test_a_body_that_is_cut_gets_no_verdict(scanner: RunningScanner) -> None:
    """Half a chunked body and the connection's end: were the end taken for the body's, a file would pass by being cut."""
    context, port = mutual(scanner.client_folder), int(scanner.url.rsplit(":", 1)[1])
    before = metric(scanner, 'kozutumi_scanner_scans_total{verdict="clean"}')
    with (
        socket.create_connection(("localhost", port)) as raw,
        context.wrap_socket(raw, server_hostname="localhost") as sender,
    ):
        sender.sendall(b"POST /v1/scan HTTP/1.1\r\nHost: localhost\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nhello\r\n")
    scanner.wait_until(lambda _: metric(scanner, 'kozutumi_scanner_scans_total{verdict="cut"}') > 0)
    assert metric(scanner, 'kozutumi_scanner_scans_total{verdict="clean"}') == before


def test_scans_beyond_the_limit_wait_and_are_then_told_busy() -> None:
    with running_scanner(busy_wait=1) as narrow, narrow.client() as client:

        def body() -> Iterator[bytes]:
            yield b"first half"
            answer = scan(narrow, b"hello")
            assert (answer.status_code, answer.json()["error"]) == (503, "busy")
            yield b"second half"

        assert client.post("/v1/scan", content=body()).json()["verdict"] == "clean"
        assert scan(narrow, b"hello").json()["verdict"] == "clean"


@pytest.mark.usefixtures("_whole")
def test_signatures_without_eicar_make_the_scanner_not_ok_and_new_ones_are_loaded(scanner: RunningScanner) -> None:
    own = "Kozutumi.Test.Marker:0:*:" + b"a marker of our own".hex() + "\n"
    scanner.write_signatures(own)
    scanner.publish(datetime.now(UTC), "no-eicar")
    broken = scanner.wait_until(lambda status: not status["ok"] and "EICAR" in str(status["message"]))
    assert broken["self_test"] is False
    assert scan(scanner, b"hello").json()["error"] == "signatures_missing"

    scanner.write_signatures(BUILTIN + own)
    scanner.publish(datetime.now(UTC), "both")
    scanner.wait_until(lambda status: status["signature_version"] == "both")
    assert scan(scanner, b"this is a marker of our own, see").json()["verdict"] == "infected"


@pytest.mark.usefixtures("_whole")
def test_the_age_of_the_signatures_follows_the_manifest(scanner: RunningScanner) -> None:
    scanner.publish(datetime.now(UTC) - timedelta(hours=100), "old")
    old = scanner.wait_until(lambda status: status["signature_version"] == "old")
    age = old["signature_age_seconds"]
    assert isinstance(age, int)
    assert 360_000 <= age < 361_000
    assert scan(scanner, b"hello").json()["signature_version"] == "old"


@pytest.mark.usefixtures("_whole")
@pytest.mark.parametrize("damage", ["other signatures", "other key", "cut"])
def test_a_manifest_that_does_not_fit_leaves_the_age_unknown(scanner: RunningScanner, damage: str) -> None:
    path = Path(scanner.settings.run_directory) / "manifest.json"
    if damage == "other signatures":
        scanner.write_signatures(BUILTIN + "Kozutumi.Test.Other:0:*:" + b"something else".hex() + "\n")
    elif damage == "other key":
        path.write_bytes(path.read_bytes().replace(b'"version":"test-1"', b'"version":"test-2"'))
    else:
        path.write_bytes(path.read_bytes()[:-10])
    unknown = scanner.wait_until(lambda status: status["ok"] and status["signature_version"] is None)
    assert unknown["signature_age_seconds"] is None
    assert scan(scanner, b"hello").json()["signature_published"] is None


@pytest.mark.parametrize("who", ["nobody", "monitoring"])
def test_the_scan_port_takes_the_apps_certificate_alone(scanner: RunningScanner, who: str) -> None:
    context = mutual(scanner.monitoring_folder) if who == "monitoring" else without_certificate(scanner)
    with httpx.Client(base_url=scanner.url, verify=context) as client, pytest.raises(httpx.TransportError):
        client.get("/v1/status")


def test_metrics_take_monitorings_certificate_alone(scanner: RunningScanner) -> None:
    assert metric(scanner, "kozutumi_scanner_clamd_up") == 1
    assert metric(scanner, "kozutumi_scanner_self_test") == 1
    with (
        httpx.Client(base_url=scanner.metrics_url, verify=mutual(scanner.client_folder)) as client,
        pytest.raises(httpx.TransportError),
    ):
        client.get("/metrics")


def metric(scanner: RunningScanner, name: str) -> float:
    with httpx.Client(base_url=scanner.metrics_url, verify=mutual(scanner.monitoring_folder)) as client:
        lines = client.get("/metrics").text.splitlines()
    return next((float(line.rsplit(" ", 1)[1]) for line in lines if line.startswith(name + " ")), 0.0)


def without_certificate(scanner: RunningScanner) -> ssl.SSLContext:
    return ssl.create_default_context(cafile=str(scanner.client_folder / "ca.crt"))


def test_a_request_it_does_not_know_is_refused(scanner: RunningScanner) -> None:
    with scanner.client() as client:
        answers: dict[str, Any] = {path: client.get(path).status_code for path in ("/", "/v1/scan", "/metrics")}
    assert answers == {"/": 404, "/v1/scan": 405, "/metrics": 404}

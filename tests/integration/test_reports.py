"""Reports of mail on their way from the relay to an app: who may bring them, what is refused, what holds nothing up."""

from __future__ import annotations

import asyncio
import contextlib
import os
import re
import ssl
from asyncio.subprocess import PIPE
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import aiohttp
import pytest
import structlog

from certificates import Authority
from kozutumi_operator import renewing
from kozutumi_operator.cluster.kinds import SECRET
from kozutumi_operator.manifests import names
from kozutumi_operator.reports import answering, serving
from kozutumi_operator.reports.outcomes import LARGEST, Outcome
from kozutumi_operator.tenant import client as tenant
from report_world import CODES, LOOPBACK, MAIL, REPORT, Bench, address

PAGE = Path(__file__).parents[2] / "docs/operations/mail.md"


@pytest.fixture
def bench(tmp_path: Path, unused_tcp_port_factory: Any, monkeypatch: pytest.MonkeyPatch) -> Bench:
    """No limit of time is near, but where a test sets one."""
    for limit in ("HANDSHAKE", "HEADER", "CONNECTION"):
        monkeypatch.setattr(serving, limit, 120.0)
    monkeypatch.setattr(answering, "DELIVERING", 120.0)
    monkeypatch.setattr(tenant, "_TIMEOUT", aiohttp.ClientTimeout(total=120))
    return Bench(tmp_path, unused_tcp_port_factory(), unused_tcp_port_factory())


@pytest.fixture
async def at_work(bench: Bench) -> AsyncIterator[Bench]:
    async with bench.apps.served(bench.app_folder, bench.app_port), bench.served():
        yield bench


async def test_a_report_reaches_the_app_it_is_for_and_no_other(at_work: Bench) -> None:
    assert await at_work.bring(address("acme")) == (200, {"state": "bounced"}, None)
    assert await at_work.bring("", b"To: <" + address("beta").encode() + b">\r\n\r\n") == (
        200,
        {"state": "bounced"},
        None,
    )
    assert [code for code, _ in at_work.apps.taken] == ["acme", "beta"]
    assert at_work.apps.taken[0][1] == REPORT
    at_work.apps.states["acme"] = None
    assert await at_work.bring(address("acme"), b"x" * LARGEST) == (200, {"state": None}, None)
    assert at_work.outcomes == {Outcome.TAKEN: 2, Outcome.UNMATCHED: 1}


async def in_chunks(size: int) -> AsyncIterator[bytes]:
    """A body whose length is not told before."""
    for _ in range(size // 1024):
        yield b"x" * 1024


@pytest.mark.parametrize(
    ("to", "changes", "outcome", "status"),
    [
        (address("nobody"), {}, Outcome.UNKNOWN, 404),
        (f"bounces+{MAIL}@mail.example", {}, Outcome.UNKNOWN, 404),
        ("", {}, Outcome.UNKNOWN, 404),
        (address("acme"), {"path": "/"}, Outcome.MALFORMED, 400),
        (address("acme"), {"method": "PUT"}, Outcome.MALFORMED, 400),
        (address("acme"), {"kind": "text/plain"}, Outcome.MALFORMED, 400),
        (address("acme"), {"body": b"x" * (LARGEST + 1)}, Outcome.TOO_LARGE, 413),
    ],
)
async def test_what_is_no_report_for_an_organization_reaches_no_app(
    at_work: Bench, to: str, changes: dict[str, Any], outcome: Outcome, status: int
) -> None:
    answered, problem, _ = await at_work.bring(to, **changes)
    assert (answered, problem["status"], problem["code"]) == (status, status, outcome)
    assert at_work.outcomes == {outcome: 1}
    assert at_work.apps.taken == []


@pytest.mark.parametrize("chunked", [False, True])
async def test_what_is_too_large_is_to_be_cut_off(at_work: Bench, *, chunked: bool) -> None:
    size = LARGEST + 1024
    status, problem, _ = await at_work.bring(address("acme"), in_chunks(size) if chunked else b"x" * size)
    assert (status, problem["code"]) == (413, "too_large")
    assert "Cut the report off after 65536 bytes" in problem["detail"]
    assert (await at_work.bring(address("acme"), in_chunks(LARGEST) if chunked else b"x" * LARGEST))[0] == 200


async def test_only_a_certificate_of_the_reports_ca_brings_any(at_work: Bench) -> None:
    for case in ({"client": Authority("strangers")}, {"client": at_work.operators}, {"nameless": True}):
        with pytest.raises((aiohttp.ClientError, ssl.SSLError)):
            await at_work.bring(address("acme"), **case)
    assert not at_work.outcomes
    assert (await at_work.bring(address("acme")))[0] == 200


async def test_while_the_app_is_away_the_relay_is_asked_to_come_again(bench: Bench) -> None:
    async with bench.served():
        status, problem, again = await bench.bring(address("acme"))
        assert (status, problem["code"], again) == (503, "unavailable", "60")
        async with bench.apps.served(bench.app_folder, bench.app_port):
            assert await bench.bring(address("acme")) == (200, {"state": "bounced"}, None)
            secret = bench.cluster.objects.pop((SECRET.name, "kz-acme", names.OPERATOR_CLIENT_TLS))
            assert (await bench.bring(address("acme")))[0] == 503
            secret["data"] = dict.fromkeys(bench.pair, "AAAA")
            bench.cluster.objects[SECRET.name, "kz-acme", names.OPERATOR_CLIENT_TLS] = secret
            assert (await bench.bring(address("acme")))[0] == 503
    assert bench.outcomes == {Outcome.TAKEN: 1, Outcome.UNAVAILABLE: 3}


async def crowded(bench: Bench, codes: list[str]) -> list[asyncio.Task[tuple[int, dict[str, Any], str | None]]]:
    """Reports that their apps hold on to."""
    bench.apps.gate.clear()
    tasks = [asyncio.create_task(bench.bring(address(code))) for code in codes]
    await bench.apps.holds(len(codes))
    return tasks


async def test_an_app_that_hangs_does_not_hold_the_others_up(at_work: Bench) -> None:
    waiting = await crowded(at_work, ["acme"] * answering.AT_ONCE_FOR_ONE)
    status, problem, again = await at_work.bring(address("acme"))
    assert (status, problem["code"], again) == (503, "busy", "15")
    other = asyncio.create_task(at_work.bring(address("beta")))
    await at_work.apps.holds(len(waiting) + 1)
    at_work.apps.gate.set()
    assert {(await task)[0] for task in (*waiting, other)} == {200}
    assert (await at_work.bring(address("acme")))[0] == 200


async def test_more_at_once_than_allowed_are_sent_away_and_come_again(at_work: Bench) -> None:
    waiting = await crowded(at_work, [*CODES[:4]] * answering.AT_ONCE_FOR_ONE)
    assert len(waiting) == answering.AT_ONCE
    assert (await at_work.bring(address("omega")))[0] == 503
    at_work.apps.gate.set()
    assert {(await task)[0] for task in waiting} == {200}
    assert (await at_work.bring(address("omega")))[0] == 200


HEAD = b"POST /reports HTTP/1.1\r\nHost: x\r\nContent-Type: message/rfc822\r\nContent-Length: 100\r\n"


async def to_its_end(reader: asyncio.StreamReader) -> bytes:
    """What still comes before the other side closes, if need be with a reset."""
    with contextlib.suppress(ConnectionError):
        return await reader.read()
    return b""


async def test_a_body_that_comes_slowly_is_cut_and_gives_its_place_back(
    bench: Bench, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(serving, "REST", 0.2)
    monkeypatch.setattr(answering, "AT_ONCE", 1)
    async with bench.served(reading=0.2):
        for _ in range(2):
            reader, writer = await bench.connected()
            writer.write(HEAD + b"\r\nTo: half")
            assert (await to_its_end(reader)).startswith(b"HTTP/1.1 408")
            writer.close()
    assert bench.outcomes == {Outcome.TOO_SLOW: 2}


@pytest.mark.parametrize("sent", [HEAD, b""])
async def test_a_header_that_comes_slowly_is_cut(bench: Bench, monkeypatch: pytest.MonkeyPatch, sent: bytes) -> None:
    monkeypatch.setattr(serving, "HEADER", 0.2)
    async with bench.served():
        reader, writer = await bench.connected()
        writer.write(sent)
        assert await to_its_end(reader) == b""
        writer.close()
    assert not bench.outcomes


async def test_who_begins_no_tls_must_go(bench: Bench, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(serving, "HANDSHAKE", 0.2)
    async with bench.served():
        reader, writer = await asyncio.open_connection(LOOPBACK, bench.port)
        assert await to_its_end(reader) == b""
        writer.close()


async def test_no_connection_is_for_ever(bench: Bench, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(serving, "CONNECTION", 4.0)
    async with bench.apps.served(bench.app_folder, bench.app_port), bench.served():
        bench.apps.gate.clear()
        reader, writer = await bench.connected()
        writer.write(HEAD + b"\r\n" + f"To: {address('acme')}\r\n\r\n".ljust(100).encode())
        assert await to_its_end(reader) == b""
        writer.close()


async def test_a_connection_more_waits_until_another_ends(bench: Bench, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(serving, "CONNECTIONS", 1)
    async with bench.apps.served(bench.app_folder, bench.app_port), bench.served():
        _, writer = await bench.connected()
        waiting = asyncio.create_task(bench.bring(address("acme")))
        writer.close()
        assert (await waiting)[0] == 200
        assert (await bench.bring(address("acme")))[0] == 200


async def test_no_log_holds_a_body_or_an_address(
    bench: Bench, caplog: pytest.LogCaptureFixture, capfd: pytest.CaptureFixture[str]
) -> None:
    async def defective(code: str, report: bytes) -> str | None:
        raise ValueError(code, report)

    with structlog.testing.capture_logs() as logged:
        async with bench.served(deliver=defective):
            assert (await bench.bring(address("acme")))[0] == 500
        async with bench.served(reading=0.5):
            for broken in (b"X-Original-To bounces+what came back\r\n\r\n", b"\r\nwhat came"):
                reader, writer = await bench.connected()
                writer.write(HEAD + broken)
                await to_its_end(reader)
                writer.close()
        async with bench.served():
            assert (await bench.bring(address("acme")))[0] == 503
    everything = f"{logged} {caplog.text} {capfd.readouterr()}"
    assert "report_failed" in everything
    assert "report_not_taken" in everything
    for private in (MAIL, "mail.example", "what came", "postmaster"):
        assert private not in everything


async def test_nothing_listens_until_there_is_a_certificate(bench: Bench, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(renewing, "CHECK", 0.01)
    trust = bench.server_folder / "ca.crt"
    kept = trust.rename(bench.folder / "kept")
    async with bench.apps.served(bench.app_folder, bench.app_port), bench.served():
        with pytest.raises(OSError, match="Connect"):
            await asyncio.open_connection(LOOPBACK, bench.port)
        kept.rename(trust)
        assert (await until_served(bench, address("acme")))[0] == 200
    with pytest.raises(OSError, match="Connect"):
        await asyncio.open_connection(LOOPBACK, bench.port)


async def until_served(bench: Bench, to: str) -> tuple[int, dict[str, Any], str | None]:
    async with asyncio.timeout(60):
        while True:
            with contextlib.suppress(aiohttp.ClientConnectorError):
                return await bench.bring(to)
            await asyncio.sleep(0.01)


async def handed_over(script: Path, home: Path, to: str, report: bytes) -> int:
    """Exit status of the relay's script for one report."""
    words = ("sh", str(script), to)
    running = await asyncio.create_subprocess_exec(*words, stdin=PIPE, env={**os.environ, "HOME": str(home)})
    await running.communicate(report)
    return await running.wait()


async def test_the_script_of_the_page_about_mail_brings_drops_or_keeps(bench: Bench, tmp_path: Path) -> None:
    told = re.search(r"```sh\n(.*?)```", PAGE.read_text(), flags=re.DOTALL)
    assert told
    pair = bench.relays.issue(tmp_path / "relay", ["relay"], peer=bench.servers)
    script = tmp_path / "kozutumi-report"
    script.write_text(told[1].replace("/etc/kozutumi-report", str(pair)))
    (tmp_path / ".curlrc").write_text(f'connect-to = "::{LOOPBACK}:{bench.port}"\n')
    assert await handed_over(script, tmp_path, address("acme"), REPORT) == 75
    async with bench.served():
        assert await handed_over(script, tmp_path, address("acme"), REPORT) == 75
        async with bench.apps.served(bench.app_folder, bench.app_port):
            assert await handed_over(script, tmp_path, address("acme"), REPORT) == 0
            assert await handed_over(script, tmp_path, address("acme"), b"x" * 300_000) == 0
            assert await handed_over(script, tmp_path, address("nobody"), REPORT) == 0
    assert bench.apps.taken == [("acme", REPORT), ("acme", b"x" * LARGEST)]
    assert bench.outcomes == {Outcome.UNAVAILABLE: 1, Outcome.TAKEN: 2, Outcome.UNKNOWN: 1}

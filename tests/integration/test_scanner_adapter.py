"""The app's side of the scanner: what is believed, and what is not."""

from __future__ import annotations

import contextlib
import json
import socket
import ssl
import threading
from collections.abc import Iterator
from pathlib import Path

import pytest

from certificates import Authority
from kozutumi_app.adapters.scanner import ScannerAgent
from kozutumi_app.errors import ScannerUnavailable, StorageUnavailable
from kozutumi_contract import tls
from kozutumi_scanner import eicar
from scanner_fixtures import HOST, RunningScanner, mutual, running_scanner

CLEAN = {"verdict": "clean", "signature_version": "1", "signature_published": "2026-04-01T00:00:00+00:00"}


@pytest.fixture(scope="module")
def scanner() -> Iterator[RunningScanner]:
    with running_scanner(max_scan_size=2_000_000) as running:
        yield running


@pytest.fixture
def agent(scanner: RunningScanner) -> ScannerAgent:
    return ScannerAgent(scanner.url, mutual(scanner.client_folder))


def test_verdicts_of_the_real_agent(agent: ScannerAgent) -> None:
    content = eicar.test_file()
    infected = agent.scan([content[:20], b"", content[20:]])
    assert (infected.verdict, infected.signature) == ("infected", "Kozutumi.Test.Eicar.UNOFFICIAL")
    clean = agent.scan([b"harmless"] * 100)
    assert (clean.verdict, clean.signature) == ("clean", None)
    assert clean.signature_published is not None
    assert agent.scan([]).verdict == "clean"


def test_too_large_is_unscannable_not_clean(agent: ScannerAgent) -> None:
    verdict = agent.scan(bytes(65_536) for _ in range(60))
    assert (verdict.verdict, verdict.reason) == ("unscannable", "too_large")


def test_content_that_cannot_be_read_gives_no_verdict(agent: ScannerAgent) -> None:
    def failing() -> Iterator[bytes]:
        yield bytes(100_000)
        raise StorageUnavailable

    with pytest.raises(StorageUnavailable):
        agent.scan(failing())
    assert agent.scan([b"next"]).verdict == "clean"


def test_status_says_what_the_agent_knows(agent: ScannerAgent) -> None:
    status = agent.status()
    assert (status.ok, status.self_test) == (True, True)
    assert status.signature_age_seconds is not None


def test_agent_that_is_not_there(scanner: RunningScanner) -> None:
    nobody = ScannerAgent("https://localhost:1", mutual(scanner.client_folder))
    assert not nobody.status().ok
    with pytest.raises(ScannerUnavailable):
        nobody.scan([b"x"])


def test_certificate_of_another_organization_opens_nothing(scanner: RunningScanner, tmp_path: Path) -> None:
    stranger = Authority("another app CA").issue(tmp_path / "pair", ["app"])
    context = tls.client_context(scanner.client_folder / tls.PEER_CA, stranger).context
    with pytest.raises(ScannerUnavailable):
        ScannerAgent(scanner.url, context).scan([b"x"])


@contextlib.contextmanager
def impostor(folder: Path, answer: bytes, *, host: str = HOST, hasty: bool = False) -> Iterator[ScannerAgent]:
    """An agent that reads one request, or if `hasty` only its beginning, gives `answer` and closes."""
    server, client = Authority("server CA"), Authority("client CA")
    context = tls.server_context(server.issue(folder / "server", [host], peer=client), require_client=True).context
    pair = client.issue(folder / "client", ["app"], peer=server)
    with socket.create_server(("127.0.0.1", 0)) as listening:
        thread = threading.Thread(target=_answer_once, args=(listening, context, answer, hasty))
        thread.start()
        yield ScannerAgent(f"https://{HOST}:{listening.getsockname()[1]}", mutual(pair))
        thread.join()


def _answer_once(listening: socket.socket, context: ssl.SSLContext, answer: bytes, hasty: bool) -> None:  # noqa: FBT001 - a thread's arguments
    connection, _ = listening.accept()
    with contextlib.suppress(OSError), connection, context.wrap_socket(connection, server_side=True) as secured:
        received = secured.recv(4096)
        while not hasty and not received.endswith(b"0\r\n\r\n"):
            received += secured.recv(4096)
        secured.sendall(answer)


def http_answer(status: str, body: object) -> bytes:
    text = json.dumps(body).encode()
    return b"HTTP/1.1 %s\r\nContent-Length: %d\r\n\r\n%s" % (status.encode(), len(text), text)


ANSWERS = [
    http_answer("503 Service Unavailable", {"error": "busy"}),
    http_answer("200 OK", {"verdict": "probably clean"}),
    http_answer("200 OK", ["clean"]),
    http_answer("404 Not Found", CLEAN),
    b'HTTP/1.1 200 OK\r\nContent-Length: 500\r\n\r\n{"verdict": "clean"',
    b"HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\nclean",
    b"220 ready\r\n",
    b"",
]


@pytest.mark.parametrize("answer", ANSWERS)
def test_answer_that_is_not_a_verdict_is_none(tmp_path: Path, answer: bytes) -> None:
    with impostor(tmp_path, answer) as agent, pytest.raises(ScannerUnavailable):
        agent.scan([b"x"])


def test_clean_before_the_whole_content_was_sent_is_not_believed(tmp_path: Path) -> None:
    with impostor(tmp_path, http_answer("200 OK", CLEAN), hasty=True) as agent, pytest.raises(ScannerUnavailable):
        agent.scan(bytes(65_536) for _ in range(2000))


def test_agent_under_another_name_is_not_spoken_to(tmp_path: Path) -> None:
    with (
        impostor(tmp_path, http_answer("200 OK", CLEAN), host="scanner.kz-other.svc") as agent,
        pytest.raises(ScannerUnavailable),
    ):
        agent.scan([b"x"])


@pytest.mark.parametrize("published", ["", "yesterday", "2026-04-01T00:00:00", None, 5])
def test_clean_without_a_known_age_is_undated(tmp_path: Path, published: object) -> None:
    with impostor(tmp_path, http_answer("200 OK", CLEAN | {"signature_published": published})) as agent:
        assert agent.scan([b"x"]).signature_published is None

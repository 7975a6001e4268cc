"""`kozutumi send`, `receive` and `status` as programs of their own, against the real app and store, killed on the way."""

from __future__ import annotations

import os
import subprocess
import sys
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
import sqlalchemy as sa

from app_fixtures import RunningApp, running_app
from builders import ADMINISTRATOR, MarkerScanner, MovableClock, code, link_id, outbox
from kozutumi_app.adapters.database.schema import download_sessions, files, transfers
from kozutumi_app.use_cases import sessions, tokens
from kozutumi_app.use_cases.upload_receiving import SEGMENT_BYTES
from scanner_fixtures import wait_until
from storage_fixtures import running_storage

RECIPIENT = "customer@outside.test"
SIZE = 40 * 2**20 + 1
LITTLE = 2 * SEGMENT_BYTES
_PROGRAM = "from kozutumi_cli.main import main; main()"


@dataclass
class Terminal:
    app: RunningApp
    home: Path
    token: str

    def start(self, *arguments: str, **environment: str) -> subprocess.Popen[str]:
        every = {
            "PATH": os.environ["PATH"],
            "PYTHONPATH": os.environ.get("PYTHONPATH", ""),
            "HOME": str(self.home),
            "KOZUTUMI_URL": self.app.url,
            "KOZUTUMI_CA": str(self.app.ca),
            "KOZUTUMI_TOKEN": self.token,
            "LANG": "C.UTF-8",
        }
        return subprocess.Popen(  # noqa: S603 - our own program
            [sys.executable, "-c", _PROGRAM, *arguments],
            env=every | environment,
            cwd=self.home,
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
        )

    def run(self, *arguments: str, answer: str = "", status: int = 0, **environment: str) -> tuple[str, str]:
        process = self.start(*arguments, **environment)
        out, err = process.communicate(answer, timeout=300)
        assert process.returncode == status, err
        return out, err

    def killed(self, process: subprocess.Popen[str]) -> None:
        assert process.poll() is None, "it ended before it was killed"
        process.kill()
        process.communicate()

    @contextmanager
    def held(self, act: str) -> Iterator[None]:
        """The store puts or gets so much and then nothing more, until the block ends: who waits for it is not done."""
        blobs, go_on, moved = self.app.services.blobs, threading.Event(), 0
        real = getattr(blobs, act)

        def little(*given: Any, **where: Any) -> Any:
            nonlocal moved
            if moved > LITTLE:
                go_on.wait()
            got = real(*given, **where)
            moved += len(given[1] if got is None else got)
            return got

        with pytest.MonkeyPatch.context() as patched:
            patched.setattr(blobs, act, little)
            try:
                yield
            finally:
                go_on.set()


@pytest.fixture
def terminal(tmp_path: Path) -> Iterator[Terminal]:
    scanner = MarkerScanner(MovableClock(datetime.now(UTC)))
    with running_storage() as storage, running_app(storage, scanner) as app:
        administrator = sessions.find(app.services, app.administrator)
        assert administrator is not None
        made = tokens.issue(app.services, administrator, name="cli", scopes=["transfers:write"], days=1)
        yield Terminal(app, tmp_path, made.token or "")


def content(folder: Path) -> Path:
    path = folder / "見積書 №1.bin"
    path.write_bytes(os.urandom(2**20) * (SIZE // 2**20) + b"!")
    return path


def one(terminal: Terminal, query: sa.Select[Any]) -> int:
    with terminal.app.services.database.read() as tx:
        return int(tx.execute(query).scalar_one() or 0)


def test_killed_while_it_sends_and_while_it_receives_it_goes_on(terminal: Terminal) -> None:
    path, services = content(terminal.home), terminal.app.services
    arguments = ("send", str(path), "--to", RECIPIENT, "--subject", "見積もり", "--downloads", "1")
    with terminal.held("put"):
        sending = terminal.start(*arguments)
        wait_until(lambda: one(terminal, sa.select(sa.func.max(files.c.offset))) > 0, lambda: "nothing arrived")
        terminal.killed(sending)
    out, err = terminal.run(*arguments)
    assert "Going on with" in err
    transfer_id = out.strip()
    assert one(terminal, sa.select(sa.func.count()).select_from(transfers)) == 1
    assert one(terminal, sa.select(sa.func.count()).select_from(files)) == 1

    wait_until(lambda: any(mail.to == RECIPIENT for mail in outbox(services).mails), lambda: "nothing was mailed")
    link = f"{terminal.app.url}/r/{link_id(outbox(services).last_to(RECIPIENT))}"
    receiving = terminal.start("receive", link, "-o", "in")
    assert receiving.stdin is not None
    wait_until(lambda: len([mail for mail in outbox(services).mails if mail.to == RECIPIENT]) > 1, lambda: "no code")
    part = terminal.home / "in" / f"{path.name}.kozutumi-part"
    with terminal.held("get"):
        receiving.stdin.write(code(outbox(services).last_to(RECIPIENT)) + "\n")
        receiving.stdin.flush()
        wait_until(lambda: part.exists() and part.stat().st_size > 0, lambda: "nothing was received")
        terminal.killed(receiving)
    had = part.stat().st_size
    assert 0 < had < SIZE
    _, err = terminal.run("receive", link, "-o", "in")
    assert "Received" in err
    assert (terminal.home / "in" / path.name).read_bytes() == path.read_bytes()
    assert not part.exists()
    assert one(terminal, sa.select(sa.func.sum(download_sessions.c.bytes_sent))) < 2 * SIZE
    assert "Already here" in terminal.run("receive", link, "-o", "in")[1]

    out, _ = terminal.run("status", transfer_id)
    assert RECIPIENT in out
    assert "all" in out
    assert transfer_id in terminal.run("status")[0]


def test_a_folder_keeps_its_shape_and_a_damaged_part_is_found(terminal: Terminal) -> None:
    services = terminal.app.services
    for name in ("案件/図面/a.txt", "案件/b.txt"):
        (terminal.home / name).parent.mkdir(parents=True, exist_ok=True)
        (terminal.home / name).write_text(name * 3, encoding="utf-8")
    terminal.run("send", "案件", "--to", RECIPIENT)
    wait_until(lambda: any(mail.to == RECIPIENT for mail in outbox(services).mails), lambda: "nothing was mailed")
    link = f"{terminal.app.url}/r/{link_id(outbox(services).last_to(RECIPIENT))}"
    damaged = terminal.home / "in/案件/b.txt.kozutumi-part"
    damaged.parent.mkdir(parents=True)
    damaged.write_bytes(b"x" * (terminal.home / "案件/b.txt").stat().st_size)
    receiving = terminal.start("receive", link, "-o", "in")
    wait_until(lambda: len([mail for mail in outbox(services).mails if mail.to == RECIPIENT]) > 1, lambda: "no code")
    _, err = receiving.communicate(code(outbox(services).last_to(RECIPIENT)) + "\n", timeout=300)
    assert receiving.returncode == 1
    assert "SHA-256" in err
    terminal.run("receive", link, "-o", "in")
    for name in ("案件/図面/a.txt", "案件/b.txt"):
        assert (terminal.home / "in" / name).read_bytes() == (terminal.home / name).read_bytes()


def test_what_needs_an_account_opens_with_its_token_and_shows_it_to_no_other_host(terminal: Terminal) -> None:
    services = terminal.app.services
    (terminal.home / "a.txt").write_text("給与明細", encoding="utf-8")
    terminal.run("send", "a.txt", "--to", ADMINISTRATOR)
    wait_until(lambda: "/r/" in outbox(services).last_to(ADMINISTRATOR).text, lambda: "nothing was mailed")
    with services.database.write() as tx:
        tx.execute(sa.update(transfers).values(authentication="Account"))
    link = f"{terminal.app.url}/r/{link_id(outbox(services).last_to(ADMINISTRATOR))}"
    refused = terminal.run("receive", link, status=1, KOZUTUMI_URL="https://elsewhere.test")[1]
    assert "need your account" in refused
    assert "token" in terminal.run("receive", link, status=1, KOZUTUMI_TOKEN="")[1]
    terminal.run("receive", link, "-o", "in")
    assert (terminal.home / "in/a.txt").read_text(encoding="utf-8") == "給与明細"


def test_it_says_what_is_wrong_in_one_line(terminal: Terminal) -> None:
    (terminal.home / "a.txt").write_text("a")
    send = ("send", "a.txt", "--to", RECIPIENT)
    assert "The token is not valid" in terminal.run(*send, status=1, KOZUTUMI_TOKEN="kzp_none")[1]
    assert "e-mail address" in terminal.run("send", "a.txt", "--to", "nobody", status=1)[1]
    assert "no file or folder" in terminal.run("send", "b.txt", "--to", RECIPIENT, status=1)[1]
    assert "KOZUTUMI_URL" in terminal.run(*send, status=1, KOZUTUMI_URL="http://insecure.test")[1]
    assert "no link" in terminal.run("receive", "https://acme.test/transfers", status=1)[1]

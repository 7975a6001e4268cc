"""The mail adapter against a relay with real TLS."""

from __future__ import annotations

import ssl
from pathlib import Path

import pytest

from builders import MovableClock, make_settings
from certificates import Authority
from kozutumi_app.adapters.mail import SmtpMailer
from kozutumi_app.domain.ports import Mail
from kozutumi_app.errors import MailRefused, MailUnavailable
from kozutumi_contract import tls
from kozutumi_contract.settings import SettingsError
from smtp_sink import Sink

MAIL = Mail("客@outside.test", "件名です", "本文\n", "<p>本文</p>", "k1")


@pytest.fixture
def authority() -> Authority:
    return Authority("platform")


@pytest.fixture
def relay_context(authority: Authority, tmp_path: Path) -> ssl.SSLContext:
    return tls.server_context(authority.issue(tmp_path / "relay", ["localhost"]), require_client=False).context


def mailer(
    authority: Authority, folder: Path, sink: Sink, host: str = "localhost", mode: str = "starttls"
) -> SmtpMailer:
    (folder / "ca.crt").write_bytes(authority.pem)
    settings = make_settings(smtp_host=host, smtp_port=sink.port, smtp_tls=mode)
    return SmtpMailer(settings, tls.client_context(folder / "ca.crt").context, MovableClock())


@pytest.mark.parametrize("mode", ["starttls", "implicit"])
def test_a_message_arrives_over_tls(
    authority: Authority, relay_context: ssl.SSLContext, tmp_path: Path, mode: str
) -> None:
    with Sink(relay_context, implicit=mode == "implicit").running() as sink:
        mailer(authority, tmp_path, sink, mode=mode).send(MAIL)
    message = sink.messages[0]
    assert message["Subject"] == "件名です"
    assert message["Message-ID"] == "<k1@kozutumi.test>"
    body = message.get_body(("plain",))
    assert body is not None
    assert body.get_content().strip() == "本文"
    assert set(sink.plain_commands) <= {"EHLO", "STARTTLS"}


def test_nothing_is_sent_to_a_relay_that_offers_no_tls(
    authority: Authority, relay_context: ssl.SSLContext, tmp_path: Path
) -> None:
    with Sink(relay_context, offers_starttls=False).running() as sink, pytest.raises(MailUnavailable):
        mailer(authority, tmp_path, sink).send(MAIL)
    assert sink.messages == []
    assert "MAIL" not in sink.plain_commands


def test_nothing_is_sent_to_a_relay_of_another_name_or_authority(
    authority: Authority, relay_context: ssl.SSLContext, tmp_path: Path
) -> None:
    with Sink(relay_context).running() as sink:
        with pytest.raises(MailUnavailable):
            mailer(authority, tmp_path, sink, host="127.0.0.1").send(MAIL)
        with pytest.raises(MailUnavailable):
            mailer(Authority("other"), tmp_path, sink).check()
    assert sink.messages == []


@pytest.mark.parametrize(
    ("command", "answer", "error"),
    [
        ("RCPT", "550 no such user", MailRefused),
        ("RCPT", "451 try again", MailUnavailable),
        ("MAIL", "421 closing", MailUnavailable),
    ],
)
def test_refusals_for_good_and_for_now_are_told_apart(
    authority: Authority,
    relay_context: ssl.SSLContext,
    tmp_path: Path,
    command: str,
    answer: str,
    error: type[Exception],
) -> None:
    with Sink(relay_context, refuse={command: answer}).running() as sink, pytest.raises(error):
        mailer(authority, tmp_path, sink).send(MAIL)


def test_a_relay_that_is_down_is_unavailable(
    authority: Authority, relay_context: ssl.SSLContext, tmp_path: Path
) -> None:
    with Sink(relay_context).running() as sink:
        gone = mailer(authority, tmp_path, sink)
        gone.check()
    with pytest.raises(MailUnavailable):
        gone.send(MAIL)


def test_there_is_no_mode_without_tls(authority: Authority, tmp_path: Path) -> None:
    with pytest.raises(SettingsError):
        mailer(authority, tmp_path, Sink(ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)), mode="none")

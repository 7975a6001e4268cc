"""The SMTP relay, over TLS that is always verified against the platform CA (RFC 8314: implicit, or STARTTLS required)."""

from __future__ import annotations

import re
import smtplib
import ssl
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Final

from kozutumi_app.adapters import mail_message
from kozutumi_app.domain.ports import Clock, Mail
from kozutumi_app.errors import MailDeferred, MailRefused, MailUnavailable
from kozutumi_contract.settings import AppSettings, SettingsError

_TIMEOUT_SECONDS: Final = 15.0
_PERMANENT: Final = range(500, 600)
_MODES: Final = ("starttls", "implicit")
_NO_SMTPUTF8: Final = "5.6.7"  # RFC 6531 §3.2: the relay cannot take an address outside ASCII
_STATUS: Final = re.compile(rb"\s*([245]\.\d{1,3}\.\d{1,3})\b")


class SmtpMailer:
    """Sends one message per connection, from a worker thread. The standard library's client closes what it opens, also on errors."""

    def __init__(self, settings: AppSettings, context: ssl.SSLContext, clock: Clock) -> None:
        if settings.smtp_tls not in _MODES:
            raise SettingsError(f"KOZUTUMI_SMTP_TLS={settings.smtp_tls!r} is none of {', '.join(_MODES)}")
        self._settings = settings
        self._context = context
        self._clock = clock

    def send(self, mail: Mail) -> None:
        recipient = mail_message.on_the_wire(mail.to)
        message = mail_message.compose(mail, self._settings.mail_from, self._clock.now())
        sender = mail_message.envelope_sender(mail, self._settings)
        with self._connected() as client:
            reports = client.has_extn("dsn")  # RFC 3461
            try:
                client.send_message(
                    message,
                    sender,
                    [recipient],
                    mail_options=["RET=HDRS", f"ENVID={mail.key}"] if reports else [],
                    rcpt_options=["NOTIFY=FAILURE,DELAY"] if reports else [],
                )
            except smtplib.SMTPRecipientsRefused as error:
                code, text = next(iter(error.recipients.values()))
                raise _refusal(code, text) from error
            except smtplib.SMTPDataError as error:
                raise _refusal(error.smtp_code, error.smtp_error) from error
            except smtplib.SMTPNotSupportedError as error:
                raise MailRefused(_NO_SMTPUTF8) from error

    def check(self) -> None:
        with self._connected() as client:
            client.noop()

    @contextmanager
    def _connected(self) -> Iterator[smtplib.SMTP]:
        try:
            with self._client() as client:
                if self._settings.smtp_tls == "starttls":
                    client.starttls(context=self._context)
                client.ehlo_or_helo_if_needed()
                yield client
        except OSError as error:  # every error of smtplib and ssl is one
            raise MailUnavailable from error

    def _client(self) -> smtplib.SMTP:
        host, port = self._settings.smtp_host, self._settings.smtp_port
        if self._settings.smtp_tls == "implicit":
            return smtplib.SMTP_SSL(host, port, timeout=_TIMEOUT_SECONDS, context=self._context)
        return smtplib.SMTP(host, port, timeout=_TIMEOUT_SECONDS)


def _refusal(code: int, text: bytes | str) -> MailRefused | MailDeferred:
    """Tell for good from for now (RFC 5321 §4.2.1); the enhanced code where there is one (RFC 2034)."""
    if code not in _PERMANENT:
        return MailDeferred()
    found = _STATUS.match(text.encode() if isinstance(text, str) else text)
    return MailRefused(found[1].decode() if found else "5.0.0")

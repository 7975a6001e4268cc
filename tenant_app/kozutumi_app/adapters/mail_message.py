"""A mail as RFC 5322 wants it, and its addresses as they go over the wire."""

from __future__ import annotations

import unicodedata
from datetime import datetime
from email.header import Header
from email.headerregistry import Address
from email.message import EmailMessage
from email.policy import EmailPolicy
from email.utils import format_datetime, parseaddr
from typing import Any, Final

from email_validator import EmailNotValidError, validate_email

from kozutumi_app.domain.ports import Mail
from kozutumi_app.errors import MailRefused
from kozutumi_contract import return_path
from kozutumi_contract.settings import AppSettings

_BAD_ADDRESS: Final = "5.1.3"  # RFC 3463: bad destination mailbox address syntax
_SPECIALS: Final = frozenset('"\\<>()[]:;@,')  # RFC 5322 §3.2.3; an encoded word does not protect them everywhere
_LONGEST_NAME: Final = 100
_LINE: Final = 76


class _Policy(EmailPolicy):
    """Encodes the words of a header outside ASCII all together (RFC 2047): the default way adds spaces inside words."""

    def fold(self, name: str, value: Any) -> str:
        if self.utf8 or str(value).isascii():
            return str(super().fold(name, value))
        return self._encoded(name, value)

    def fold_binary(self, name: str, value: Any) -> bytes:
        if self.utf8 or str(value).isascii():
            return bytes(super().fold_binary(name, value))
        return self._encoded(name, value).encode("ascii")

    def _encoded(self, name: str, value: Any) -> str:
        words, address = str(value), ""
        if name == "From":
            words, address = value.addresses[0].display_name, f"\n <{value.addresses[0].addr_spec}>"
        encoded = Header(words, "utf-8", maxlinelen=_LINE, header_name=name).encode() + address
        return self.linesep.join(f"{name}: {encoded}".split("\n")) + self.linesep


def on_the_wire(address: str) -> str:
    """The domain as A-labels (RFC 5890), so that only a local part outside ASCII needs SMTPUTF8. MailRefused if it is none."""
    try:
        checked = validate_email(address, check_deliverability=False, test_environment=True, allow_quoted_local=True)
    except EmailNotValidError:
        raise MailRefused(_BAD_ADDRESS) from None
    return f"{checked.local_part}@{checked.ascii_domain}"


def envelope_sender(mail: Mail, settings: AppSettings) -> str:
    """Where a report goes: to an address that names the mail, if the platform takes reports, else to the From address."""
    if not settings.bounce_address:
        return parseaddr(settings.mail_from)[1]
    return return_path.address(settings.bounce_address, settings.service_code, mail.key)


def compose(mail: Mail, mail_from: str, now: datetime) -> EmailMessage:
    """Build the message. No value can add a header or a line: EmailMessage refuses line ends, and bodies are encoded."""
    sender = parseaddr(mail_from)[1]
    message = EmailMessage(policy=_Policy())
    message["From"] = _addressed(display_name(mail.sender), sender)
    message["To"] = _addressed("", on_the_wire(mail.to))
    message["Subject"] = mail.subject
    message["Date"] = format_datetime(now)
    message["Message-ID"] = f"<{mail.key}@{sender.rpartition('@')[2]}>"
    message["Auto-Submitted"] = "auto-generated"  # RFC 3834: no out-of-office answers
    message["X-Auto-Response-Suppress"] = "All"  # the same, for Exchange
    message.set_content(mail.text, cte=_encoding(mail.text))
    message.add_alternative(mail.html, subtype="html", cte=_encoding(mail.html))
    return message


def display_name(name: str) -> str:
    """`name` as NFC without what has a meaning in an address, on one line, of a length that fits."""
    plain = "".join(" " if c in _SPECIALS or not c.isprintable() else c for c in unicodedata.normalize("NFC", name))
    return " ".join(plain.split())[:_LONGEST_NAME].rstrip()


def _addressed(name: str, address: str) -> Address:
    local, _, domain = address.rpartition("@")
    return Address(display_name=name, username=local, domain=domain)


def _encoding(text: str) -> str:
    """Never 8 bit and never a line over 76 characters (RFC 2045 §6.7, §6.8), whatever the relays on the way can do."""
    return "quoted-printable" if text.isascii() else "base64"

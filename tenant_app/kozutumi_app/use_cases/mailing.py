"""Worker of job `mail`, whose subjects are `<kind>:<row id>`.

A mail may be written and sent more than once: when the app is killed, or the connection to the relay is cut before its
answer. So its Message-ID is derived from the asking (a job's `occasion`), and mail systems show such a double once.
"""

from __future__ import annotations

import base64
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Final

import sqlalchemy as sa

from kozutumi_app.adapters import mail_templates
from kozutumi_app.adapters.database.schema import jobs
from kozutumi_app.domain import mail_rules
from kozutumi_app.domain.mail_rules import MailState
from kozutumi_app.domain.ports import Mail
from kozutumi_app.errors import MailDeferred, MailRefused, MailUnavailable
from kozutumi_app.services import Services
from kozutumi_app.use_cases import mail_records
from kozutumi_app.use_cases.mails import accounts, approvals, quarantine, requests, sending, transfers
from kozutumi_app.use_cases.mails.writing import Letter, Writer

KIND: Final = "mail"
WRITERS: Final[dict[str, Writer]] = {
    **accounts.WRITERS,
    **approvals.WRITERS,
    **quarantine.WRITERS,
    **requests.WRITERS,
    **sending.WRITERS,
    **transfers.WRITERS,
}
_KEY_BYTES: Final = 16


@dataclass(frozen=True, slots=True)
class _Asking:
    occasion: str
    asked_at: datetime


def send(services: Services, subject_id: str) -> None:
    """Write and send one mail, if it is still wanted; raises MailUnavailable to be run again."""
    kind, _, row_id = subject_id.partition(":")
    letter = WRITERS[kind](services, row_id)
    if letter is None:
        return
    asking = _asking(services, subject_id)
    mail = _rendered(services, kind, letter, _key(services, subject_id, asking.occasion))
    state, status = _sent(services, mail, services.clock.now() - asking.asked_at)
    with services.database.write() as tx:
        record = mail_records.Record(mail.key, kind, row_id, letter)
        mail_records.keep(tx, services, record, state, status)


def _sent(services: Services, mail: Mail, age: timedelta) -> tuple[MailState, str | None]:
    try:
        services.mailer.send(mail)
    except MailRefused as error:
        return MailState.REFUSED, error.smtp_status
    except MailUnavailable as error:
        if mail_rules.is_given_up(age):
            return MailState.GIVEN_UP, None
        if isinstance(error, MailDeferred):
            raise MailDeferred(retry_after=mail_rules.retry_seconds(age)) from error
        raise
    return MailState.SENT, None


def _asking(services: Services, subject_id: str) -> _Asking:
    query = sa.select(jobs.c.occasion, jobs.c.asked_at).where(jobs.c.kind == KIND, jobs.c.subject_id == subject_id)
    with services.database.read() as tx:
        row = tx.execute(query).one_or_none()
    now = services.clock.now()
    return _Asking((row and row.occasion) or "", (row and row.asked_at) or now)


def _key(services: Services, subject_id: str, occasion: str) -> str:
    """26 characters of base32, as ids are; keyed, so that nobody can name a mail that they did not get."""
    digest = services.columns.index("mail", f"{subject_id} {occasion}")
    return base64.b32encode(digest[:_KEY_BYTES]).decode("ascii").rstrip("=").lower()


def _rendered(services: Services, kind: str, letter: Letter, key: str) -> Mail:
    settings = services.settings
    organization = settings.display_name_ja if letter.locale == "ja" else settings.display_name_en
    values = {**letter.values, "organization": organization}
    return mail_templates.render(kind, letter.locale, to=letter.to, key=key, values=values)

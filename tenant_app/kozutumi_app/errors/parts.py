"""Parts that are down, and what only a use case answers for."""

from __future__ import annotations

from kozutumi_app.errors.base import KozutumiError, Unavailable


class DatabaseUnavailable(Unavailable):
    code = "database_unavailable"
    title = "The database is busy or not available. Nothing was lost; please try again shortly."


class KeysOutOfDate(Unavailable):
    """The process has not loaded the key version that the organization's data is sealed with by now."""

    code = "keys_out_of_date"
    title = "Encryption keys are being renewed. Nothing was lost; please try again shortly."


class StorageUnavailable(Unavailable):
    code = "storage_unavailable"
    title = "The storage is not available. Nothing was lost; please try again shortly."


class ScannerUnavailable(Unavailable):
    code = "scanner_unavailable"
    title = "The virus scanner is not available. Files wait and are delivered once it is back."


class SignaturesStale(ScannerUnavailable):
    """The scanner answers, but by signatures too old (or of unknown age) for its "clean" to mean anything."""

    code = "signatures_stale"
    title = "The virus signatures are too old. Files wait until the scanner has newer ones."


class MailUnavailable(Unavailable):
    code = "mail_unavailable"
    title = "The mail relay is not available. Mail waits and is sent once it is back."


class MailDeferred(MailUnavailable):
    """The relay, or the recipient's side through it, does not take this one mail now."""

    code = "mail_deferred"
    title = "The mail is not accepted right now. It waits and is tried again."


class Draining(Unavailable):
    code = "draining"
    title = "The service is being stopped and accepts nothing new."


class ObjectMissing(KozutumiError):  # noqa: N818 - named for what happened, as the whole tree is
    code = "object_missing"
    title = "An object is not in the store."


class MailRefused(KozutumiError):  # noqa: N818 - named for what happened, as the whole tree is
    code = "mail_refused"
    title = "The relay refused the recipient for good."

    def __init__(self, status: str = "5.0.0") -> None:
        super().__init__(status)
        self.smtp_status = status  # RFC 3463

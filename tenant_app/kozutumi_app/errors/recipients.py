"""Refusals to who receives."""

from __future__ import annotations

from kozutumi_app.errors.base import Refused


class CodeWrong(Refused):
    status = 403
    code = "code_wrong"
    title = "The code is wrong."


class CodeExpired(Refused):
    status = 403
    code = "code_expired"
    title = "The code is no longer valid. Ask for a new one."


class CodeExhausted(Refused):
    status = 403
    code = "code_exhausted"
    title = "The code was entered wrongly too often. Ask for a new one."


class RecipientNotProven(Refused):
    status = 401
    code = "recipient_not_proven"
    title = "Please confirm your e-mail address first."


class DownloadsExhausted(Refused):
    status = 409
    code = "downloads_exhausted"
    title = "This file was already downloaded as often as its sender allowed."


class ArchiveNotReady(Refused):
    status = 409
    code = "archive_not_ready"
    title = "The files are being prepared for a download together. Please try again in a moment."


class PreconditionFailed(Refused):
    """RFC 9110 §13.1.1."""

    status = 412
    code = "precondition_failed"
    title = "The file is not the one that the download began with."


class TransferOver(Refused):
    status = 410
    code = "transfer_over"
    title = "The files are no longer available: they expired or the sender took them back."


class RangeNotSatisfiable(Refused):
    status = 416
    code = "range_not_satisfiable"
    title = "The requested range is outside the file."


class ProofTooWeak(Refused):
    status = 422
    code = "proof_too_weak"
    title = "The organization asks recipients for a stronger proof than this."


class OtherProofNeeded(Refused):
    """The link is opened in another way than the one that was tried."""

    status = 409
    code = "other_proof_needed"
    title = "These files are opened in another way. Please open the link again."


class PasswordWrong(Refused):
    status = 403
    code = "password_wrong"
    title = "The password is wrong."


class NotTheRecipient(Refused):
    status = 403
    code = "not_the_recipient"
    title = "These files are for another account than the one you are signed in with."

"""Refusals about transfers and their files."""

from __future__ import annotations

from kozutumi_app.errors.base import Refused


class TransferClosed(Refused):
    status = 409
    code = "transfer_closed"
    title = "The transfer no longer accepts this."


class NotDeliverable(Refused):
    status = 409
    code = "not_deliverable"
    title = "The transfer cannot be sent: a file is missing, unfinished or was refused by the scanner."


class RecipientRefused(Refused):
    status = 422
    code = "recipient_refused"
    title = "The organization does not allow sending to this address."


class ReleaseNotAllowed(Refused):
    status = 403
    code = "release_not_allowed"
    title = "The organization's policy does not allow releasing files that could not be scanned."


class NotReleasable(Refused):
    """Infected, damaged, scanned meanwhile, released before, or its transfer is over."""

    status = 409
    code = "not_releasable"
    title = "This cannot be done with this file: it is infected or damaged, or it no longer waits."


class AlreadyRecipient(Refused):
    status = 409
    code = "already_recipient"
    title = "This person already receives the transfer."


class LastRecipient(Refused):
    status = 409
    code = "last_recipient"
    title = "A transfer keeps at least one recipient. Cancel it or take the files back instead."

"""Refusals about accounts, and about what the provider asks an organization for."""

from __future__ import annotations

from kozutumi_app.errors.base import Refused


class WrongPassword(Refused):
    status = 401
    code = "wrong_password"
    title = "The e-mail address or the password is wrong."


class WeakPassword(Refused):
    status = 422
    code = "weak_password"
    title = "Choose another password: at least 12 characters, not a common one, without your name or address."


class InvitationExpired(Refused):
    status = 410
    code = "invitation_expired"
    title = "This invitation is no longer valid. Ask an administrator for a new one."


class UserQuotaExceeded(Refused):
    status = 409
    code = "user_quota_exceeded"
    title = "The organization has reached its number of users."


class LastAdministrator(Refused):
    status = 409
    code = "last_administrator"
    title = "The last administrator cannot be disabled."


class ChangeClosed(Refused):
    status = 409
    code = "change_closed"
    title = "This change was decided before, or is no longer asked for."

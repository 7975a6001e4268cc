"""Refusals to a guest who was asked for files."""

from __future__ import annotations

from kozutumi_app.errors.base import Refused


class RequestOver(Refused):
    """A receive request that was answered, closed or has expired."""

    status = 410
    code = "request_over"
    title = "This request takes no files any more: it was answered, closed, or its time is over."


class RequestLimit(Refused):
    status = 413
    code = "request_limit"
    title = "That is more than was asked for."


class GuestNotProven(Refused):
    status = 401
    code = "guest_not_proven"
    title = "Please confirm your e-mail address first."

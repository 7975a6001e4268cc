"""Refusals by an organization's own rules."""

from __future__ import annotations

from kozutumi_app.errors.base import Refused


class TypeRefused(Refused):
    status = 422
    code = "type_refused"
    title = "Your organization's policy does not allow files of this type."


class NetworkNotAllowed(Refused):
    status = 403
    code = "network_not_allowed"
    title = "Your organization does not allow you to sign in from this network."


class TransferAllowanceUsed(Refused):
    status = 413
    code = "transfer_allowance_used"
    title = "The organization has sent as much as it may in this month."


class ApprovalNeeded(Refused):
    status = 409
    code = "approval_needed"
    title = "An approver would have to agree to this. Send a new transfer instead."


class NotApprover(Refused):
    status = 403
    code = "not_approver"
    title = "Somebody else has to decide on this transfer."


class ApprovalClosed(Refused):
    status = 409
    code = "approval_closed"
    title = "This was decided before, or is no longer asked for."

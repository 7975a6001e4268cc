"""Who asks, and how: refusals that any request may meet."""

from __future__ import annotations

from kozutumi_app.errors.base import Refused


class NotFound(Refused):
    status = 404
    code = "not_found"
    title = "This page does not exist, or it is not yours to see."


class NotSignedIn(Refused):
    status = 401
    code = "not_signed_in"
    title = "Please sign in."


class TokenInvalid(Refused):
    """Never issued here, expired, revoked, its account disabled, or from a network not allowed: one answer for all."""

    status = 401
    code = "token_invalid"
    title = "The token is not valid, or not from this network."


class ScopeMissing(Refused):
    status = 403
    code = "scope_missing"
    title = "The token may not do this."


class ClientNotAllowed(Refused):
    """An address outside spec.endpoint.allowedCIDRs, behind a gateway."""

    status = 403
    code = "client_not_allowed"
    title = "This service cannot be used from your network."


class CsrfFailed(Refused):
    status = 403
    code = "csrf_failed"
    title = "The request did not come from this site's own page. Please reload and try again."


class NotAllowed(Refused):
    status = 403
    code = "not_allowed"
    title = "Only an administrator of the organization may do this."


class InvalidInput(Refused):
    status = 422
    code = "invalid_input"
    title = "Something in the form is missing or wrong."


class RateLimited(Refused):
    status = 429
    code = "rate_limited"
    title = "Too many attempts. Please wait a moment."


class BodyTooLarge(Refused):
    status = 413
    code = "body_too_large"
    title = "The request is too large."


class IdempotencyKeyReused(Refused):
    status = 422
    code = "idempotency_key_reused"
    title = "This Idempotency-Key was used for another request."


class IdempotencyConflict(Refused):
    status = 409
    code = "idempotency_conflict"
    title = "The first request with this Idempotency-Key has not been answered."

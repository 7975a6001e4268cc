"""Errors that a person reads: one line that says what is wrong and what to do.

CliError
├── ConnectionLostError, RefusedError    in transfers.http: no answer, and the server's problem
├── KubectlError    kubectl failed or was refused; carries its own words
└── NotFoundError   the named organization, grant or file does not exist
"""

from __future__ import annotations


class CliError(Exception):
    """Shown as one line on standard error, exit status 1."""


class KubectlError(CliError):
    pass


class NotFoundError(CliError):
    pass

"""Whether an organization's audit log only ever grows, judged by the heads that the operator has pulled. Pure.

The app is asked along with its status which hash the last pulled event has now. One that has another hash, or is no
longer there, shows that the log was recomputed or put back: nobody but the operator need have noticed.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any

from kozutumi_operator.organizations.reasons import Reason


@dataclass(frozen=True, slots=True)
class Head:
    """The newest event: sequence number and hash in hex."""

    sequence: int
    hash: str


@dataclass(frozen=True, slots=True)
class Pulled:
    """What the app told.

    `then`: the hash that the last pulled event has now, "" where it is not in the log; None: an app of an older
    release, which does not tell. `key`: SHA-256 of the key it signs with.
    """

    head: Head
    then: str | None = None
    key: str = ""


@dataclass(frozen=True, slots=True)
class Watched:
    """`lost`: the head that the log no longer holds, and `why`; kept until somebody acknowledges it by its hash."""

    head: Head | None = None
    lost: Head | None = None
    why: Reason | None = None
    key: str = ""


def judge(before: Watched, pulled: Pulled) -> Watched:
    """What is known after a look. The first loss stays: what comes after it may be of the same making."""
    known = replace(before, head=pulled.head, key=pulled.key or before.key)
    why = _fault(before.head, pulled)
    if why is None or before.lost is not None:
        return known
    return replace(known, lost=before.head, why=why)


def acknowledged(watched: Watched, digest: str) -> Watched:
    """Take note that a person has looked into the loss of the head with this hash."""
    lost = watched.lost
    return replace(watched, lost=None, why=None) if lost is not None and lost.hash == digest else watched


def recorded(status: Mapping[str, Any]) -> Watched:
    """What status.audit says, for an operator that has just started."""
    audit = status.get("audit") or {}
    lost = audit.get("lost") or {}
    why = lost.get("reason")
    return Watched(
        head=_head(audit),
        lost=_head(lost),
        why=Reason(why) if why in (Reason.AUDIT_WENT_BACK, Reason.AUDIT_FORKED) else None,
        key=str(audit.get("key") or ""),
    )


def render(watched: Watched) -> dict[str, Any] | None:
    """status.audit."""
    if watched.head is None:
        return None
    rendered: dict[str, Any] = {"sequence": watched.head.sequence, "hash": watched.head.hash}
    if watched.key:
        rendered["key"] = watched.key
    if watched.lost is not None and watched.why is not None:
        rendered["lost"] = {
            "sequence": watched.lost.sequence,
            "hash": watched.lost.hash,
            "reason": str(watched.why),
        }
    return rendered


def _fault(last: Head | None, pulled: Pulled) -> Reason | None:
    if last is None:
        return None
    if pulled.head.sequence < last.sequence:
        return Reason.AUDIT_WENT_BACK
    now = pulled.head.hash if pulled.head.sequence == last.sequence else pulled.then
    return Reason.AUDIT_FORKED if now not in (None, last.hash) else None


def _head(document: Mapping[str, Any]) -> Head | None:
    sequence, digest = document.get("sequence"), document.get("hash")
    return Head(sequence, digest) if isinstance(sequence, int) and isinstance(digest, str) else None

"""What clamd's answer to INSTREAM means. The one place where "clean" is decided."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final, Literal

_PREFIX: Final = "stream: "
_FOUND: Final = " FOUND"
_CLEAN: Final = "stream: OK"
# Alerts that say that clamd did not look inside: its own (AlertExceedsMax, AlertEncrypted), and those of
# `opaque.ndb` for what it would pass over in silence.
_UNSCANNABLE: Final = {
    "Heuristics.Limits.Exceeded": "exceeds_limits",
    "Heuristics.Encrypted": "encrypted",
    "Kozutumi.Opaque.Encrypted": "encrypted",
    "Kozutumi.Opaque": "unsupported_format",
}
# With one scan at a time nothing else fills the temporary folder, so trying again would end the same way.
_SIZE_ANSWERS: Final = (
    "INSTREAM size limit exceeded.",
    "Error writing to temporary file",
    "stream: Can't write to file ERROR",
)


@dataclass(frozen=True, slots=True)
class Verdict:
    """`signature` is clamd's name of what it found; `reason` says why a file is unscannable."""

    verdict: Literal["clean", "infected", "unscannable"]
    signature: str | None = None
    reason: str | None = None


@dataclass(frozen=True, slots=True)
class NoVerdict:
    """clamd said nothing that may be relied on. `too_large`: it had no room for the body."""

    message: str
    too_large: bool = False


def from_answer(answer: bytes) -> Verdict | NoVerdict:
    """Read one whole, NUL-terminated answer (clamd(8), "z" commands). Whatever is not understood is no verdict."""
    if not answer.endswith(b"\0") or answer.count(b"\0") != 1:
        return NoVerdict("clamd's answer was cut")
    text = answer[:-1].decode("utf-8", "replace")
    if text == _CLEAN:
        return Verdict("clean")
    if text.startswith(_PREFIX) and text.endswith(_FOUND):
        return _found(text[len(_PREFIX) : -len(_FOUND)])
    if text.startswith(_SIZE_ANSWERS):
        return NoVerdict("the file does not fit into the scanner's temporary storage", too_large=True)
    return NoVerdict("clamd could not scan the file")


def _found(signature: str) -> Verdict:
    for prefix, reason in _UNSCANNABLE.items():
        if signature == prefix or signature.startswith(prefix + "."):
            return Verdict("unscannable", signature, reason)
    return Verdict("infected", signature)

"""What states, roles and audit events are called, and what they mean for the reader."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

from kozutumi_app.web import i18n
from kozutumi_app.web.pages.event_names import EVENTS


def _(text: str) -> str:
    """Mark `text` for the catalogue; it is translated when it is shown."""
    return text


@dataclass(frozen=True, slots=True)
class Word:
    """`tone` picks a colour; the label alone says everything, so colour is never the only sign."""

    label: str
    meaning: str
    tone: str


_TRANSFERS: Final = {
    "Draft": Word(_("Draft"), _("Not sent yet. Add the files, then send."), "quiet"),
    "AwaitingFiles": Word(
        _("Checking files"),
        _("Every file is scanned for viruses. The recipients are told as soon as all files are clean."),
        "",
    ),
    "AwaitingApproval": Word(_("Waiting for approval"), _("An approver looks at the transfer first."), "warn"),
    "Held": Word(_("Held back"), _("It is delivered after the waiting time, so that a mistake can be undone."), "warn"),
    "Delivered": Word(_("Delivered"), _("The recipients have been told by e-mail and can download the files."), "good"),
    "Expired": Word(_("Expired"), _("The time is over; nobody can download the files any more."), "quiet"),
    "Recalled": Word(_("Recalled"), _("You took the files back; nobody can download them any more."), "quiet"),
    "Deleted": Word(_("Cancelled"), _("The transfer was cancelled; its files are gone."), "quiet"),
}
_BLOCKED: Final = Word(
    _("Not delivered"),
    _(
        "The scanner refused at least one file, so nothing was sent to anyone. Remove it, or cancel the transfer and send the other files anew."
    ),
    "bad",
)
_FILES: Final = {
    "Uploading": Word(_("Uploading"), _("Not complete yet."), ""),
    "Scanning": Word(_("Being scanned"), _("Stored encrypted; waiting for the virus scanner's verdict."), ""),
    "Clean": Word(_("Clean"), _("The virus scanner found nothing."), "good"),
    "Infected": Word(_("Virus found"), _("Nobody can open this file."), "bad"),
    "Unscannable": Word(
        _("Cannot be scanned"), _("Encrypted or too large for the scanner, so it is not delivered."), "bad"
    ),
    "Refused": Word(_("Kind of file not allowed"), _("The policy does not let files of this kind out."), "bad"),
    "Released": Word(
        _("Released unscanned"), _("No virus scanner looked inside; an administrator released it all the same."), "warn"
    ),
}
_REASONS: Final = {
    "exceeds_limits": _("It unpacks into more than the scanner looks at, or takes too long to look through."),
    "encrypted": _("It, or a file inside it, is encrypted or has a password."),
    "unsupported_format": _("It is, or contains, an archive of a kind that the scanner cannot open."),
    "too_large": _("It is larger than the scanner can take."),
    "timeout": _("The scanner gave no verdict in time. Scan it again."),
    "failed": _("The scanner broke off several times over this file."),
    "damaged": _("It is damaged in the storage. It must be sent again."),
}
_ROLES: Final = {"admin": _("Administrator"), "member": _("Member")}
_MAILS: Final = {
    "sent": Word(_("E-mail sent"), "", "quiet"),
    "delayed": Word(_("E-mail delayed"), _("The recipient's mail system has not taken it yet and tries on."), "warn"),
    "refused": Word(_("E-mail refused"), _("The recipient's mail system refused it. Is the address right?"), "bad"),
    "given_up": Word(_("E-mail not accepted"), _("It was tried for four days. Is the address right?"), "bad"),
    "bounced": Word(_("E-mail came back"), _("The recipient's mail system sent it back. Is the address right?"), "bad"),
}
_REQUESTS: Final = {
    "Open": Word(_("Open"), _("The guest can send files."), "good"),
    "Closed": Word(_("Closed"), _("The guest can send nothing more."), "quiet"),
    "Expired": Word(_("Expired"), _("The time is over. Change the end to let the guest send again."), "warn"),
}
_EXTENTS: Final = {"none": _("nothing yet"), "part": _("a part"), "all": _("everything")}
_OUTCOMES: Final = {
    "ok": _("done"),
    "clean": _("clean"),
    "infected": _("virus found"),
    "unscannable": _("cannot be scanned"),
}
_PROOFS: Final = {
    "Link": _("The link is enough"),
    "EmailCode": _("A one-time code by e-mail"),
    "Password": _("A password that I tell them"),
    "Account": _("Their account in this organization"),
}
_SCOPES: Final = {
    "transfers:read": _("See transfers"),
    "transfers:write": _("Send files, see and change transfers"),
    "requests:read": _("See requests for files"),
    "requests:write": _("Ask for files, see and change requests"),
    "audit:read": _("Read the audit log"),
    "admin": _("Manage members, groups and policies"),
}
_NOTIFY: Final = {
    "First": _("of the first download"),
    "Each": _("of each person's first download"),
    "Never": _("never"),
}
_CHANGES: Final = {
    "pending": Word(_("Waits for you"), "", "warn"),
    "confirmed": Word(_("Confirmed"), "", "good"),
    "refused": Word(_("Refused"), "", "bad"),
    "withdrawn": Word(_("Taken back"), "", "quiet"),
    "granted": Word(_("Let through by an access grant"), "", "warn"),
}
_APPROVALS: Final = {
    "Waiting": Word(_("Waits for a decision"), "", "warn"),
    "Agreed": Word(_("Agreed to"), "", "good"),
    "Refused": Word(_("Not agreed to"), "", "bad"),
    "Lapsed": Word(_("Nobody decided in time"), "", "quiet"),
    "Withdrawn": Word(_("No longer asked for"), "", "quiet"),
}
_FIELDS: Final = {
    "spec.administrators": _("First administrators"),
    "spec.authentication": _("Ways to sign in"),
    "spec.network.extraEgress": _("Other places that data may go to"),
    "spec.transfer.unscannable": _("Files that cannot be scanned"),
}
_UNITS: Final = {"seconds": _("seconds"), "minutes": _("minutes"), "hours": _("hours"), "days": _("days")}


class Words:
    """The tables above in one language. An unknown name is shown as it is."""

    def __init__(self, locale: str) -> None:
        self._locale = locale

    def _say(self, text: str) -> str:
        return i18n.translate(self._locale, text)

    def _word(self, word: Word) -> Word:
        return Word(self._say(word.label), self._say(word.meaning), word.tone)

    def transfer(self, state: str, *, blocked: bool = False) -> Word:
        return self._word(_BLOCKED if blocked else _TRANSFERS.get(state, Word(state, "", "quiet")))

    def file(self, state: str) -> Word:
        return self._word(_FILES.get(state, Word(state, "", "quiet")))

    def reason(self, reason: str) -> str:
        """Why a file could not be scanned."""
        return self._say(_REASONS.get(reason, reason))

    def role(self, role: str) -> str:
        return self._say(_ROLES.get(role, role))

    def extent(self, extent: str) -> str:
        """How much of a transfer has left for one recipient."""
        return self._say(_EXTENTS.get(extent, extent))

    def mail(self, state: str | None) -> Word | None:
        """What became of the mail to one recipient; None before it was tried."""
        return self._word(_MAILS.get(state, Word(state, "", "quiet"))) if state else None

    def request(self, state: str) -> Word:
        return self._word(_REQUESTS.get(state, Word(state, "", "quiet")))

    def proof(self, proof: str) -> str:
        """How recipients prove themselves (domain.authentication)."""
        return self._say(_PROOFS.get(proof, proof))

    def scope(self, scope: str) -> str:
        """What a token may do (domain.tokens)."""
        return self._say(_SCOPES.get(scope, scope))

    def notify(self, choice: str) -> str:
        return self._say(_NOTIFY.get(choice, choice))

    def unit(self, unit: str) -> str:
        """What a number is counted in (domain.quantities)."""
        return self._say(_UNITS[unit]) if unit in _UNITS else unit

    def approval(self, state: str) -> Word:
        """What became of a request for approval."""
        return self._word(_APPROVALS.get(state, Word(state, "", "quiet")))

    def change(self, state: str) -> Word:
        return self._word(_CHANGES.get(state, Word(state, "", "quiet")))

    def field(self, field: str) -> str:
        """What a field of the provider's manifest is about."""
        return self._say(_FIELDS.get(field, field))

    def event(self, type: str) -> str:
        return self._say(EVENTS.get(type, type))

    def outcome(self, outcome: str) -> str:
        """What came of it; a refusal with the error's code."""
        known = _OUTCOMES.get(outcome)
        return self._say(known) if known else f"{self._say(_('refused'))} ({outcome})"

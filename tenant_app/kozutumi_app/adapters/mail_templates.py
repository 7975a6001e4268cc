"""Turns a template and values into a mail. A template's first line is the subject; it never names a file.

The HTML part is made of the same words as the text: a block that is exactly the value `link` becomes a link and one
that is exactly the value `code` is set large. So no name or subject that somebody chose can become either.
"""

from __future__ import annotations

import unicodedata
from collections.abc import Mapping
from pathlib import Path
from typing import Final

from jinja2 import Environment, FileSystemLoader, StrictUndefined

from kozutumi_app.domain.ports import Mail

FOLDER: Final = Path(__file__).parent.parent / "mail_templates"
_TEXT: Final = Environment(loader=FileSystemLoader(FOLDER), undefined=StrictUndefined, autoescape=False)  # noqa: S701 - plain text
_HTML: Final = Environment(loader=FileSystemLoader(FOLDER), undefined=StrictUndefined, autoescape=True)
_JOINERS: Final = frozenset("\u200c\u200d")  # needed to write several languages
_LONGEST_SUBJECT: Final = 200
_LINKS: Final = frozenset({"link", "code"})  # values of ours, which are put into a mail as they are


def render(name: str, locale: str, *, to: str, key: str, values: Mapping[str, str]) -> Mail:
    """Values are put on one line each, so that a name cannot add lines to a mail or its headers."""
    flat = {field: _plain(field, value) for field, value in values.items()}
    subject, _, text = _TEXT.get_template(f"{name}.{locale}.txt").render(flat).partition("\n")
    blocks = [block.strip() for block in text.split("\n\n")]
    link, code = flat.get("link", ""), flat.get("code", "")
    shown = {"locale": locale, "subject": subject, "blocks": blocks, "link": link, "code": code}
    html = _HTML.get_template("layout.html").render(shown, organization=flat["organization"])
    return Mail(
        to=to,
        subject=subject.strip()[:_LONGEST_SUBJECT].rstrip(),
        text=text.strip() + "\n",
        html=html,
        key=key,
        sender=flat["organization"],
    )


def _plain(field: str, value: str) -> str:
    """NFC on one line, without control and direction characters; an address in it is no link to a mail program."""
    kept = (" " if c.isspace() or unicodedata.category(c) in {"Zl", "Zp"} else c for c in value)
    visible = "".join(c for c in kept if c in _JOINERS or unicodedata.category(c) not in {"Cc", "Cf", "Cs", "Co"})
    line = " ".join(unicodedata.normalize("NFC", visible).split())
    return line if field in _LINKS else line.replace("://", ": //").replace("www.", "www .")

from __future__ import annotations

import re

import pytest
from jinja2 import UndefinedError

from kozutumi_app.adapters import mail_templates
from kozutumi_app.domain.ports import Mail
from kozutumi_app.use_cases.mailing import WRITERS

LOCALES = ("ja", "en")
VALUES = {
    "organization": "Acme <b>&</b> Co",
    "link": "https://acme.kozutumi.test/r/abc",
    "sender": "花子\r\nBcc: evil@outside.test",
    "recipient": "a@outside.test",
    "status": "5.1.1",
    "expires": "2026-01-12",
    "code": "01234567",
}


def rendered(name: str, locale: str, **changes: str) -> Mail:
    """Whatever else the template asks for gets a value of its own name."""
    source = (mail_templates.FOLDER / f"{name}.{locale}.txt").read_text("utf-8")
    asked = set(re.findall(r"{[{%][^}]*?\b([a-z_]+)\b(?=[^}]*[%}]})", source)) | set(re.findall(r"\b[a-z_]+\b", source))
    values = {field: f"value of {field}" for field in asked} | VALUES | changes
    return mail_templates.render(name, locale, to="a@b.test", key="k", values=values)


@pytest.mark.parametrize("name", sorted(WRITERS))
def test_every_kind_has_both_languages_with_the_same_values(name: str) -> None:
    used = []
    for locale in LOCALES:
        source = (mail_templates.FOLDER / f"{name}.{locale}.txt").read_text("utf-8")
        used.append(set(re.findall(r"{{ *([a-z_]+)", source)))
    assert used[0] == used[1]


@pytest.mark.parametrize("locale", LOCALES)
@pytest.mark.parametrize("name", sorted(WRITERS))
def test_every_mail_renders_as_text_and_html_on_safe_lines(name: str, locale: str) -> None:
    mail = rendered(name, locale)
    assert "Acme <b>&</b> Co" in mail.subject
    assert "\n" not in mail.subject
    assert not any(line.startswith("Bcc") for line in mail.text.splitlines())
    assert "<b>" not in mail.html
    assert f'<html lang="{locale}">' in mail.html
    for word in re.findall(r"\w{4,}", mail.text):
        assert word in mail.html
    assert mail.sender == "Acme <b>&</b> Co"


def test_every_template_belongs_to_a_kind() -> None:
    assert {path.name.partition(".")[0] for path in mail_templates.FOLDER.glob("*.txt")} == set(WRITERS)


@pytest.mark.parametrize("name", ["https://evil.test/", "HTTP://evil.test", "www.evil.test", "12345678"])
def test_a_name_becomes_no_link_and_no_code(name: str) -> None:
    mail = rendered("delivery", "en", sender=name)
    assert re.findall(r'href="([^"]*)"', mail.html) == [VALUES["link"]]
    assert "://evil" not in mail.text
    assert "www.evil" not in mail.text
    assert "<strong>" not in mail.html


def test_names_are_nfc_without_control_and_direction_characters() -> None:
    mail = rendered("delivery", "ja", sender="か\u3099\u202e\x00\x1b山\u2028田\x85")
    assert mail.text.startswith("が山 田 さん")


def test_a_value_that_is_missing_is_an_error() -> None:
    with pytest.raises(UndefinedError):
        mail_templates.render("code", "ja", to="a@b.test", key="k", values={"organization": "Acme"})

"""Nothing is said in one language only."""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator
from importlib import resources
from pathlib import Path

import pytest
from babel.messages.extract import extract_from_dir
from babel.messages.pofile import read_po

from kozutumi_app import errors, use_cases
from kozutumi_app.errors import KozutumiError
from kozutumi_app.web import i18n, tus

PACKAGE = Path(str(resources.files("kozutumi_app")))
PLACEHOLDER = re.compile(r"%\(\w+\)s|\{\w+\}")
NEVER_SHOWN = {errors.ObjectMissing.title, errors.MailRefused.title}
METHODS = [("web/pages/**.py", "python"), ("web/templates/**.html", "jinja2.ext.babel_extract")]
OPTIONS = {"**.html": {"extensions": "jinja2.ext.i18n", "trim_blocks": "true", "lstrip_blocks": "true"}}


def _catalogue() -> dict[str, str]:
    source = PACKAGE / "web" / "locales" / "ja.po"
    with source.open("rb") as lines:
        return {str(message.id): str(message.string) for message in read_po(lines) if message.id}


def _titles(kind: type[KozutumiError]) -> Iterator[str]:
    yield kind.title
    for child in kind.__subclasses__():
        yield from _titles(child)


def _used() -> set[str]:
    found = extract_from_dir(PACKAGE, METHODS, OPTIONS, keywords={"_": None, "_say": (2,), "translate": (2,)})
    sentences = {str(message) for _, _, message, _, _ in found}
    assert tus.TusError.title  # imported, so that it is a subclass now
    return sentences | (set(_titles(KozutumiError)) - NEVER_SHOWN)


def _details() -> set[str]:
    """Sentences raised as a refusal's detail in the use cases and the domain."""
    folders = [Path(str(resources.files(use_cases))), PACKAGE / "domain"]
    kinds = {kind.__name__ for kind in vars(errors).values() if isinstance(kind, type)}
    calls = [
        node
        for folder in folders
        for source in folder.glob("*.py")
        for node in ast.walk(ast.parse(source.read_text("utf-8")))
        if isinstance(node, ast.Call) and isinstance(node.func, ast.Name) and node.func.id in kinds and node.args
    ]
    constants = [call.args[0] for call in calls]
    return {node.value for node in constants if isinstance(node, ast.Constant) and isinstance(node.value, str)}


def test_every_sentence_of_the_pages_and_refusals_is_in_japanese_and_nothing_else_is() -> None:
    catalogue, used = _catalogue(), _used()
    assert used - catalogue.keys() == set()
    assert {key for key, text in catalogue.items() if not text} == set()
    from_python = {node.value for source in (PACKAGE / "web").rglob("*.py") for node in _constants(source)}
    assert catalogue.keys() - used - _details() - from_python == set()


def test_details_that_a_person_can_cause_are_in_japanese() -> None:
    assert _details() - _catalogue().keys() == set()


@pytest.mark.parametrize(("english", "japanese"), _catalogue().items())
def test_placeholders_are_the_same_in_both_languages(english: str, japanese: str) -> None:
    assert sorted(PLACEHOLDER.findall(english)) == sorted(PLACEHOLDER.findall(japanese))


def test_a_translation_fills_its_placeholders() -> None:
    assert i18n.translate("ja", "Please try again in %(time)s.", {"time": "30秒"}) == "30秒後にもう一度お試しください。"
    assert i18n.translate("en", "Please try again in %(time)s.", {"time": "1 day"}) == "Please try again in 1 day."
    assert i18n.translate("xx", "Please sign in.") == "Please sign in."


@pytest.mark.parametrize(
    ("query", "cookie", "header", "expected"),
    [
        (None, None, None, "ja"),
        (None, None, "fr-FR,fr;q=0.9", "ja"),
        (None, None, "en-GB,en;q=0.9,ja;q=0.8", "en"),
        (None, None, "ja;q=0.5, en;q=0.4", "ja"),
        (None, None, "ja;q=0, en;q=0.1", "en"),
        (None, None, "en;q=high", "ja"),
        (None, "en", "ja", "en"),
        ("ja", "en", "en", "ja"),
        ("../etc", "xx", "en", "en"),
    ],
)
def test_the_language_is_chosen_by_address_then_cookie_then_browser(
    query: str | None, cookie: str | None, header: str | None, expected: str
) -> None:
    assert i18n.negotiate(query=query, cookie=cookie, accept_language=header) == expected


def _constants(source: Path) -> Iterator[ast.Constant]:
    for node in ast.walk(ast.parse(source.read_text("utf-8"))):
        if isinstance(node, ast.Constant) and isinstance(node.value, str):
            yield node

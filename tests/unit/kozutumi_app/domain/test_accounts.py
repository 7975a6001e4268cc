from __future__ import annotations

import pytest

from kozutumi_app.domain.accounts import domain_of, is_at, lock_seconds, look_up_form, parse_email, parse_locale
from kozutumi_app.errors import InvalidInput


@pytest.mark.parametrize(
    ("failures", "seconds"),
    [(0, 0), (4, 0), (5, 30), (6, 60), (7, 120), (11, 1920), (12, 3600), (1000, 3600), (10**9, 3600)],
)
def test_a_lock_doubles_up_to_an_hour(failures: int, seconds: int) -> None:
    assert lock_seconds(failures) == seconds


@pytest.mark.parametrize(
    "text", ["", "a", "a@", "@b.test", "a b@c.test", "a@b", "a@b.test\nBcc: c@d.test", "a@b.test,c@d.test"]
)
def test_what_is_no_address(text: str) -> None:
    with pytest.raises(InvalidInput):
        parse_email(text)


@pytest.mark.parametrize("text", ["a@b.test", " a@b.test ", "客@例え.test", "a+tag@sub.example.com"])
def test_what_is_an_address(text: str) -> None:
    assert "@" in parse_email(text)


def test_two_spellings_of_an_address_meet() -> None:
    assert look_up_form("Ｊosé@B.test".replace("Ｊ", "J")) == look_up_form("jose\u0301@b.TEST")
    assert domain_of("A@Sub.B.test") == "sub.b.test"


@pytest.mark.parametrize(("text", "locale"), [("en", "en"), ("ja", "ja"), (None, "ja"), ("xx", "ja"), ("../x", "ja")])
def test_an_unknown_locale_is_japanese(text: str | None, locale: str) -> None:
    assert parse_locale(text) == locale


@pytest.mark.parametrize(
    ("domain", "expected"),
    [
        ("b.test", True),
        ("x.b.test", True),
        ("y.x.b.test", True),
        ("notb.test", False),
        ("test", False),
        ("c.test", False),
    ],
)
def test_a_domain_stands_for_its_subdomains(domain: str, expected: bool) -> None:  # noqa: FBT001 - a table
    assert is_at(domain, ["b.test"]) is expected
    assert not is_at(domain, [])

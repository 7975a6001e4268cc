from __future__ import annotations

import pytest

from kozutumi_app.domain.passwords import is_acceptable, normalize

PERSONAL = ("花子 Yamada", "hanako.y@acme.test")


@pytest.mark.parametrize(
    "password",
    [
        "correct horse battery staple",
        "丘の上の白い灯台へ歩いて行く",
        "x7!kQ2p@9zLm",
        "the password is not the only word here",
    ],
)
def test_long_and_uncommon_passwords_pass(password: str) -> None:
    assert is_acceptable(password, personal=PERSONAL)


@pytest.mark.parametrize(
    "password",
    [
        "",
        "elevenchars",
        "a" * 257,
        "abababababab",
        "password1234",
        "PASSWORD!!!!!",
        "1234567890qwerty",
        "パスワードパスワード12",
        "ｐａｓｓｗｏｒｄ１２３４",
        "i love YAMADA forever",
        "mail of hanako here",
        "acme acme 12345 xyz",
    ],
)
def test_short_common_or_personal_passwords_do_not(password: str) -> None:
    assert not is_acceptable(password, personal=PERSONAL)


def test_the_same_characters_from_another_keyboard_are_the_same_password() -> None:
    assert normalize("ｶﾞ①Ａ") == normalize("ガ1A")

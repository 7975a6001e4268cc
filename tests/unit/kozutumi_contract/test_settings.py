"""Settings go from the operator to a process without loss."""

from __future__ import annotations

import dataclasses
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from kozutumi_contract import settings
from kozutumi_contract.settings import AppSettings, MirrorSettings, ScannerSettings, Settings, SettingsError

KINDS = [AppSettings, ScannerSettings, MirrorSettings]
# An environment holds neither NUL nor lone surrogates; a list's parts hold no comma and are not empty.
TEXT = st.text(st.characters(exclude_characters="\0", exclude_categories=["Cs"]), max_size=40)
PART = st.text(st.characters(exclude_characters="\0,", exclude_categories=["Cs"]), min_size=1, max_size=20)
VALUES: dict[str, st.SearchStrategy[Any]] = {
    "str": TEXT,
    "int": st.integers(-(2**63), 2**63),
    "tuple[str, ...]": st.lists(PART, max_size=4).map(tuple),
}


def any_settings(kind: type[Settings]) -> st.SearchStrategy[Settings]:
    return st.builds(kind, **{field.name: VALUES[str(field.type)] for field in dataclasses.fields(kind)})


@given(st.sampled_from(KINDS).flatmap(any_settings))
def test_round_trip(given: Settings) -> None:
    environment = settings.to_environment(given)
    assert all(name.startswith("KOZUTUMI_") and "\0" not in value for name, value in environment.items())
    assert settings.from_environment(type(given), {"PATH": "/bin", **environment}) == given


@pytest.mark.parametrize("kind", KINDS)
def test_what_is_not_set_keeps_its_default_or_is_named(kind: type[Settings]) -> None:
    required = [field for field in dataclasses.fields(kind) if field.default is dataclasses.MISSING]
    environment = {"KOZUTUMI_" + field.name.upper(): "7" for field in required}
    made = settings.from_environment(kind, environment)
    for field in dataclasses.fields(kind):
        if field not in required:
            assert getattr(made, field.name) == field.default
    for name in environment:
        with pytest.raises(SettingsError, match=f"^{name} is not set"):
            settings.from_environment(kind, {key: value for key, value in environment.items() if key != name})


@pytest.mark.parametrize("text", ["", "x", "1.5", "0x10"])
def test_a_number_that_is_none_is_named(text: str) -> None:
    environment = {"KOZUTUMI_SERVICE_CODE": "a", "KOZUTUMI_MIRROR_URL": "b", "KOZUTUMI_SCAN_TIMEOUT": text}
    with pytest.raises(SettingsError, match=r"^KOZUTUMI_SCAN_TIMEOUT="):
        settings.from_environment(ScannerSettings, environment)


def test_no_setting_is_a_secret() -> None:
    """Environments show in `kubectl describe`, in /proc and in crash reports; secrets are mounted files."""
    names = [field.name for kind in KINDS for field in dataclasses.fields(kind)]
    suspicious = ("password", "secret_key", "token", "credential", "private")
    assert not [name for name in names if any(word in name for word in suspicious)]

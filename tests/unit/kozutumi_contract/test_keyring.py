"""The key ring's format, held to vectors that are never generated again."""

from __future__ import annotations

import base64
import copy
import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from kozutumi_contract import keyring
from kozutumi_contract.keyring import KeyRing, KeyRingError, KeyVersion
from kozutumi_contract.secret import Secret

VECTORS = json.loads((Path(__file__).parents[2] / "vectors/keyring.json").read_text())
CREATED = "2026-01-02T03:04:05Z"


@pytest.mark.parametrize("vector", VECTORS["valid"], ids=lambda vector: vector["name"])
def test_a_valid_ring_is_read_and_written_back_byte_for_byte(vector: dict[str, Any]) -> None:
    ring = keyring.parse(vector["json"].encode())
    assert ring.active == vector["active"]
    assert {str(number): version.key.reveal().hex() for number, version in ring.keys.items()} == vector["keys"]
    assert (ring.index.reveal().hex(), ring.audit.reveal().hex()) == (vector["index"], vector["audit"])
    assert keyring.serialize(ring).decode() == vector["json"]


@pytest.mark.parametrize("vector", VECTORS["extended"], ids=lambda vector: vector["name"])
def test_a_ring_with_fields_of_a_later_release_is_read(vector: dict[str, Any]) -> None:
    assert keyring.parse(vector["json"].encode()).active == vector["active"]


@pytest.mark.parametrize("vector", VECTORS["refused"], ids=lambda vector: vector["name"])
def test_a_damaged_ring_is_refused_without_showing_it(vector: dict[str, Any]) -> None:
    with pytest.raises(KeyRingError) as caught:
        keyring.parse(vector["json"].encode())
    assert vector["message"] in str(caught.value)
    assert "QUFB" not in str(caught.value)  # base64 of the vectors' key material
    assert caught.value.__context__ is None or caught.value.__suppress_context__


@st.composite
def rings(draw: st.DrawFn) -> KeyRing:
    secret = st.binary(min_size=32, max_size=32).map(Secret)
    numbers = draw(st.sets(st.integers(1, 10_000), min_size=1, max_size=5))
    active = draw(st.sampled_from(sorted(numbers)))
    retired = {number: draw(st.none() | st.just(CREATED)) if number != active else None for number in numbers}
    keys = {number: KeyVersion(number, draw(secret), CREATED, retired[number]) for number in numbers}
    return KeyRing(active, draw(secret), draw(secret), keys)


@given(rings())
def test_round_trip(ring: KeyRing) -> None:
    assert keyring.parse(keyring.serialize(ring)) == ring


@given(rings())
def test_nothing_printed_shows_key_material(ring: KeyRing) -> None:
    shown = f"{ring!r} {ring} {ring.active_key()!r}"
    secrets = [ring.index, ring.audit, *(version.key for version in ring.keys.values())]
    for secret in secrets:
        assert repr(secret.reveal()) not in shown
        assert base64.b64encode(secret.reveal()).decode() not in shown


def test_a_new_ring_draws_every_key_anew() -> None:
    drawn: list[int] = []

    def random(count: int) -> bytes:
        drawn.append(count)
        return bytes([len(drawn)]) * count

    ring = keyring.generate(random, CREATED)
    assert drawn == [32, 32, 32]
    assert len({ring.index.reveal(), ring.audit.reveal(), ring.active_key().key.reveal()}) == 3
    assert (ring.active, list(ring.keys), ring.active_key().retired) == (1, [1], None)


def test_a_key_that_is_gone_is_named() -> None:
    ring = keyring.generate(bytes, CREATED)
    assert ring.key(1) is ring.active_key()
    with pytest.raises(KeyRingError, match="version 2"):
        ring.key(2)


@pytest.mark.parametrize(
    "damage",
    [
        lambda document: document.pop("index"),
        lambda document: document.pop("audit"),
        lambda document: document["keys"]["1"].pop("key"),
        lambda document: document["keys"]["1"].pop("created"),
        lambda document: document.__setitem__("active", True),
    ],
    ids=["no index", "no audit", "no key", "no time", "a boolean for a number"],
)
def test_nothing_may_be_missing(damage: Callable[[dict[str, Any]], object]) -> None:
    document = copy.deepcopy(json.loads(keyring.serialize(keyring.generate(bytes, CREATED))))
    damage(document)
    with pytest.raises(KeyRingError):
        keyring.parse(json.dumps(document).encode())

"""The mirror's manifest: only what the mirror signed says anything."""

from __future__ import annotations

import base64
import contextlib
import json
from datetime import UTC, datetime, timedelta, timezone
from typing import Any

import pytest
from cryptography.hazmat.primitives.asymmetric import ec
from hypothesis import given
from hypothesis import strategies as st

from kozutumi_scanner import manifest
from kozutumi_scanner.manifest import File, Manifest, ManifestError

KEY = ec.generate_private_key(ec.SECP256R1())
MADE = Manifest("7", datetime(2026, 11, 24, 12, 0, tzinfo=UTC), {"kozutumi.ndb": File("ab" * 32, 99)})
RAW = manifest.serialize(MADE, KEY)


def test_round_trip() -> None:
    assert manifest.parse(RAW, KEY.public_key()) == MADE


def test_a_time_in_another_zone_is_the_same_time() -> None:
    tokyo = MADE.published.astimezone(timezone(timedelta(hours=9)))
    raw = manifest.serialize(Manifest("7", tokyo, MADE.files), KEY)
    assert manifest.parse(raw, KEY.public_key()).published == MADE.published


@given(position=st.integers(0, len(RAW) - 1), flip=st.integers(1, 255))
def test_any_changed_byte_is_refused_or_changes_nothing(position: int, flip: int) -> None:
    damaged = bytearray(RAW)
    damaged[position] ^= flip
    with contextlib.suppress(ManifestError):
        assert manifest.parse(bytes(damaged), KEY.public_key()) == MADE


@pytest.mark.parametrize("length", [0, 1, len(RAW) // 2, len(RAW) - 1])
def test_a_cut_manifest_is_refused(length: int) -> None:
    with pytest.raises(ManifestError):
        manifest.parse(RAW[:length], KEY.public_key())


def test_another_mirrors_key_is_refused() -> None:
    stranger = ec.generate_private_key(ec.SECP256R1())
    with pytest.raises(ManifestError, match="not signed by this platform's mirror"):
        manifest.parse(RAW, stranger.public_key())


@pytest.mark.parametrize(
    "change",
    [
        pytest.param({"format": 2}, id="a format of the future"),
        pytest.param({"version": ""}, id="no version"),
        pytest.param({"version": 7}, id="a version that is no text"),
        pytest.param({"files": {}}, id="no files"),
        pytest.param({"files": {"../kozutumi.ndb": {"sha256": "ab" * 32, "size": 1}}}, id="a path"),
        pytest.param({"files": {"kozutumi.exe": {"sha256": "ab" * 32, "size": 1}}}, id="no database"),
        pytest.param({"files": {"kozutumi.ndb": {"sha256": "AB" * 32, "size": 1}}}, id="a digest in capitals"),
        pytest.param({"files": {"kozutumi.ndb": {"sha256": "ab" * 32, "size": -1}}}, id="a negative size"),
        pytest.param({"files": {"kozutumi.ndb": None}}, id="an empty entry"),
        pytest.param({"published": "yesterday"}, id="no time"),
        pytest.param({"published": "2026-11-24T12:00:00"}, id="a time without a zone"),
        pytest.param({"published": 0}, id="a number for a time"),
    ],
)
def test_nonsense_is_refused_even_when_signed(change: dict[str, Any]) -> None:
    document = json.loads(RAW) | change
    document.pop("signature")
    with pytest.raises(ManifestError):
        manifest.parse(_signed(document), KEY.public_key())


@pytest.mark.parametrize("raw", [b"", b"null", b"[]", b"7", b"{}", b'"x"', b"[" * 30_000, b" " * 70_000, b"\xff"])
def test_what_is_no_manifest_is_refused(raw: bytes) -> None:
    with pytest.raises(ManifestError):
        manifest.parse(raw, KEY.public_key())


def _signed(document: dict[str, Any]) -> bytes:
    """Sign whatever it is, as `serialize` would."""
    canonical = json.dumps(document, sort_keys=True, separators=(",", ":")).encode()
    signature = base64.b64encode(KEY.sign(canonical, manifest._ALGORITHM)).decode()
    return json.dumps(document | {"signature": signature}).encode()

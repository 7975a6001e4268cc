from __future__ import annotations

import pytest

from kozutumi_contract import keyring
from kozutumi_contract.secret import Secret
from kozutumi_operator.errors import KeyRingLost
from kozutumi_operator.manifests import secret
from kozutumi_operator.organizations import key_ids
from kozutumi_operator.organizations.observed import Observed
from operator_builders import live, organization


def ring(first: int) -> keyring.KeyRing:
    stream = iter(range(first, first + 3))
    return keyring.generate(lambda count: bytes([next(stream)]) * count, "2026-11-24T12:00:00Z")


RECORDED = key_ids.of_ring(ring(1))


def test_ids_tell_keys_apart_and_show_none() -> None:
    assert len({*RECORDED, *key_ids.of_ring(ring(10))}) == 6
    assert [each.partition(":")[0] for each in RECORDED] == ["index", "audit", "1"]
    assert not any(bytes([number]).hex() * 4 in each for number in (1, 2, 3) for each in RECORDED)


def test_a_ring_that_holds_what_is_recorded_is_fine() -> None:
    key_ids.check(RECORDED, ring(1))
    key_ids.check((), None)
    key_ids.check((), ring(10))


@pytest.mark.parametrize("found", [None, ring(10)])
def test_a_lost_or_replaced_ring_is_never_accepted(found: keyring.KeyRing | None) -> None:
    with pytest.raises(KeyRingLost, match="escrow"):
        key_ids.check(RECORDED, found)


def test_ring_is_read_from_its_secret() -> None:
    assert key_ids.found(live([secret.key_ring(organization(), ring(1))])) == ring(1)
    assert key_ids.found(Observed()) is None


def test_damaged_ring_counts_as_lost() -> None:
    damaged = secret.render(organization(), keyring.SECRET_NAME, {keyring.SECRET_KEY: Secret(b"{")})
    with pytest.raises(KeyRingLost, match="damaged"):
        key_ids.found(live([damaged]))

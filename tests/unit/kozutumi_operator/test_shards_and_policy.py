"""Which organizations are a shard's, and what the platform may say about rollouts."""

from __future__ import annotations

from datetime import timedelta

import pytest

from kozutumi_operator import fleet_policy, shards
from kozutumi_operator.platform import PlatformError
from kozutumi_operator.shards import Shard, ShardError


@pytest.mark.parametrize(
    ("selector", "labels", "its"),
    [
        ("", None, True),
        ("shard=east", {"shard": "east"}, True),
        ("shard==east", {"shard": "west"}, False),
        ("shard=east", None, False),
        ("shard!=east", {"shard": "west"}, True),
        ("shard!=east", None, True),
        ("shard in (east, north)", {"shard": "north"}, True),
        ("shard in (east, north)", {"shard": "west"}, False),
        ("shard notin (east, north)", None, True),
        ("shard", {"shard": ""}, True),
        ("!shard", {"shard": "east"}, False),
        ("shard in (east,west),tier=gold", {"shard": "west", "tier": "gold"}, True),
        ("shard in (east,west),tier=gold", {"shard": "west"}, False),
    ],
)
def test_a_selector_picks_organizations_as_kubernetes_would(
    selector: str, labels: dict[str, str] | None, its: object
) -> None:
    assert Shard("s", selector).has(labels) is its


@pytest.mark.parametrize(
    ("name", "selector"), [("east", ""), ("", "shard=east"), ("East", "a=b"), ("east", "a = = b"), ("east", "a=b c")]
)
def test_half_a_shard_or_a_wrong_selector_is_refused(name: str, selector: str) -> None:
    with pytest.raises(ShardError, match="KOZUTUMI_SHARD"):
        shards.read(name, selector)


def test_every_rule_of_rollouts_can_be_set() -> None:
    usual, told = fleet_policy.read({}), fleet_policy.read(SET)
    assert (told.canaries, told.soak, told.patience) == (3, timedelta(seconds=90), timedelta(minutes=5))
    assert (told.max_unavailable, told.failure_ratio, told.roll_back) == (0.5, 0.0, False)
    assert usual.roll_back
    assert usual.failure_ratio == 0.1


SET = {
    "KOZUTUMI_FLEET_CANARIES": "3",
    "KOZUTUMI_FLEET_SOAK": "90s",
    "KOZUTUMI_FLEET_PATIENCE": "5m",
    "KOZUTUMI_FLEET_MAX_UNAVAILABLE": "50%",
    "KOZUTUMI_FLEET_FAILURE_RATIO": "0%",
    "KOZUTUMI_FLEET_ON_FAILURE": "Halt",
}
WRONG = {
    "KOZUTUMI_FLEET_CANARIES": "0",
    "KOZUTUMI_FLEET_SOAK": "soon",
    "KOZUTUMI_FLEET_PATIENCE": "-1m",
    "KOZUTUMI_FLEET_MAX_UNAVAILABLE": "0.5",
    "KOZUTUMI_FLEET_FAILURE_RATIO": "101%",
    "KOZUTUMI_FLEET_ON_FAILURE": "Ignore",
}


@pytest.mark.parametrize("name", WRONG)
def test_a_wrong_rule_names_its_variable(name: str) -> None:
    with pytest.raises(PlatformError, match=name):
        fleet_policy.read({name: WRONG[name]})

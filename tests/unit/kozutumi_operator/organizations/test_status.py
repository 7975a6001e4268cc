from __future__ import annotations

import dataclasses
from datetime import timedelta
from typing import Any

import pytest

from kozutumi_contract import keyring
from kozutumi_operator.manifests import secret
from kozutumi_operator.organizations import status
from kozutumi_operator.organizations.facts import tenant_status
from operator_builders import live, settings
from organization_world import DOWN, GOOD, LATER, NOW, OBJECTS, ORGANIZATION, REPORT, tenant, without


def test_status_is_quiet_while_only_figures_move() -> None:
    before = status.render(GOOD, settings(), {}, NOW)
    busier = tenant(used_bytes=2**30, files=5, signature_age=7200)
    assert not status.worth_writing(before, status.render(GOOD, settings(), before, LATER), LATER)
    assert not status.worth_writing(before, status.render(busier, settings(), before, LATER), LATER)
    hour = NOW + timedelta(hours=1)
    assert status.worth_writing(before, status.render(busier, settings(), before, hour), hour)
    worse = tenant(mail=DOWN)
    assert status.worth_writing(before, status.render(worse, settings(), before, LATER), LATER)


def test_recorded_keys_and_address_outlive_their_objects() -> None:
    known = status.render(
        dataclasses.replace(GOOD, observed=live(OBJECTS)), settings(), {"url": "https://x:31234"}, NOW
    )
    lost = status.render(without(keyring.SECRET_NAME), settings(), known, LATER)
    assert lost["encryption"] == known["encryption"]
    assert status.recorded_key_ids(lost)
    assert status.recorded_node_port(lost) == 31234
    assert lost["url"] == "https://acme.kozutumi.test:31234"


def test_replaced_ring_does_not_overwrite_the_record() -> None:
    known = status.render(GOOD, settings(), {}, NOW)
    other = secret.key_ring(ORGANIZATION, keyring.generate(lambda count: b"o" * count, "2026-11-24T12:00:00Z"))
    swapped = dataclasses.replace(GOOD, observed=live([other]))
    assert status.render(swapped, settings(), known, LATER)["encryption"] == known["encryption"]


def test_inventory_names_objects_and_buckets() -> None:
    inventory = status.render(GOOD, settings(), {}, NOW)["inventory"]
    assert {"Namespace/kz-acme", "Secret/keyring", "Bucket/kozutumi-acme"} <= set(inventory)


@pytest.mark.parametrize(("count", "text"), [(0, "0 B"), (999, "999 B"), (1300, "1.3 KiB"), (150 * 2**20, "150 MiB")])
def test_size_for_people(count: int, text: str) -> None:
    assert status.human_size(count) == text


@pytest.mark.parametrize(("seconds", "text"), [(0, "0m"), (1300, "20m"), (7300, "2h"), (3 * 86400, "3d")])
def test_age_for_people(seconds: int, text: str) -> None:
    assert status.human_age(seconds) == text


@pytest.mark.parametrize("change", [{"version": 1}, {"scanner": None}, {"usage": {}}, {"active_key": True}])
def test_an_answer_of_another_shape_is_refused(change: dict[str, Any]) -> None:
    with pytest.raises(ValueError, match="roll out the app"):
        tenant_status(REPORT | change)

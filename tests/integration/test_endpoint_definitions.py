"""What is rendered for the Gateway API and cert-manager, against their own definitions from pinned Go modules."""

from __future__ import annotations

from typing import Any

import pytest

import endpoint_builders as endpoints
import openapi_schema
from kozutumi_cluster.platform import definitions
from kozutumi_operator.cluster.kinds import OPTIONAL
from kozutumi_operator.organizations import desired
from kozutumi_operator.organizations.observed import Object
from operator_builders import organization

KINDS = {kind.name for kind in OPTIONAL}


def rendered() -> list[Object]:
    """Every object of an optional kind, of every type of endpoint."""
    found = []
    for kind, endpoint in endpoints.TYPES.items():
        for listeners in ("Gateway", "ListenerSet"):
            platform = endpoints.platform(KOZUTUMI_GATEWAY_LISTENERS=listeners)
            objects = desired.render(organization(endpoint=endpoint), platform, endpoints.materials(kind))
            found += [each for each in objects if each["kind"] in KINDS]
    return found


@pytest.fixture(scope="module")
def crds() -> list[dict[str, Any]]:
    return definitions.objects()


def test_every_rendered_object_has_only_what_its_definition_knows(crds: list[dict[str, Any]]) -> None:
    objects = rendered()
    assert {each["kind"] for each in objects} == KINDS
    assert [error for each in objects for error in openapi_schema.custom_errors(each, crds)] == []


def test_a_wrong_field_is_found(crds: list[dict[str, Any]]) -> None:
    route = next(each for each in rendered() if each["kind"] == "HTTPRoute")
    route["spec"]["rules"][0]["backendRefs"][0] |= {"port": "8443", "tls": True}
    assert sorted(openapi_schema.custom_errors(route, crds)) == [
        "HTTPRoute.spec.rules[0].backendRefs[0].port: '8443' is no integer",
        "HTTPRoute.spec.rules[0].backendRefs[0].tls is unknown",
    ]


def test_the_plural_of_each_kind_is_the_one_that_is_asked_for(crds: list[dict[str, Any]]) -> None:
    served = {(each["spec"]["names"]["kind"], each["spec"]["names"]["plural"]) for each in crds}
    assert {(kind.name, kind.plural) for kind in OPTIONAL} <= served

"""A real controller in front of an app: Traefik serves an HTTPRoute and an Ingress, and verifies the app as they say."""

from __future__ import annotations

import base64
import hashlib
import os
import socket
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import httpx
import pytest

import admission_world
import fleet_world
import traefik_world
from e2e_world import World, wait_until
from kozutumi_cluster.demo import environment, organizations, people, transfers
from kozutumi_cluster.demo.public import Endpoint
from kozutumi_cluster.demo.transfers import Outgoing
from kozutumi_cluster.layout import POD_RANGE
from kozutumi_cluster.platform import names as platform
from kozutumi_contract import labels
from kozutumi_operator.manifests import names
from kozutumi_operator.organizations import certificates

pytestmark = [pytest.mark.slow, pytest.mark.timeout(3600)]

MEBIBYTE = 2**20
SIZE = 5 * MEBIBYTE
OTHER_CA = certificates.authority("somebody else's CA", now=datetime.now(UTC)).certificate
ELSEWHERE = "203.0.113.9"
CLAIMS: list[dict[str, str]] = [
    {"X-Forwarded-For": ELSEWHERE},
    {"X-Forwarded-For": f"{ELSEWHERE}, {ELSEWHERE}"},
    {"X-Real-Ip": ELSEWHERE},
    {"Forwarded": f"for={ELSEWHERE}"},
]
# Where a controller says what it makes of an object; of an Ingress it says nothing.
TOLD = {"HTTPRoute": [("httproute", "parents"), ("backendtlspolicy", "ancestors")], "Ingress": []}
OPERATOR = ("-n", labels.SYSTEM_NAMESPACE, "deployment/kozutumi-operator")


@dataclass(frozen=True)
class Reached:
    """An organization as its people reach it: through Traefik, by an object of `kind`."""

    kind: str
    code: str
    endpoint: Endpoint

    def answer(self, **headers: str) -> int | None:
        """The status for someone who has not signed in; None where no verified connection came about."""
        try:
            with self.endpoint.open() as client:
                return client.request("GET", "/api/v1/session", headers=headers).status_code
        except httpx.TransportError:
            return None


@pytest.fixture(scope="module")
def port(world: World) -> Iterator[int]:
    front = f"namespace={platform.GATEWAY}"
    offered = {
        "INGRESS_CLASS": traefik_world.NAME,
        "INGRESS_SELECTOR": front,
        "INGRESS_CIDRS": POD_RANGE,
        "INGRESS_ANNOTATIONS": traefik_world.documented(),
    }
    with traefik_world.running(world, platform.DOMAIN) as port, fleet_world.platform(world, **offered):
        yield port


@pytest.fixture(scope="module")
def code(world: World, port: int) -> Iterator[str]:
    assert port
    code = world.fresh_code()
    world.create(code, endpoint={"type": "HTTPRoute", "allowedCIDRs": [f"{own_address(world)}/32"]})
    organizations.wait_ready(world.kubectl, code, seconds=500)
    yield code
    world.dispose(code)


@pytest.fixture(scope="module", params=["HTTPRoute", "Ingress"])
def reached(
    world: World, code: str, port: int, request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory
) -> Reached:
    """With a Gateway clients see the Gateway's certificate, behind an Ingress the organization's own."""
    kind = str(request.param)
    ask(world, code, type=kind, allowedCIDRs=[f"{own_address(world)}/32"])
    authority = tmp_path_factory.mktemp("gateway") / "ca.crt"
    authority.write_bytes(traefik_world.AUTHORITY.certificate)
    ca = authority if kind == "HTTPRoute" else world.ca
    address = environment.address(world.kubectl, world.layout)
    reached = Reached(kind, code, Endpoint(f"https://{code}.{platform.DOMAIN}", address, ca, port))
    becomes(reached, lambda status: status == 401)
    organizations.wait_ready(world.kubectl, code, seconds=500)
    return reached


def own_address(world: World) -> str:
    """From where this machine connects to the node."""
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as unsent:
        unsent.connect((environment.address(world.kubectl, world.layout), 9))
        return str(unsent.getsockname()[0])


def ask(world: World, code: str, **endpoint: object) -> None:
    world.patch("organization", code, patch={"spec": {"endpoint": endpoint}})


def becomes(reached: Reached, wanted: Callable[[int | None], bool], *, seconds: float = 240) -> None:
    wait_until(f"another answer through the {reached.kind}", lambda: wanted(reached.answer()), seconds=seconds)


def test_a_transfer_goes_through_it_with_cut_lines(world: World, reached: Reached, tmp_path: Path) -> None:
    data, offsets, email = tmp_path / "data", list[int](), f"{reached.kind.lower()}@partner.example"
    data.write_bytes(os.urandom(SIZE))
    administrator = people.ensure_administrator(
        reached.endpoint, world.inbox, world.passwords, f"admin@{reached.code}.example"
    )
    outgoing = Outgoing(data, "見積書.bin", cuts=(2 * MEBIBYTE,))
    with administrator:
        transfer = transfers.send(administrator, email, [outgoing], report=offsets.append)
        transfers.wait_state(administrator, transfer, "Delivered")
    print(f"{reached.kind}: acknowledged {offsets} of {SIZE} bytes")
    assert offsets[-1] == SIZE
    with transfers.receive(reached.endpoint, world.inbox, email) as recipient:
        [file] = recipient.files()
        received = recipient.download(file["id"], cut_after=MEBIBYTE)
    assert received == hashlib.sha256(data.read_bytes()).hexdigest()


@pytest.mark.parametrize("claim", CLAIMS, ids=str)
def test_a_client_is_who_the_controller_saw_and_not_who_it_says(reached: Reached, claim: dict[str, str]) -> None:
    assert reached.answer(**claim) == 401


def test_what_the_operator_made_is_taken_up_and_told(world: World, reached: Reached) -> None:
    for kind, holders in TOLD[reached.kind]:
        [holder] = found(world, reached.code, kind)["status"][holders]
        told = {each["type"]: each["status"] for each in holder["conditions"]}
        assert told == {"Accepted": "True", "ResolvedRefs": "True"}
    assert world.kubectl.condition(reached.code, "AppReady")["status"] == "True"


def test_an_app_that_cannot_be_verified_gets_no_request(world: World, reached: Reached) -> None:
    with nobody_repairs(world, reached.code):
        for what, patch, reason in (other_authority(reached), other_name(reached)):
            began = datetime.now(UTC)
            with changed(world, reached.code, what, patch):
                becomes(reached, lambda status: status in {500, 502})
                wait_until(reason, lambda: reason in traefik_world.said(world, since=began), seconds=60)  # noqa: B023 - called at once
            becomes(reached, lambda status: status == 401)


def test_who_is_not_allowed_is_refused_whatever_they_say(world: World, reached: Reached) -> None:
    """The app before, which let them in, may answer until it is gone."""
    ask(world, reached.code, allowedCIDRs=[f"{ELSEWHERE}/32"])
    becomes(reached, lambda status: status == 403)
    world.wait_rolled_out(labels.namespace(reached.code), names.APP)
    app = ("get", "pods", "-n", labels.namespace(reached.code), "-l", f"{labels.COMPONENT}={names.APP}")
    wait_until("the app before being gone", lambda: len(world.kubectl.json(*app)["items"]) == 1, seconds=120)

    def answers() -> list[int | None]:
        return [reached.answer(), *(reached.answer(**claim) for claim in CLAIMS)]

    wait_until("nobody being let in", lambda: answers() == [403] * (len(CLAIMS) + 1), seconds=60)


def found(world: World, code: str, what: str) -> dict[str, Any]:
    kind, _, name = what.partition("/")
    there: dict[str, Any] = world.kubectl.json("get", kind, name or names.PUBLIC_SERVICE, "-n", labels.namespace(code))
    return there


def other_authority(reached: Reached) -> tuple[str, dict[str, Any], str]:
    """The object that says whom to trust, a patch that says somebody else, and what Traefik says of the app then."""
    reason = "certificate signed by unknown authority"
    if reached.kind == "Ingress":
        encoded = base64.b64encode(OTHER_CA).decode()
        return f"secret/{names.BACKEND_CA}", {"data": {"ca.crt": encoded}}, reason
    return f"configmap/{names.BACKEND_CA}", {"data": {"ca.crt": OTHER_CA.decode()}}, reason


def other_name(reached: Reached) -> tuple[str, dict[str, Any], str]:
    """Likewise for the name that the app's certificate must be for."""
    name = "app.other.svc"
    if reached.kind == "Ingress":
        patch = {"metadata": {"annotations": {"nginx.ingress.kubernetes.io/proxy-ssl-name": name}}}
        return "ingress", patch, f"not {name}"
    return "backendtlspolicy", {"spec": {"validation": {"hostname": name}}}, f"not {name}"


@contextmanager
def nobody_repairs(world: World, code: str) -> Iterator[None]:
    pods = ("get", "pods", *OPERATOR[:2], "-l", "app.kubernetes.io/name=kozutumi-operator")
    with admission_world.past(world.kubectl, code):
        try:
            world.kubectl("scale", *OPERATOR, "--replicas=0")
            wait_until("the operators being gone", lambda: not world.kubectl.json(*pods)["items"], seconds=120)
            yield
        finally:
            world.kubectl("scale", *OPERATOR, "--replicas=2")
            world.wait_rolled_out(labels.SYSTEM_NAMESPACE, "kozutumi-operator")


@contextmanager
def changed(world: World, code: str, what: str, patch: dict[str, Any]) -> Iterator[None]:
    """With the patch laid on, and as it was afterwards."""
    kind, _, name = what.partition("/")
    words = (kind, name or names.PUBLIC_SERVICE, "-n", labels.namespace(code))
    before = found(world, code, what)
    world.patch(*words, patch=patch)
    try:
        yield
    finally:
        world.patch(*words, patch=restricted(before, patch))


def restricted(before: dict[str, Any], patch: dict[str, Any]) -> dict[str, Any]:
    """What `before` says of that which the patch changes."""
    return {
        key: restricted(before[key], value) if isinstance(value, dict) else before[key] for key, value in patch.items()
    }

"""One organization moves from type to type of endpoint, is reached as each, and shows a certificate that it was given."""

from __future__ import annotations

import base64
import json
import socket
import ssl
from collections.abc import Iterator
from datetime import UTC, datetime
from urllib.parse import urlsplit

import pytest

import gateway_world
from e2e_world import World, wait_until
from kozutumi_cluster.demo import environment, organizations
from kozutumi_cluster.platform import names as platform
from kozutumi_contract import labels
from kozutumi_operator.organizations import certificates
from kozutumi_operator.organizations.certificates import Pair, Usage

ROUTES = ("httproute", "backendtlspolicy", "configmap/app-backend-ca", "secret/app-backend-tls")
CUSTOMER = certificates.authority("a customer's CA", now=datetime.now(UTC))


@pytest.fixture(scope="module")
def code(world: World) -> Iterator[str]:
    code = world.fresh_code()
    world.create(code, endpoint={"type": "NodePort", "hosts": [f"files.{code}.example", f"{code}.example"]})
    organizations.wait_ready(world.kubectl, code)
    yield code
    world.dispose(code)


def there(world: World, code: str, what: str) -> bool:
    kind, _, name = what.partition("/")
    return world.kubectl.exists(kind, name or "app-public", "-n", labels.namespace(code))


def ask(world: World, code: str, **endpoint: object) -> None:
    world.patch("organization", code, patch={"spec": {"endpoint": endpoint}})


def service(world: World, code: str) -> dict[str, object]:
    found: dict[str, object] = world.kubectl.json("get", "service", "app-public", "-n", labels.namespace(code))["spec"]
    return found


def becomes(world: World, code: str, kind: str) -> None:
    """After the routes: the new quota has to be counted first."""
    wait_until(f"a Service of type {kind}", lambda: service(world, code)["type"] == kind, seconds=120)


def mounted(world: World, code: str) -> set[str]:
    """Secrets of the app's Deployment: it changes last, when its network policies stand."""
    found = world.kubectl.json("get", "deployment", "app", "-n", labels.namespace(code))
    volumes = found["spec"]["template"]["spec"]["volumes"]
    return {each["secret"]["secretName"] for each in volumes if "secret" in each}


def moved(world: World, code: str) -> bool:
    """Whether only pods of the Deployment's last change are left."""
    found = world.kubectl.json("get", "deployment", "app", "-n", labels.namespace(code))
    status = found["status"]
    seen = status.get("observedGeneration") == found["metadata"]["generation"]
    return bool(seen and status.get("updatedReplicas") == status.get("availableReplicas") == status["replicas"])


def condition(world: World, code: str, kind: str) -> tuple[str, str]:
    conditions = world.kubectl.json("get", "organization", code)["status"]["conditions"]
    found = next(each for each in conditions if each["type"] == kind)
    return found["status"], found["reason"]


def give(world: World, code: str, name: str, pair: Pair) -> None:
    encoded = {
        "tls.crt": base64.b64encode(pair.certificate).decode(),
        "tls.key": base64.b64encode(pair.private_key.reveal()).decode(),
    }
    metadata = {"name": name, "namespace": labels.namespace(code)}
    world.kubectl.apply(
        {"apiVersion": "v1", "kind": "Secret", "metadata": metadata, "type": "kubernetes.io/tls", "data": encoded}
    )


def shown(world: World, code: str, host: str) -> bytes | None:
    """The certificate (DER) under which the app is reached as `host`, if the customer's CA signed it."""
    url = urlsplit(world.kubectl.json("get", "organization", code)["status"]["url"])
    context = ssl.create_default_context(cadata=CUSTOMER.certificate.decode())
    address = (environment.address(world.kubectl, world.layout), url.port or 443)
    try:
        with (
            socket.create_connection(address, timeout=5) as plain,
            context.wrap_socket(plain, server_hostname=host) as secured,
        ):
            return secured.getpeercert(binary_form=True)
    except OSError:
        return None


def nudge(world: World, code: str) -> None:
    """The kubelet brings a changed Secret at its next look at the pod, within a minute; a change of the pod is one."""
    pod = world.pod(code, "app")["metadata"]["name"]
    stamp = f"kozutumi.test/nudged={datetime.now(UTC).timestamp()}"
    world.kubectl("annotate", "pod", pod, "-n", labels.namespace(code), stamp, "--overwrite")


def served_anew(world: World, code: str, pair: Pair, hosts: tuple[str, ...]) -> None:
    wanted = ssl.PEM_cert_to_DER_cert(pair.certificate.decode())
    stored = base64.b64encode(pair.certificate).decode()
    words = ("get", "secret", "app-public-tls", "-n", labels.namespace(code))
    wait_until("the operator to take it", lambda: world.kubectl.json(*words)["data"]["tls.crt"] == stored, seconds=120)
    nudge(world, code)
    for host in hosts:
        wait_until(f"the app to show it as {host}", lambda: shown(world, code, host) == wanted, seconds=180)  # noqa: B023 - called at once


@pytest.mark.slow
def test_a_given_certificate_is_served_and_replaced_without_a_restart(world: World, code: str) -> None:
    hosts = (f"files.{code}.example", f"{code}.example")
    before = world.pod(code, "app")["metadata"]["uid"]
    ask(world, code, tls={"secretRef": {"name": "given"}})
    wait_until(
        "the missing Secret to be told",
        lambda: condition(world, code, "CertificateReady") == ("False", "CertificateSecretMissing"),
        seconds=120,
    )
    first, second = (
        certificates.issue(CUSTOMER, "given", usage=Usage.SERVER, hosts=hosts, now=datetime.now(UTC)) for _ in range(2)
    )
    for pair in (first, second):
        give(world, code, "given", pair)
        served_anew(world, code, pair, hosts)
    give(world, code, "given", Pair(second.certificate, CUSTOMER.private_key))
    wait_until(
        "the misfit to be told",
        lambda: condition(world, code, "CertificateReady") == ("False", "CertificateUnusable"),
        seconds=120,
    )
    assert shown(world, code, hosts[0]) == ssl.PEM_cert_to_DER_cert(second.certificate.decode())
    assert world.pod(code, "app")["metadata"]["uid"] == before


@pytest.mark.slow
@pytest.mark.timeout(900)
def test_each_type_brings_its_objects_and_takes_them_away(world: World, code: str) -> None:
    host = f"{code}.example"
    ask(world, code, type="LoadBalancer", allowedCIDRs=["203.0.113.0/24"], tls=None)
    becomes(world, code, "LoadBalancer")
    assert service(world, code)["loadBalancerSourceRanges"] == ["203.0.113.0/24"]
    assert service(world, code)["externalTrafficPolicy"] == "Local"

    ask(world, code, type="HTTPRoute")
    for what in ROUTES:
        wait_until(f"{what} to appear", lambda: there(world, code, what), seconds=120)  # noqa: B023 - called at once
    becomes(world, code, "ClusterIP")
    wait_until("the app to move", lambda: "app-backend-tls" in mounted(world, code), seconds=120)
    wait_until("the app to have moved", lambda: moved(world, code), seconds=500)
    claims = ["203.0.113.9", "198.51.100.1", "203.0.113.9, 198.51.100.1", ""]
    answers = gateway_world.forward(world, code, host, claims, namespace=platform.GATEWAY)
    assert answers == [401, 403, 403, 403]
    spoofed = gateway_world.forward(world, code, host, claims[:1], namespace=labels.CANARY_NAMESPACE)
    assert spoofed != [401]
    assert not isinstance(spoofed[0], int)

    ask(world, code, type="NodePort", allowedCIDRs=None)
    for what in ROUTES:
        wait_until(f"{what} to go", lambda: not there(world, code, what), seconds=120)  # noqa: B023 - called at once
    becomes(world, code, "NodePort")


def test_what_this_cluster_does_not_offer_is_refused_and_changes_nothing(world: World, code: str) -> None:
    before = json.dumps(service(world, code), sort_keys=True)
    ask(world, code, type="Ingress")
    wait_until("the refusal", lambda: condition(world, code, "Stalled") == ("True", "EndpointUnsupported"), seconds=120)
    assert json.dumps(service(world, code), sort_keys=True) == before
    ask(world, code, type="NodePort")
    wait_until("the end of it", lambda: condition(world, code, "Stalled")[0] == "False", seconds=120)

"""What operator, tenant accounts and the people on duty may do; and that every road to more is closed."""

from __future__ import annotations

import json
import os
import re
import subprocess
import sys
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import pytest

import rights_world
from e2e_world import AOI, KAEDE, World, wait_until
from kozutumi_cluster.demo.kubectl import Kubectl
from kozutumi_cluster.errors import ClusterError
from kozutumi_contract import labels
from kozutumi_operator import guard
from rights_roads import (
    ACCOUNT,
    ADMINISTRATOR_ROADS,
    CODE,
    CREATE,
    LEVEL,
    OPERATOR_ROADS,
    OWN,
    PEOPLE_ROADS,
    SYSTEM,
    Road,
    namespace,
    pod,
)

Said = dict[tuple[str, str], str | None]
GOLDEN = Path(__file__).parents[1] / "golden/rights"
OPERATOR = f"system:serviceaccount:{SYSTEM}:{ACCOUNT}"
PERSON = "test-person-on-duty"
SUBJECTS: dict[str, tuple[str, tuple[str, ...]]] = {
    "operator": (OPERATOR, (SYSTEM, labels.CANARY_NAMESPACE, "kozutumi-monitoring", OWN, "default", "kube-system")),
    "tenant-app": (f"system:serviceaccount:{OWN}:app", (OWN, labels.namespace(KAEDE), "kube-system")),
    "tenant-scanner": (f"system:serviceaccount:{OWN}:scanner", (OWN, labels.namespace(KAEDE), "kube-system")),
    "tenant-default": (f"system:serviceaccount:{OWN}:default", (OWN, labels.namespace(KAEDE), "kube-system")),
    "sre": (PERSON, (OWN, SYSTEM, "kube-system")),
}
# The last stands for "attempting to grant RBAC permissions not currently held", which ends in a list of them.
REFUSED = re.compile(r"[Ff]orbidden|denied the request|cannot|violates PodSecurity|\{APIGroups:")


@pytest.fixture(scope="module")
def on_duty(world: World) -> Iterator[None]:
    """A person who has the day-to-day role and nothing else."""
    binding = ("clusterrolebinding", "test-person-on-duty")
    world.kubectl("delete", *binding, "--ignore-not-found")
    world.kubectl("create", *binding, "--clusterrole=kozutumi-sre", f"--user={PERSON}")
    yield
    world.kubectl("delete", *binding)


@pytest.fixture(scope="module")
def operator(world: World, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Kubectl]:
    """kubectl with the operator's own token."""
    folder = tmp_path_factory.mktemp("operator")
    with rights_world.with_token(world.kubectl, folder, ACCOUNT, SYSTEM) as kubectl:
        yield kubectl


@pytest.mark.parametrize("subject", SUBJECTS)
@pytest.mark.usefixtures("on_duty")
def test_rights_are_as_reviewed(world: World, subject: str) -> None:
    user, namespaces = SUBJECTS[subject]
    matrices = {
        namespace.replace(AOI, "CODE").replace(KAEDE, "OTHER"): rights_world.rules(world.kubectl, user, namespace)
        for namespace in namespaces
    }
    text, path = rights_world.as_text(matrices), GOLDEN / f"{subject}.yaml"
    if os.environ.get("KOZUTUMI_UPDATE_GOLDEN") == "1":
        path.parent.mkdir(exist_ok=True)
        path.write_text(text, encoding="utf-8")
    assert text == path.read_text(encoding="utf-8")


def test_nobody_of_ours_has_a_right_that_makes_rights() -> None:
    for path in GOLDEN.glob("*.yaml"):
        text = path.read_text(encoding="utf-8")
        assert "*" not in re.sub(r"- '/(api|apis|openapi)/\*: get'", "", text), f"{path.name} has a wildcard"
        assert not re.search(r"escalate|impersonate|/exec|portforward|serviceaccounts/token|ephemeralcontainers", text)
        if path.stem != "operator":
            assert "secrets" not in text


def attempted(kubectl: Kubectl, road: Road, **names: str) -> str | None:
    """What kubectl says when it is refused; None where it is not."""
    words = [word.replace("{pod}", names["pod"]).replace("{node}", names["node"]) for word in road.words.split(" ")]
    try:
        kubectl(*words, stdin=json.dumps(road.sent) if road.sent else None, timeout=60)
    except ClusterError as error:
        return str(error)
    return None


@pytest.fixture(scope="module")
def said(world: World, operator: Kubectl, on_duty: None) -> Said:
    """Every road tried, several at a time; None where one was let through."""
    del on_duty
    app = world.pod(AOI, "app")
    where = {"pod": app["metadata"]["name"], "node": app["spec"]["nodeName"]}
    roads = {
        "operator": (operator, OPERATOR_ROADS),
        "person": (world.kubectl, {name: as_person(words) for name, words in PEOPLE_ROADS.items()}),
        "administrator": (world.kubectl, ADMINISTRATOR_ROADS),
    }
    with ThreadPoolExecutor(4) as pool:
        tried = {
            (who, name): pool.submit(attempted, kubectl, road, **where)
            for who, (kubectl, listed) in roads.items()
            for name, road in listed.items()
        }
    return {road: attempt.result() for road, attempt in tried.items()}


def as_person(words: str) -> Road:
    return Road(f"--as={PERSON} --as-group=system:authenticated {words}")


@pytest.mark.parametrize("name", OPERATOR_ROADS)
def test_the_operators_token_opens_no_road_to_more(said: Said, name: str) -> None:
    refusal = said["operator", name]
    assert refusal is not None, "it was let through"
    assert REFUSED.search(refusal), refusal


def test_the_token_is_the_operators_and_good_for_its_work(operator: Kubectl) -> None:
    """Or every refusal above would prove nothing."""
    assert operator.json("auth", "whoami")["status"]["userInfo"]["username"] == OPERATOR
    assert operator("get", "secret", "keyring", "-n", OWN, "-o", "name").strip() == "secret/keyring"
    operator(*CREATE.split(), stdin=json.dumps(pod(OWN)))
    operator(*CREATE.split(), stdin=json.dumps(namespace("kz-test-road", **{CODE: "test-road", LEVEL: "restricted"})))


@pytest.mark.parametrize("name", PEOPLE_ROADS)
def test_the_people_on_duty_do_not_touch(said: Said, name: str) -> None:
    refusal = said["person", name]
    assert refusal is not None, "it was let through"
    assert REFUSED.search(refusal), refusal


@pytest.mark.usefixtures("on_duty")
def test_the_people_on_duty_see(world: World) -> None:
    for seen in ("organizations", "pods", "events"):
        world.kubectl("get", seen, "-n", OWN, f"--as={PERSON}", "--as-group=system:authenticated")


@pytest.mark.parametrize("name", ADMINISTRATOR_ROADS)
def test_what_the_operator_manages_is_refused_even_to_cluster_admin(said: Said, name: str) -> None:
    assert "belong to the Kozutumi operator" in (said["administrator", name] or "it was let through")


def test_a_customers_own_secret_may_lie_beside(world: World) -> None:
    world.kubectl("create", "secret", "generic", "test-own", "-n", OWN, "--dry-run=server")


GUARDS = ("kozutumi-operator-role-bindings", "kozutumi-operator-namespaces", "kozutumi-operator-pods")


@pytest.fixture
def unguarded(world: World, operator: Kubectl) -> Iterator[Callable[[str], None]]:
    """Takes the binding of a policy away, and puts all back."""
    taken: list[dict[str, Any]] = []

    def take(policy: str) -> None:
        binding = world.kubectl.json("get", "validatingadmissionpolicybinding", policy)
        binding["metadata"] = {key: binding["metadata"][key] for key in ("name", "labels")}
        taken.append(binding)
        world.kubectl("delete", "validatingadmissionpolicybinding", policy)

    yield take
    for binding in taken:
        world.kubectl.apply(binding)
    for what, obj in guard.attempts(ACCOUNT, "localhost/none").items():
        wait_until(f"refusal to {what}", lambda: not let_through(operator, obj), seconds=30, interval=0.2)  # noqa: B023 - called at once


def let_through(kubectl: Kubectl, obj: dict[str, Any]) -> bool:
    try:
        kubectl(*CREATE.split(), stdin=json.dumps(obj))
    except ClusterError:
        return False
    return True


def started(world: World, operator: Kubectl) -> subprocess.CompletedProcess[str]:
    """The operator's own program, here, with its token and its settings."""
    settings = world.kubectl.json("get", "configmap", "kozutumi-platform", "-n", SYSTEM)["data"]
    environment = {**os.environ, **settings, "KUBECONFIG": str(operator.kubeconfig)}
    return subprocess.run(
        [sys.executable, "-m", "kozutumi_operator"],
        env=environment,
        capture_output=True,
        text=True,
        timeout=300,
        check=False,
    )


@pytest.mark.parametrize("policy", [GUARDS[0], *(pytest.param(each, marks=pytest.mark.slow) for each in GUARDS[1:])])
def test_the_operator_does_not_start_where_it_is_not_limited(
    world: World, operator: Kubectl, unguarded: Callable[[str], None], policy: str
) -> None:
    attempts = guard.attempts(ACCOUNT, "localhost/none")
    what = {
        "kozutumi-operator-role-bindings": "bind its role in kube-system",
        "kozutumi-operator-namespaces": f"make a namespace outside {labels.NAMESPACE_PREFIX}…",
        "kozutumi-operator-pods": "mount a Secret of another namespace",
    }[policy]
    unguarded(policy)
    wait_until(f"{policy} being gone", lambda: let_through(operator, attempts[what]), seconds=30, interval=0.2)
    ended = started(world, operator)
    assert ended.returncode == 1
    last = json.loads(ended.stdout.splitlines()[-1])
    assert (last["event"], last["error"]) == (
        "cannot_run",
        f"the operator may {what}; install the admission policies first",
    )

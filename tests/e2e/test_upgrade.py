"""Another operator takes over: no pod of an organization changes unless what it renders does, and then in waves."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest

import derived_image
import fleet_world
from e2e_world import AOI, KAEDE, World, wait_until
from kozutumi_contract import labels
from kozutumi_operator.manifests import pod

BOTH = (AOI, KAEDE)
SOURCE = Path(pod.__file__)


@contextmanager
def operator(world: World, image: str) -> Iterator[None]:
    """This operator at work while the block runs, then the one before again."""
    before = fleet_world.operator_image(world)
    put(world, image)
    try:
        yield
    finally:
        put(world, before)


def put(world: World, image: str) -> None:
    world.kubectl("set", "image", "-n", labels.SYSTEM_NAMESPACE, f"deployment/{fleet_world.OPERATOR}", f"*={image}")
    world.wait_rolled_out(labels.SYSTEM_NAMESPACE, fleet_world.OPERATOR)


def parts(world: World) -> dict[str, tuple[int, list[str]]]:
    """Every Deployment of both: its generation, and the uids of its pods."""
    found = {}
    for code in BOTH:
        namespace = labels.namespace(code)
        for each in world.kubectl.json("get", "deployments", "-n", namespace)["items"]:
            name, metadata = each["metadata"]["name"], each["metadata"]
            found[f"{code}/{name}"] = (metadata["generation"], pods_of(world, namespace, name))
    return found


def pods_of(world: World, namespace: str, component: str) -> list[str]:
    selector = f"{labels.COMPONENT}={component},!{labels.PROBE}"
    listed = world.kubectl.json("get", "pods", "-n", namespace, "-l", selector)["items"]
    return sorted(each["metadata"]["uid"] for each in listed if "deletionTimestamp" not in each["metadata"])


def period(world: World, code: str) -> Any:
    deployment = world.kubectl.json("get", "deployment", "app", "-n", labels.namespace(code))
    return deployment["spec"]["template"]["spec"]["containers"][0]["readinessProbe"]["periodSeconds"]


def wait_rendered(world: World, seconds: int) -> None:
    """Every app's readiness is asked for at this period, and the rollout is over."""
    wait_until(
        f"a period of {seconds} s for both", lambda: {period(world, code) for code in BOTH} == {seconds}, seconds=400
    )
    fleet_world.wait_phase(world, "Settled", seconds=300)


def looked_at(world: World) -> bool:
    """The operator at work has looked at both since it took over."""
    said = world.operator_said()
    return all(f'"service_code": "{code}"' in said or f'"service_code":"{code}"' in said for code in BOTH)


@pytest.mark.slow
def test_an_upgrade_changes_no_pod_unless_what_it_renders_changed(world: World, tmp_path: Path) -> None:
    fleet_world.wait_phase(world, "Settled")
    before = parts(world)
    text = SOURCE.read_text(encoding="utf-8")
    same = derived_image.operator_like(tmp_path, "same", {"kozutumi_operator/manifests/pod.py": text + "\n# newer\n"})
    with operator(world, same):
        wait_until("the newer operator looking at both", lambda: looked_at(world), seconds=300)
        assert parts(world) == before
    assert parts(world) == before

    now = f"READY_PERIOD: Final = {pod.READY_PERIOD}"
    assert now in text
    changed = text.replace(now, f"READY_PERIOD: Final = {pod.READY_PERIOD + 7}")
    other = derived_image.operator_like(tmp_path, "other", {"kozutumi_operator/manifests/pod.py": changed})
    with fleet_world.polling(world, BOTH) as polls, operator(world, other):
        wait_rendered(world, pod.READY_PERIOD + 7)
        after = parts(world)
        assert all(after[name][1] != before[name][1] for name in before if name.endswith("/app"))
    wait_rendered(world, pod.READY_PERIOD)
    print(f"polled {polls.counts}, failed {polls.failures}")
    assert polls.failures == []

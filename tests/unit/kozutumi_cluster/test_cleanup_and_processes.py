from __future__ import annotations

import os
import shutil
from pathlib import Path

import pytest

from kozutumi_cluster import cgroups, cleanup, node, processes
from kozutumi_cluster.layout import Layout

LAYOUT = Layout("t2", Path("/state/clusters"))
MOUNTINFO = """22 27 0:21 / /proc rw,relatime - proc proc rw
30 27 0:26 / /state/clusters/t2/kubelet rw - ext4 /dev/vda rw
31 27 0:26 / /state/clusters/t2/kubelet/pods/a\\040b rw - tmpfs tmpfs rw
32 27 0:26 / /state/clusters/t22/kubelet rw - ext4 /dev/vda rw
"""
MOUNTS = """tmpfs /sys/fs/cgroup tmpfs rw 0 0
cgroup /sys/fs/cgroup/cpuset cgroup rw,relatime,cpuset 0 0
cgroup2 /sys/fs/cgroup/unified cgroup2 rw,relatime 0 0
"""


def test_mounts_are_found_deepest_first_and_only_of_this_cluster() -> None:
    assert cleanup.mounts_below(LAYOUT.state, MOUNTINFO) == [
        Path("/state/clusters/t2/kubelet/pods/a b"),
        Path("/state/clusters/t2/kubelet"),
    ]


def test_a_pod_that_ends_during_the_listing_stops_nothing(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    for pod in ("going", "staying"):
        (tmp_path / "t2/kubepods" / pod / "container").mkdir(parents=True)
        (tmp_path / "t2/kubepods" / pod / "container/cgroup.procs").write_text("7\n" if pod == "staying" else "8\n")
    monkeypatch.setattr(cgroups, "present", lambda: [cgroups.Hierarchy(tmp_path, 2, frozenset())])
    scandir = os.scandir

    def vanishing(path: str | int) -> object:
        if isinstance(path, str) and path.endswith("going"):
            shutil.rmtree(path)
        return scandir(path)

    monkeypatch.setattr(os, "scandir", vanishing)
    assert cgroups.processes("t2") == {7}
    found = list(cgroups.folders("t2"))
    assert found.index(tmp_path / "t2/kubepods/staying") < found.index(tmp_path / "t2/kubepods") < len(found) - 1


def test_every_cgroup_hierarchy_is_found_in_either_version() -> None:
    found = cgroups.hierarchies(MOUNTS)
    assert [(hierarchy.path.name, hierarchy.version) for hierarchy in found] == [("cpuset", 1), ("unified", 2)]
    assert "cpuset" in found[0].options


@pytest.mark.parametrize("skipped", [0, 3], ids=["before nsenter becomes unshare", "as unshare"])
def test_what_launches_the_node_is_recognized_at_every_stage(skipped: int) -> None:
    assert processes.is_supervisor(tuple(node.launch_command(LAYOUT)[skipped:]), LAYOUT)


def test_another_clusters_supervisor_is_left_alone() -> None:
    other = Layout("t22", LAYOUT.clusters)
    elsewhere = Layout("t2", Path("/other/clusters"))
    for stranger in (other, elsewhere):
        assert not processes.is_supervisor(tuple(node.launch_command(stranger)), LAYOUT)


def test_a_program_that_only_mentions_the_cluster_is_left_alone() -> None:
    assert not processes.is_supervisor(("tail", "-f", "/state/clusters/t2/logs/kubelet.log"), LAYOUT)
    assert not processes.is_supervisor(("python", "-m", "kozutumi_cluster", "down", "--name", "t2"), LAYOUT)


def test_a_cluster_that_never_was_leaves_nothing(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("XDG_STATE_HOME", str(tmp_path))
    monkeypatch.setenv("PATH", str(tmp_path))
    assert cleanup.leftovers("never-was") == []


def test_a_state_folder_is_named_as_left_over(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("XDG_STATE_HOME", str(tmp_path))
    monkeypatch.setenv("PATH", str(tmp_path))
    state = Layout.of("never-was").state
    state.mkdir(parents=True)
    assert cleanup.leftovers("never-was") == [f"folder {state}"]

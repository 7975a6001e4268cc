from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest

from kozutumi_cluster import checks, packages
from kozutumi_cluster.checks import Machine
from kozutumi_cluster.errors import ClusterError

GOOD = Machine(
    user_id=0,
    disk_free=20 * 10**9,
    memory_total=8 * 1024**3,
    state_file_system="ext4",
    file_systems=frozenset({"overlay", "cgroup2", "ext4"}),
    state=Path("/state"),
)


def test_a_good_machine_has_no_problems() -> None:
    assert checks.problems(GOOD) == []


@pytest.mark.parametrize(
    ("machine", "words"),
    [
        (replace(GOOD, user_id=1000), "run this as root"),
        (replace(GOOD, disk_free=14 * 10**9), "15 GB of free disk are needed under /state, 14.0 GB are free"),
        (replace(GOOD, memory_total=4 * 1024**3), "6 GiB of memory are needed, this machine has 4.0 GiB"),
        (replace(GOOD, state_file_system="overlay"), "set XDG_STATE_HOME to a folder on ext4, xfs or btrfs"),
        (replace(GOOD, file_systems=frozenset({"cgroup"})), "The kernel lacks overlay file systems"),
    ],
)
def test_each_problem_is_one_line_with_what_to_do(machine: Machine, words: str) -> None:
    [problem] = checks.problems(machine)
    assert words in problem
    assert "\n" not in problem


def test_all_problems_are_told_at_once() -> None:
    with pytest.raises(ClusterError, match=r"(?s)root.*free disk"):
        checks.require(checks.problems(replace(GOOD, user_id=1, disk_free=0)))


def test_the_innermost_and_last_mount_decides_the_file_system() -> None:
    mounts = "rootfs / overlay rw 0 0\n/dev/a /home ext4 rw 0 0\n/dev/b /home xfs rw 0 0\n/dev/c /homes btrfs rw 0 0\n"
    assert checks.file_system_of(Path("/home/state"), mounts) == "xfs"
    assert checks.file_system_of(Path("/srv"), mounts) == "overlay"


def test_missing_packages_are_named_as_debian_names_them(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(packages, "_present", lambda sign: sign not in {"ip", "/usr/lib/cni/bridge"})
    assert packages.missing() == ["containernetworking-plugins", "iproute2"]

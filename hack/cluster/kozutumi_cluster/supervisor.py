"""The node's process 1: prepares mounts and sysctls, then keeps every component running.

Run as `python -m kozutumi_cluster.supervisor --name NAME --state FOLDER` inside new mount, pid and network
namespaces. It never ends by itself: SIGKILL to the `unshare` above it ends everything in the node at once.
"""

from __future__ import annotations

import argparse
import os
import shutil
import signal
import socket
import subprocess
import time
from dataclasses import dataclass
from pathlib import Path

from kozutumi_cluster import files
from kozutumi_cluster.components.model import Component

_TICK_SECONDS = 0.2
_GATE_SECONDS = 0.5
_LOG_CHECK_SECONDS = 15.0
_LOG_BYTES = 32 * 1024**2
_FIRST_BACK_OFF_SECONDS = 0.5
_LONGEST_BACK_OFF_SECONDS = 10.0
_STABLE_SECONDS = 30.0
_NODE_PATH = "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin"

SYSCTLS = {
    "net/ipv4/ip_forward": "1",
    "net/ipv4/conf/all/rp_filter": "0",
    "net/bridge/bridge-nf-call-iptables": "1",
}


@dataclass
class Watched:
    """The state of one component. Times are monotonic seconds."""

    component: Component
    pid: int = 0
    starts: int = 0
    failures_in_row: int = 0
    started_at: float = 0.0
    start_after: float = 0.0
    last_status: int | None = None

    @property
    def restarts(self) -> int:
        return max(0, self.starts - 1)


def back_off(failures_in_row: int) -> float:
    """Seconds before the next start: 0.5, 1, 2, 4, 8, then 10."""
    return float(min(_LONGEST_BACK_OFF_SECONDS, _FIRST_BACK_OFF_SECONDS * 2 ** (failures_in_row - 1)))


def ended(watched: Watched, status: int, now: float) -> None:
    """Record an end and when to start again; a long good run forgets earlier failures."""
    stable = now - watched.started_at >= _STABLE_SECONDS
    watched.failures_in_row = 1 if stable else watched.failures_in_row + 1
    watched.pid = 0
    watched.last_status = status
    watched.start_after = now + back_off(watched.failures_in_row)


def gate_open(gate: str) -> bool:
    """Whether something accepts connections at `tcp:<address>:<port>` or `unix:<path>`."""
    kind, _, rest = gate.partition(":")
    family = socket.AF_UNIX if kind == "unix" else socket.AF_INET
    host, _, port = rest.rpartition(":")
    with socket.socket(family, socket.SOCK_STREAM) as connection:
        connection.settimeout(_GATE_SECONDS)
        try:
            connection.connect(rest if kind == "unix" else (host, int(port)))
        except OSError:
            return False
    return True


def prepare_mounts(state: Path) -> None:
    """A file system view of the node's own. Nothing here is seen by the host, and all of it ends with the node."""
    kept = Path("/run/kozutumi-state")
    _mount("--make-rshared", "/")
    _mount("-t", "tmpfs", "-o", "mode=755", "tmpfs", "/run")
    kept.mkdir()
    _mount("--bind", str(state), str(kept))
    # Mount points under /var are made in an overlay, so that none has to be made, and removed, on the host.
    for folder in ("upper", "work"):
        Path("/run/var", folder).mkdir(parents=True)
    _mount("-t", "overlay", "-o", "lowerdir=/var,upperdir=/run/var/upper,workdir=/run/var/work", "overlay", "/var")
    if state.is_relative_to("/var"):
        _mount("--bind", str(kept), str(state))
    for folder, target in (("kubelet", "/var/lib/kubelet"), ("cni-cache", "/var/lib/cni")):
        (state / folder).mkdir(exist_ok=True)
        Path(target).mkdir(parents=True, exist_ok=True)
        _mount("--bind", str(state / folder), target)
    _mount("--make-rshared", "/")


def _mount(*arguments: str) -> None:
    subprocess.run(["mount", *arguments], check=True)  # noqa: S603, S607 - fixed words; PATH is the node's


def prepare_sysctls() -> None:
    for name, value in SYSCTLS.items():
        path = Path("/proc/sys", name)
        if path.exists():
            path.write_text(value)


class Supervisor:
    """Starts what is not running when its gates are open, reaps, records. One thread, no locks."""

    def __init__(self, state: Path, components: list[Component]) -> None:
        self._state = state
        self._watched = [Watched(component) for component in components]
        self._next_log_check = 0.0

    def run(self) -> None:
        # Blocked, a SIGCHLD is kept until sigtimedwait takes it, so no end is ever missed.
        signal.pthread_sigmask(signal.SIG_BLOCK, {signal.SIGCHLD})
        while True:
            now = time.monotonic()
            changed = self._reap(now)
            changed |= self._start(now)
            if changed:
                self._record()
            if now >= self._next_log_check:
                self._next_log_check = now + _LOG_CHECK_SECONDS
                self._limit_logs()
            signal.sigtimedwait({signal.SIGCHLD}, _TICK_SECONDS)

    def _reap(self, now: float) -> bool:
        """Every dead child, also those that process 1 only inherited."""
        changed = False
        while True:
            try:
                pid, status = os.waitpid(-1, os.WNOHANG)
            except ChildProcessError:
                return changed
            if pid == 0:
                return changed
            for watched in self._watched:
                if watched.pid == pid:
                    ended(watched, os.waitstatus_to_exitcode(status), now)
                    changed = True

    def _start(self, now: float) -> bool:
        changed = False
        for watched in self._watched:
            due = watched.pid == 0 and now >= watched.start_after
            if due and all(gate_open(gate) for gate in watched.component.gates):
                watched.pid = self._spawn(watched.component)
                watched.starts += 1
                watched.started_at = now
                changed = True
        return changed

    def _spawn(self, component: Component) -> int:
        log = str(self._log(component.name))
        # The containerd shim is looked up in PATH, so the folder of the programs comes first.
        path = f"{Path(component.argv[0]).parent}:{_NODE_PATH}"
        environment = {"PATH": path, "HOME": "/root", **dict(component.environment)}
        return os.posix_spawn(
            component.argv[0],
            component.argv,
            environment,
            file_actions=[
                (os.POSIX_SPAWN_OPEN, 0, "/dev/null", os.O_RDONLY, 0),
                (os.POSIX_SPAWN_OPEN, 1, log, os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o600),
                (os.POSIX_SPAWN_DUP2, 1, 2),
            ],
            setsid=True,
            setsigmask=[],
        )

    def _log(self, name: str) -> Path:
        return self._state / "logs" / f"{name}.log"

    def _limit_logs(self) -> None:
        """Copy and cut: the component goes on writing at the end of the same, now empty, file."""
        for watched in self._watched:
            log = self._log(watched.component.name)
            if log.exists() and log.stat().st_size > _LOG_BYTES:
                shutil.copyfile(log, log.with_suffix(".log.1"))
                os.truncate(log, 0)

    def _record(self) -> None:
        report = {
            watched.component.name: {"pid": watched.pid, "restarts": watched.restarts, "last": watched.last_status}
            for watched in self._watched
        }
        files.write_json(self._state / "supervisor.json", {"components": report})


def main() -> None:
    parser = argparse.ArgumentParser()
    parser.add_argument("--name", required=True)
    parser.add_argument("--state", type=Path, required=True)
    arguments = parser.parse_args()
    os.environ["PATH"] = _NODE_PATH
    prepare_mounts(arguments.state)
    prepare_sysctls()
    written = files.read_json(arguments.state / "components.json")
    components = [Component.from_json(value) for value in written]
    Supervisor(arguments.state, components).run()


if __name__ == "__main__":
    main()

"""The program of a probe pod: open connections, say which could be opened.

`python -m kozutumi_operator.probe` reads KOZUTUMI_PROBE, a JSON object `{"settle": seconds, "patience": seconds,
"targets": [[host, port, expected], …]}` with expected "open", "closed" or "any", and writes one letter per
target, in their order, to the termination message: c connected, d denied (refused, timed out, unreachable),
n name not resolved.
`python -m kozutumi_operator.probe listen PORT` accepts and closes connections: a listener that nothing protects.

Plain sockets and poll: every walk starts several of these, and asyncio alone would triple the start.
"""

from __future__ import annotations

import json
import os
import select
import socket
import sys
import time
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any, Final

CONNECTED: Final = "c"
DENIED: Final = "d"
NO_NAME: Final = "n"
_ATTEMPT: Final = 2.0  # seconds; a listener in the same cluster answers within milliseconds
_PAUSE: Final = 0.5
_TERMINATION_LOG: Final = Path("/dev/termination-log")
Target = tuple[str, int]


def attempts(targets: Sequence[Target], timeout: float = _ATTEMPT) -> list[str]:
    """One connection to each at the same time, closed at once; `timeout` in seconds."""
    outcomes = [DENIED] * len(targets)
    pending: dict[int, tuple[int, socket.socket]] = {}
    poll = select.poll()
    for index, (host, port) in enumerate(targets):
        try:
            family, _, _, _, address = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)[0]
        except socket.gaierror:
            outcomes[index] = NO_NAME
            continue
        connection = socket.socket(family, socket.SOCK_STREAM)
        connection.setblocking(False)
        connection.connect_ex(address)
        pending[connection.fileno()] = index, connection
        poll.register(connection, select.POLLOUT)
    end = time.monotonic() + timeout
    while pending and (left := end - time.monotonic()) > 0:
        for descriptor, _ in poll.poll(left * 1000):
            poll.unregister(descriptor)
            index, connection = pending.pop(descriptor)
            with connection:
                if connection.getsockopt(socket.SOL_SOCKET, socket.SO_ERROR) == 0:
                    outcomes[index] = CONNECTED
    for _, connection in pending.values():
        connection.close()
    return outcomes


def settled(outcome: str, expected: str) -> bool:
    return expected == "any" or (outcome == CONNECTED) == (expected == "open")


def judge(
    targets: Sequence[tuple[str, int, str]],
    patience: float,
    *,
    tried: Callable[[Sequence[Target]], list[str]] = attempts,
    pause: Callable[[float], None] = time.sleep,
) -> list[str]:
    """Try until each outcome is the expected one, or patience (seconds) runs out: rules reach a new pod late."""
    outcomes = [DENIED] * len(targets)
    left = list(range(len(targets)))
    end = time.monotonic() + patience
    while left:
        for index, outcome in zip(left, tried([targets[index][:2] for index in left]), strict=True):
            outcomes[index] = outcome
        left = [index for index in left if not settled(outcomes[index], targets[index][2])]
        if time.monotonic() > end:
            break
        if left:
            pause(_PAUSE)
    return outcomes


def walk(order: dict[str, Any], judge: Callable[[Sequence[tuple[str, int, str]], float], list[str]] = judge) -> str:
    """Open cells first: once they are, this pod's rules are in force, and a closed cell is closed by them."""
    targets: list[tuple[str, int, str]] = [(host, port, expected) for host, port, expected in order["targets"]]
    outcomes: dict[int, str] = {}
    time.sleep(float(order["settle"]))
    for kinds in (("open",), ("closed", "any")):
        chosen = [index for index, target in enumerate(targets) if target[2] in kinds]
        found = judge([targets[index] for index in chosen], float(order["patience"]))
        outcomes.update(zip(chosen, found, strict=True))
    return "".join(outcomes[index] for index in range(len(targets)))


def listen(port: int) -> None:
    with socket.create_server(("", port)) as server:
        while True:
            server.accept()[0].close()


def main(arguments: list[str], order: str | None) -> int:
    if arguments[:1] == ["listen"] and len(arguments) == 2:
        listen(int(arguments[1]))
    if order is None:
        sys.stderr.write("KOZUTUMI_PROBE is not set; the operator sets it in the pod\n")
        return 2
    _TERMINATION_LOG.write_text(walk(json.loads(order)), encoding="ascii")
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:], os.environ.get("KOZUTUMI_PROBE")))

"""`python -m kozutumi_operator`: the operator. The environment is read here, and nowhere else."""

from __future__ import annotations

import asyncio
import os
import signal
import subprocess
import sys
from types import FrameType

import structlog
from kubernetes.aio.config import ConfigException

from kozutumi_operator import configuration, guard, leading, logs, running
from kozutumi_operator.errors import OperatorError
from kozutumi_operator.organizations import fleet_record
from kozutumi_operator.platform import PlatformError

log = structlog.get_logger()


def main() -> int:
    logs.configure()
    try:
        configured = configuration.read(os.environ)
        if configured.test_hooks and "--child" not in sys.argv:
            log.warning("test_hooks_on", crash_after=configured.crash_after)
            return respawn()
        asyncio.run(running.run(configured))
    except (
        PlatformError,
        configuration.ConfigurationError,
        ConfigException,
        OperatorError,
        guard.UnguardedError,
        leading.LeaseLostError,
        fleet_record.RecordError,
    ) as error:
        log.critical("cannot_run", error=str(error))
        return 1
    return 0


def respawn() -> int:
    """For tests: start the operator again each time it was killed, without the kubelet's back-off."""
    stopping = False
    child: subprocess.Popen[bytes] | None = None

    def stop(signum: int, _: FrameType | None) -> None:
        nonlocal stopping
        stopping = True
        if child is not None:
            child.send_signal(signum)

    signal.signal(signal.SIGTERM, stop)
    signal.signal(signal.SIGINT, stop)
    while not stopping:
        child = subprocess.Popen([sys.executable, "-m", "kozutumi_operator", "--child"])
        code = child.wait()
        if code != -signal.SIGKILL:
            return code
    return 0


if __name__ == "__main__":
    sys.exit(main())

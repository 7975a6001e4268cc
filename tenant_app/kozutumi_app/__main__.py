"""`python -m kozutumi_app` serves; `… migrate` brings the database up to date; `… check` is the probe.

`… openapi` prints the OpenAPI document of the public port.
"""

from __future__ import annotations

import asyncio
import json
import logging
import os
import sys
from collections.abc import Mapping, Sequence

import structlog
import uvloop

from kozutumi_app import check, composition, serving
from kozutumi_app.adapters.database import migrate
from kozutumi_app.adapters.database.migrate import NewerDatabaseError
from kozutumi_app.application import openapi_document
from kozutumi_app.composition import StartError
from kozutumi_app.errors import KozutumiError
from kozutumi_contract.keyring import KeyRingError
from kozutumi_contract.settings import AppSettings, SettingsError, from_environment
from kozutumi_contract.tls import TlsError

_REFUSALS = (StartError, NewerDatabaseError, SettingsError, KeyRingError, TlsError, KozutumiError, ValueError)


def main(arguments: Sequence[str], environment: Mapping[str, str]) -> int:
    if arguments[:1] == ["check"]:
        return check.main(list(arguments[1:]))
    if list(arguments) == ["openapi"]:
        sys.stdout.write(openapi_document())
        return 0
    _log_json()
    try:
        settings = from_environment(AppSettings, environment)
        if list(arguments) == ["migrate"]:
            return _migrate(settings)
        if arguments:
            sys.stderr.write("usage: python -m kozutumi_app [migrate | openapi | check live|ready]\n")
            return 2
        _serve(settings)
    except _REFUSALS as error:
        sys.stderr.write(f"kozutumi_app does not start: {error}\n")
        return 1
    return 0


def _migrate(settings: AppSettings) -> int:
    database = composition.open_database(settings)
    before, after = migrate.upgrade(database)
    database.close()
    structlog.get_logger().info("database.migrated", before=before, after=after)
    return 0


def _serve(settings: AppSettings) -> None:
    composed = composition.compose(settings)
    composed.services.database.check()
    composed.keys.start()
    with asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner:
        runner.run(serving.serve(composed))


class _Skeleton(logging.Formatter):
    """A library's record without its arguments and traceback, which may hold names, addresses or tokens."""

    def format(self, record: logging.LogRecord) -> str:
        error = record.exc_info[0].__name__ if record.exc_info and record.exc_info[0] else None
        line = {"level": record.levelname.lower(), "event": str(record.msg), "logger": record.name, "error": error}
        return json.dumps(line, ensure_ascii=False)


def _log_json() -> None:
    """One JSON object a line on standard output."""
    handler = logging.StreamHandler(sys.stdout)
    handler.setFormatter(_Skeleton())
    logging.basicConfig(level=logging.WARNING, handlers=[handler])
    structlog.configure(
        processors=[
            structlog.processors.add_log_level,
            structlog.processors.TimeStamper(fmt="iso", utc=True),
            structlog.processors.JSONRenderer(ensure_ascii=False),
        ],
        wrapper_class=structlog.make_filtering_bound_logger(logging.INFO),
        logger_factory=structlog.WriteLoggerFactory(file=sys.stdout),
        cache_logger_on_first_use=True,
    )


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:], os.environ))

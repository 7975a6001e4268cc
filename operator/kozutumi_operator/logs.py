"""Structured logs: one JSON object a line on standard output, `service_code` beside what concerns one organization."""

from __future__ import annotations

import logging
import sys
from typing import Final

import structlog

NOISY: Final = ("kopf", "botocore", "boto3", "urllib3", "aiohttp", "asyncio")


def configure() -> None:
    """Call once, at start. Libraries speak from WARNING on; kopf's own talk of each event would drown ours."""
    shared: list[structlog.typing.Processor] = [
        structlog.processors.add_log_level,
        structlog.processors.TimeStamper(fmt="iso", utc=True),
        structlog.processors.format_exc_info,
    ]
    structlog.configure(
        processors=[*shared, structlog.processors.JSONRenderer()],
        logger_factory=structlog.PrintLoggerFactory(sys.stdout),
        cache_logger_on_first_use=True,
    )
    handler = logging.StreamHandler(sys.stdout)
    renderer = structlog.processors.JSONRenderer()
    handler.setFormatter(structlog.stdlib.ProcessorFormatter(processor=renderer, foreign_pre_chain=shared))
    logging.basicConfig(level=logging.WARNING, handlers=[handler], force=True)
    for name in NOISY:
        logging.getLogger(name).setLevel(logging.WARNING)

"""A served certificate that follows its Secret."""

from __future__ import annotations

import asyncio
from typing import Final

import structlog

from kozutumi_contract.tls import ReloadingContext, TlsError

CHECK: Final = 60.0  # seconds
log = structlog.get_logger()


async def follow(context: ReloadingContext, port: str) -> None:
    """Until cancelled. `port` is its name in the log."""
    while True:
        await asyncio.sleep(CHECK)
        try:
            if context.reload_if_changed():
                log.info("certificate_renewed", port=port)
        except TlsError as error:
            log.warning("certificate_kept", port=port, error=str(error))

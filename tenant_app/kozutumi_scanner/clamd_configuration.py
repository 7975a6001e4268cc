"""clamd's configuration: the fixed part is `clamd.conf` beside this file, paths and limits are added here."""

from __future__ import annotations

from importlib import resources
from typing import Final

from kozutumi_contract.settings import ScannerSettings

FILE_NAME: Final = "clamd.conf"
# libclamav counts in int and caps MaxFileSize just under 2 GiB.
ENGINE_LIMIT_BYTES: Final = 2**31 - 3


def render(settings: ScannerSettings, *, temporary_bytes: int) -> str:
    """`temporary_bytes` is the size of the file system that takes what clamd spools and unpacks."""
    share = temporary_bytes * 15 // 16 // settings.scan_concurrency
    largest = min(settings.max_scan_size, ENGINE_LIMIT_BYTES, share // 2)
    # Half for the file, half for what is found in it: in a film or an encrypted image clamd often meets by chance the
    # four bytes that begin a ZIP, and counts the rest of the file again. Never more than the folder takes: where that
    # is full, libclamav 1.4 ends the unpacking of PDF and ARJ in silence and calls the rest clean.
    looked_at = min(2 * largest, ENGINE_LIMIT_BYTES)
    added = {
        "LocalSocket": settings.clamd_socket,
        "DatabaseDirectory": settings.database_directory,
        "TemporaryDirectory": settings.temporary_directory,
        "StreamMaxLength": largest,
        # Measured with 1.4: libclamav cuts what it unpacks from a ZIP at MaxFileSize and calls the rest clean without
        # an alert. MaxScanSize alerts in every case, but only when it is not the larger of the two.
        "MaxFileSize": looked_at,
        "MaxScanSize": looked_at,
        # One for PING and one for the self-test beside the scans.
        "MaxThreads": settings.scan_concurrency + 2,
    }
    fixed = (resources.files("kozutumi_scanner") / FILE_NAME).read_text(encoding="utf-8")
    return fixed + "".join(f"{name} {value}\n" for name, value in added.items())


def maximum_stream(configuration: str) -> int:
    """Bytes that a rendered configuration lets one scan send; 0 if it says nothing."""
    for line in configuration.splitlines():
        if line.startswith("StreamMaxLength "):
            return int(line.split()[1])
    return 0

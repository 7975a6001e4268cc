"""Throughput of the file format against its two peers, measured in the same run on the same machine.

The peers: one AES-256-GCM call on each 64 KiB chunk without any format, and OpenSSL's own `speed`.
Prints MiB/s and each one's share of the bare calls. Writing also allocates what it returns, twice over,
so it shows what the machine's page faults cost more than what the format does.
"""

from __future__ import annotations

import re
import secrets
import shutil
import subprocess
import time
from collections.abc import Callable
from typing import Final

from cryptography.hazmat.primitives.ciphers.aead import AESGCM

from kozutumi_app.crypto.segments import CHUNK_BYTES, MAX_BYTES, Cipher, Writer, opened
from kozutumi_contract.secret import Secret

ROUNDS: Final = 20
ARRIVING_BYTES: Final = 64 * 1024  # what the server hands over at a time
MEBIBYTE: Final = 2**20


def rate(work: Callable[[], object]) -> float:
    """Best of the rounds, in MiB/s over one segment of 8 MiB."""
    best = float("inf")
    for _ in range(ROUNDS):
        started = time.perf_counter()
        work()
        best = min(best, time.perf_counter() - started)
    return MAX_BYTES / MEBIBYTE / best


def bare(content: bytes) -> None:
    cipher = AESGCM(bytes(32))
    for start in range(0, MAX_BYTES, CHUNK_BYTES):
        cipher.encrypt(start.to_bytes(12, "big"), content[start : start + CHUNK_BYTES], None)


def sealed(cipher: Cipher, content: bytes) -> bytes:
    writer = Writer(cipher)
    for start in range(0, MAX_BYTES, ARRIVING_BYTES):
        writer.write(content[start : start + ARRIVING_BYTES])
    return writer.finish()


def read(cipher: Cipher, stored: bytes) -> None:
    for _ in opened(cipher, MAX_BYTES, 0, MAX_BYTES, [stored]):
        pass


def openssl() -> float | None:
    """MiB/s of OpenSSL's command line on chunks of the same size, where it is installed."""
    program = shutil.which("openssl")
    if program is None:
        return None
    command = [program, "speed", "-seconds", "1", "-bytes", str(CHUNK_BYTES), "-evp", "aes-256-gcm"]
    ran = subprocess.run(command, capture_output=True, text=True, check=False)  # noqa: S603 - fixed arguments
    found = re.search(r"^AES-256-GCM\s+([\d.]+)k", ran.stdout, re.MULTILINE | re.IGNORECASE)
    return float(found[1]) * 1000 / MEBIBYTE if found else None


def main() -> None:
    content = secrets.token_bytes(MAX_BYTES)
    cipher = Cipher(Secret(secrets.token_bytes(32)), "benchmark", "f" * 26, "s" * 26, secrets.token_bytes(32))
    stored = sealed(cipher, content)
    peer = rate(lambda: bare(content))
    figures = {
        "bare AES-256-GCM calls": peer,
        "segment written": rate(lambda: sealed(cipher, content)),
        "segment read": rate(lambda: read(cipher, stored)),
    }
    if (speed := openssl()) is not None:
        figures["openssl speed"] = speed
    for name, value in figures.items():
        print(f"{name:24} {value:8.0f} MiB/s  {value / peer:6.0%}")


if __name__ == "__main__":
    main()

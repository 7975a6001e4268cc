"""clamd's INSTREAM over its unix socket: frames out, one answer back (clamd(8))."""

from __future__ import annotations

import asyncio
import contextlib
import socket
from collections.abc import AsyncIterable, Iterator
from typing import Final

from kozutumi_scanner import verdicts
from kozutumi_scanner.verdicts import NoVerdict, Verdict

CHUNK_BYTES: Final = 2**20
COMMAND: Final = b"zINSTREAM\0"
TERMINATOR: Final = bytes(4)
_ANSWER_BYTES: Final = 4096


class BodyTooLargeError(Exception):
    """The body went past `limit` bytes; clamd was cut off and gave no verdict."""


def frames(data: bytes) -> Iterator[bytes | memoryview]:
    """Cut data into chunks of at most 1 MiB, each after its length in 4 bytes, big-endian. Never the terminator."""
    view = memoryview(data)
    for start in range(0, len(view), CHUNK_BYTES):
        chunk = view[start : start + CHUNK_BYTES]
        yield len(chunk).to_bytes(4, "big")
        yield chunk


async def scan(path: str, body: AsyncIterable[bytes], *, limit: int) -> Verdict | NoVerdict:
    """Send the whole body and its terminator, then read the verdict.

    An exception of `body` (a sender gone) passes through, and clamd sees a stream without an end:
    nothing is scanned. Raises BodyTooLargeError after `limit` bytes.
    """
    loop = asyncio.get_running_loop()
    with socket.socket(socket.AF_UNIX, socket.SOCK_STREAM | socket.SOCK_NONBLOCK) as clamd:
        try:
            await loop.sock_connect(clamd, path)
        except OSError:
            return NoVerdict("clamd does not listen on its socket")
        if not await _send(loop, clamd, body, limit):
            # clamd hung up on us: its reason may lie in the socket, but "clean" it cannot be.
            refusal = verdicts.from_answer(await _answer(loop, clamd))
            return refusal if isinstance(refusal, NoVerdict) else NoVerdict("clamd answered before the end of the file")
        return verdicts.from_answer(await _answer(loop, clamd))


async def _send(loop: asyncio.AbstractEventLoop, clamd: socket.socket, body: AsyncIterable[bytes], limit: int) -> bool:
    """False when clamd no longer takes the stream."""
    sent = 0
    try:
        await loop.sock_sendall(clamd, COMMAND)
    except OSError:
        return False
    async for piece in body:
        sent += len(piece)
        if sent > limit:
            raise BodyTooLargeError
        for frame in frames(piece):
            try:
                await loop.sock_sendall(clamd, frame)
            except OSError:
                return False
    try:
        await loop.sock_sendall(clamd, TERMINATOR)
    except OSError:
        return False
    return True


async def _answer(loop: asyncio.AbstractEventLoop, clamd: socket.socket) -> bytes:
    answer = b""
    with contextlib.suppress(OSError):
        while len(answer) < _ANSWER_BYTES and (part := await loop.sock_recv(clamd, _ANSWER_BYTES)):
            answer += part
    return answer

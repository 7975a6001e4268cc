"""A small SMTP relay with real TLS, by STARTTLS or from the start, that keeps what it is sent."""

from __future__ import annotations

import asyncio
import email
import email.policy
import ssl
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from email.message import EmailMessage

CUT = "CUT"


@dataclass
class Sink:
    """`refuse` maps a command to the answer it gets instead of a welcome one, `script` to the answers of its first times.

    The command CONTENT stands for the end of a message's data, the answer CUT for a connection that breaks.
    Runs in a thread of its own.
    """

    context: ssl.SSLContext
    implicit: bool = False
    offers_starttls: bool = True
    refuse: dict[str, str] = field(default_factory=dict)
    script: dict[str, list[str]] = field(default_factory=dict)
    extensions: tuple[str, ...] = ("SMTPUTF8", "8BITMIME")
    envelopes: list[str] = field(default_factory=list)
    messages: list[EmailMessage] = field(default_factory=list)
    plain_commands: list[str] = field(default_factory=list)
    port: int = 0

    @contextmanager
    def running(self) -> Iterator[Sink]:
        loop = asyncio.new_event_loop()
        thread = threading.Thread(target=loop.run_forever)
        thread.start()
        try:
            server = asyncio.run_coroutine_threadsafe(self._start(), loop).result(120)
            self.port = server.sockets[0].getsockname()[1]
            yield self
            asyncio.run_coroutine_threadsafe(self._end(server), loop).result(120)
        finally:
            loop.call_soon_threadsafe(loop.stop)
            thread.join()
            loop.close()

    async def _start(self) -> asyncio.Server:
        return await asyncio.start_server(self._talk, "127.0.0.1", 0, ssl=self.context if self.implicit else None)

    async def _end(self, server: asyncio.Server) -> None:
        server.close()
        await server.wait_closed()
        others = asyncio.all_tasks() - {asyncio.current_task()}
        for task in others:
            task.cancel()
        await asyncio.gather(*others, return_exceptions=True)

    async def _talk(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        try:
            await self._converse(reader, writer)
        except (ConnectionError, ssl.SSLError, asyncio.IncompleteReadError):
            pass
        finally:
            writer.close()

    async def _converse(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        secure = self.implicit
        writer.write(b"220 sink ESMTP\r\n")
        while line := await reader.readline():
            command = line.split(maxsplit=1)[0].decode().upper()
            if not secure:
                self.plain_commands.append(command)
            if answer := self._answer(command, line):
                if answer == CUT:
                    return
                writer.write(f"{answer}\r\n".encode())
            elif command == "EHLO":
                writer.write(self._greeting())
            elif command == "STARTTLS":
                writer.write(b"220 go\r\n")
                await writer.start_tls(self.context)
                secure = True
            elif command == "DATA":
                writer.write(b"354 go\r\n")
                if not await self._keep(reader, writer):
                    return
            elif command == "QUIT":
                writer.write(b"221 bye\r\n")
                return
            else:
                writer.write(b"250 ok\r\n")
            await writer.drain()

    async def _keep(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> bool:
        """Take a message, whatever is answered then; False when the connection is to break."""
        raw = await reader.readuntil(b"\r\n.\r\n")
        answer = self._answer("CONTENT") or "250 kept"
        if answer == CUT or answer.startswith("2"):
            self.messages.append(email.message_from_bytes(raw[:-3], policy=email.policy.default))
        if answer == CUT:
            return False
        writer.write(f"{answer}\r\n".encode())
        return True

    def _greeting(self) -> bytes:
        extensions = ["sink", *self.extensions, *(["STARTTLS"] if self.offers_starttls else [])]
        parts = [f"250-{name}" for name in extensions[:-1]] + [f"250 {extensions[-1]}"]
        return "\r\n".join(parts).encode() + b"\r\n"

    def _answer(self, command: str, line: bytes = b"") -> str | None:
        if command in {"MAIL", "RCPT"}:
            self.envelopes.append(line.decode().strip())
        scripted = self.script.get(command)
        return scripted.pop(0) if scripted else self.refuse.get(command)

"""A network path that breaks: a TCP proxy in front of the app that tears every connection down at given moments."""

from __future__ import annotations

import contextlib
import socket
import struct
import threading
from collections.abc import Iterator, Sequence
from typing import Final

_PIECE: Final = 64 * 1024
_ABORT: Final = struct.pack("ii", 1, 0)  # SO_LINGER: RST instead of a farewell


class CuttingProxy:
    """Forwards to `target`. When `cuts[i]` bytes have passed towards it, everything that is open is reset."""

    def __init__(self, port: int, target: int, cuts: Sequence[int]) -> None:
        self._target = target
        self._left = sorted(cuts)
        self._passed = 0
        self._lock = threading.Lock()
        self._open: set[socket.socket] = set()
        self._listener = socket.create_server(("127.0.0.1", port))
        self.made = 0  # cuts
        threading.Thread(target=self._accept, daemon=True).start()

    def close(self) -> None:
        self._listener.close()
        self._reset()

    def _accept(self) -> None:
        while True:
            try:
                near, _ = self._listener.accept()
            except OSError:
                return
            try:
                far = socket.create_connection(("127.0.0.1", self._target))
            except OSError:
                near.close()
                continue
            with self._lock:
                self._open |= {near, far}
            threading.Thread(target=self._pump, args=(near, far, True), daemon=True).start()
            threading.Thread(target=self._pump, args=(far, near, False), daemon=True).start()

    def _pump(self, source: socket.socket, sink: socket.socket, upwards: bool) -> None:  # noqa: FBT001 - a thread's argument
        with contextlib.suppress(OSError):
            while piece := source.recv(_PIECE):
                sink.sendall(piece)
                if upwards and self._is_time(len(piece)):
                    self._reset()
                    return
            sink.shutdown(socket.SHUT_WR)
            return
        with contextlib.suppress(OSError):
            sink.shutdown(socket.SHUT_RDWR)

    def _is_time(self, size: int) -> bool:
        with self._lock:
            self._passed += size
            if not self._left or self._passed < self._left[0]:
                return False
            self._left.pop(0)
            self.made += 1
            return True

    def _reset(self) -> None:
        with self._lock:
            ended, self._open = self._open, set()
        for one in ended:
            with contextlib.suppress(OSError):
                one.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, _ABORT)
                one.shutdown(socket.SHUT_RDWR)
            one.close()


@contextlib.contextmanager
def cutting_proxy(port: int, target: int, cuts: Sequence[int]) -> Iterator[CuttingProxy]:
    proxy = CuttingProxy(port, target, cuts)
    try:
        yield proxy
    finally:
        proxy.close()

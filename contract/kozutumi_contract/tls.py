"""TLS contexts from mounted folders, renewed without a restart.

Each folder holds `tls.crt` and `tls.key` and, where a peer is verified, `ca.crt` (see `paths`).
The kubelet swaps such a folder by one rename of its `..data` link. Standard library only.
"""

from __future__ import annotations

import ssl
import threading
from dataclasses import dataclass, field
from pathlib import Path
from typing import Final

CERTIFICATE: Final = "tls.crt"
PRIVATE_KEY: Final = "tls.key"
PEER_CA: Final = "ca.crt"

# TLS 1.2 remains on public ports only: forward secrecy and AEAD (RFC 9325 §4.2).
_TLS12_CIPHERS: Final = "ECDHE+AESGCM:ECDHE+CHACHA20"


class TlsError(ValueError):
    """A certificate folder is missing, damaged or does not fit together; the message names the folder."""


@dataclass(slots=True)
class ReloadingContext:
    """An `ssl.SSLContext` whose certificate follows its folder.

    `reload_if_changed` affects new handshakes only. A new peer CA is trusted *in addition* until the
    process ends: OpenSSL cannot take one away from a live context.
    """

    context: ssl.SSLContext
    folder: Path | None
    ca: Path | None
    _loaded: tuple[bytes, ...] = ()
    _lock: threading.Lock = field(default_factory=threading.Lock)

    def reload_if_changed(self) -> bool:
        """Load the files again if their content changed. Keeps the old pair and raises TlsError if they do not fit."""
        with self._lock:
            content = self._read()
            if content == self._loaded:
                return False
            # A failed load leaves a context without a usable key, so a throw-away one tries first.
            self._load_into(ssl.SSLContext(self.context.protocol))
            self._load_into(self.context)
            self._loaded = content
            return True

    def _read(self) -> tuple[bytes, ...]:
        try:
            return tuple(path.read_bytes() for path in self._paths())
        except OSError as error:
            raise TlsError(f"cannot read {error.filename}; check that its Secret is mounted") from None

    def _paths(self) -> list[Path]:
        pair = [self.folder / CERTIFICATE, self.folder / PRIVATE_KEY] if self.folder else []
        return [*pair, self.ca] if self.ca else pair

    def _load_into(self, context: ssl.SSLContext) -> None:
        try:
            if self.folder:
                # Both files of one generation, even when the link is swapped between the two reads.
                generation = _generation(self.folder)
                context.load_cert_chain(generation / CERTIFICATE, generation / PRIVATE_KEY)
            if self.ca:
                context.load_verify_locations(self.ca)
        except (OSError, ssl.SSLError) as error:
            where = self.folder or self.ca
            raise TlsError(f"the certificate, key or CA of {where} cannot be used: {error}") from None


def server_context(folder: Path, *, require_client: bool) -> ReloadingContext:
    """A server's context. With `require_client`: TLS 1.3 (RFC 8446) and a certificate that `ca.crt` signed, or no service."""
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.options |= ssl.OP_NO_COMPRESSION | ssl.OP_NO_RENEGOTIATION
    context.set_ciphers(_TLS12_CIPHERS)
    if require_client:
        context.minimum_version = ssl.TLSVersion.TLSv1_3
        context.verify_mode = ssl.CERT_REQUIRED
    else:
        context.minimum_version = ssl.TLSVersion.TLSv1_2
    reloading = ReloadingContext(context, folder, folder / PEER_CA if require_client else None)
    reloading.reload_if_changed()
    return reloading


def client_context(ca: Path, folder: Path | None = None) -> ReloadingContext:
    """A client's context: trusts `ca` alone, checks the DNS name (RFC 9525), shows the pair of `folder` if given."""
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    context.minimum_version = ssl.TLSVersion.TLSv1_3 if folder else ssl.TLSVersion.TLSv1_2
    context.set_ciphers(_TLS12_CIPHERS)
    reloading = ReloadingContext(context, folder, ca)
    reloading.reload_if_changed()
    return reloading


def _generation(folder: Path) -> Path:
    link = folder / "..data"
    return link.resolve() if link.is_symlink() else folder

"""No pair of key and nonce is ever used twice (SP 800-38D §8): every cipher of the app is watched while it works.

Watched from the outside of `cryptography`, so that whatever the app does to make its nonces, the pairs are what counts.
"""

from __future__ import annotations

import base64
import hashlib
import random
from collections import Counter
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest
from cryptography.hazmat.primitives.ciphers.aead import AESGCM

import upload_world as world
from builders import MemoryBlobs, run_jobs
from crypto_world import FILE, TENANT, key
from kozutumi_app.crypto import columns, manifest, segments, wrapping
from kozutumi_app.crypto.segments import CHUNK_BYTES, Cipher
from upload_world import Sender

MODULES = (columns, manifest, segments, wrapping)


@dataclass
class Watched:
    """Every use of a cipher for encryption: SHA-256 of the key, and the nonce."""

    uses: Counter[tuple[bytes, bytes]] = field(default_factory=Counter)

    def cipher(self, secret: bytes) -> Any:
        watched, real, name = self, AESGCM(secret), hashlib.sha256(secret).digest()

        class Watching:
            def encrypt(self, nonce: bytes, data: Any, bound: bytes | None) -> bytes:
                watched.uses[name, bytes(nonce)] += 1
                return real.encrypt(nonce, data, bound)

            def decrypt(self, nonce: bytes, data: Any, bound: bytes | None) -> bytes:
                return real.decrypt(nonce, data, bound)

        return Watching()

    def repeated(self) -> list[tuple[bytes, bytes]]:
        return [pair for pair, count in self.uses.items() if count > 1]


@pytest.fixture
def watched(monkeypatch: pytest.MonkeyPatch) -> Watched:
    found = Watched()
    for module in MODULES:
        monkeypatch.setattr(module, "AESGCM", found.cipher)
    return found


def test_no_module_of_the_app_makes_a_cipher_unwatched() -> None:
    package = Path(columns.__file__).parents[1]
    makers = {path for path in package.rglob("*.py") if "ciphers" in path.read_text(encoding="utf-8")}
    assert makers == {Path(str(module.__file__)) for module in MODULES}


def test_the_watch_sees_a_salt_used_twice(watched: Watched) -> None:
    for _ in range(2):
        Cipher(key(9), TENANT, FILE, "s" * 26, bytes(32)).seal(0, b"chunk", last=True)
    assert len(watched.repeated()) == 1


def checksum(content: bytes) -> str:
    return "sha1 " + base64.b64encode(hashlib.sha1(content, usedforsecurity=False).digest()).decode()


async def disturbed(sender: Sender, blobs: MemoryBlobs, url: str, offset: int, bytes_: bytes, how: int) -> int:
    """One PATCH in one of the ways it may end; returns the offset after it."""
    if how == 0:  # the checksum is another's: what was encrypted is thrown away
        answer = await sender.append(url, offset, bytes_, Upload_Checksum=checksum(b"other"))
        assert answer.status_code == 460
    elif how == 1:  # the store takes nothing
        blobs.down = True
        assert (await sender.append(url, offset, bytes_)).status_code == 503
        blobs.down = False
    elif how == 2:  # the connection ends in the middle
        await sender.append(url, offset, cut(bytes_))
    else:
        assert (await sender.append(url, offset, bytes_)).status_code == 204
    return await sender.offset(url)


async def cut(content: bytes) -> Any:
    yield content[: len(content) // 2]
    raise ConnectionError


@pytest.mark.parametrize("seed", range(4))
async def test_what_is_sent_again_with_other_bytes_meets_no_used_nonce(
    tmp_path: Path, watched: Watched, seed: int
) -> None:
    chance = random.Random(seed)  # noqa: S311 - a test's order of events, the same at each run
    services, sender = await world.world(tmp_path)
    assert isinstance(services.blobs, MemoryBlobs)
    size = 6 * CHUNK_BYTES + 17
    url, offset, tries = await sender.created(size), 0, 0
    while offset < size:
        length = chance.choice([1, 100, CHUNK_BYTES, 2 * CHUNK_BYTES + 1])
        bytes_ = chance.randbytes(min(length, size - offset))  # other bytes at each try
        how = chance.randrange(4) if len(bytes_) > 1 else 3
        try:
            offset = await disturbed(sender, services.blobs, url, offset, bytes_, how)
        except ConnectionError:
            offset = await sender.offset(url)
        tries += 1
    await sender.send()
    run_jobs(services)
    assert (await sender.shown())["state"] == "Delivered"
    assert tries >= 3
    assert len(watched.uses) > 30
    assert watched.repeated() == []

"""What the use cases need from outside, as Protocols. Adapters implement them; tests pass simple ones."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Literal, Protocol

Outcome = Literal["clean", "infected", "unscannable"]


class Clock(Protocol):
    def now(self) -> datetime:
        """Return the time, aware and in UTC."""
        ...


class Random(Protocol):
    def __call__(self, size: int, /) -> bytes:
        """Return `size` unpredictable bytes (SP 800-90A)."""
        ...


@dataclass(frozen=True, slots=True)
class StoredObject:
    """An object as a listing shows it."""

    key: str
    modified: datetime


@dataclass(frozen=True, slots=True)
class UnfinishedUpload:
    """A multipart upload that was begun in the store and not ended. None of them is ours: segments are put whole."""

    key: str
    upload_id: str
    started: datetime


class Blobs(Protocol):
    """The organization's content bucket. Every method raises StorageUnavailable when the store does not answer."""

    def put(self, key: str, data: bytes | bytearray | memoryview) -> None: ...

    def get(self, key: str, *, offset: int = 0, length: int | None = None) -> bytes:
        """Bytes of one object; ObjectMissing if there is none."""
        ...

    def delete(self, key: str) -> None:
        """Delete; an absent object is no error."""
        ...

    def list(self, prefix: str) -> Iterator[str]: ...

    def entries(self, prefix: str) -> Iterator[StoredObject]:
        """Like `list`, with the time at which each object was put."""
        ...

    def unfinished(self) -> Sequence[UnfinishedUpload] | None:
        """Multipart leftovers, or None where the organization's credential may not ask for them."""
        ...

    def abort(self, upload: UnfinishedUpload) -> None: ...

    def check(self) -> None:
        """Raise StorageUnavailable unless the bucket answers."""
        ...

    def credential(self) -> str:
        """Fingerprint of the access key in use (kozutumi_contract.access_key)."""
        ...


class Archive(Protocol):
    """The organization's locked bucket: what is put there stays. Raises StorageUnavailable as Blobs does."""

    def put(self, key: str, data: bytes) -> None: ...

    def get(self, key: str) -> bytes:
        """Bytes of one object; ObjectMissing if there is none."""
        ...

    def list_after(self, prefix: str, after: str) -> Iterator[str]:
        """Names that begin with `prefix` and come after `after`, in their order."""
        ...


@dataclass(frozen=True, slots=True)
class Verdict:
    """`signature_published` is unknown (None) when the agent cannot say; then Clean must not be believed."""

    verdict: Outcome
    signature: str | None
    reason: str | None
    signature_version: str | None
    signature_published: datetime | None


@dataclass(frozen=True, slots=True)
class ScannerStatus:
    ok: bool
    message: str
    signature_version: str | None = None
    signature_age_seconds: int | None = None
    self_test: bool = False
    max_scan_size: int | None = None


class Scanner(Protocol):
    def scan(self, chunks: Iterable[bytes]) -> Verdict:
        """Verdict over the whole content; ScannerUnavailable unless the agent gave one."""
        ...

    def status(self) -> ScannerStatus:
        """Never raises: an agent that does not answer is a status too."""
        ...


@dataclass(frozen=True, slots=True)
class Mail:
    """One message to one person. `key` becomes the Message-ID, so a retry is recognizable as the same message.

    `sender` is the name beside the platform's address.
    """

    to: str
    subject: str
    text: str
    html: str
    key: str
    sender: str = ""


class Mailer(Protocol):
    def send(self, mail: Mail) -> None:
        """Return once the relay has accepted it.

        MailRefused when it never will, MailDeferred when it does not now, MailUnavailable when there is no relay.
        """
        ...

    def check(self) -> None:
        """Raise MailUnavailable unless the relay answers over verified TLS."""
        ...

"""Beginning an upload: room is reserved and a key of its own stored before a byte is taken."""

from __future__ import annotations

import contextlib
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Final

import sqlalchemy as sa
from sqlalchemy import Connection

from kozutumi_app.adapters.database.schema import files, transfers
from kozutumi_app.crypto import wrapping
from kozutumi_app.crypto.encoding import KEY_BYTES
from kozutumi_app.domain.filenames import safe_name, safe_path
from kozutumi_app.domain.files import FileState
from kozutumi_app.domain.identifiers import new_id
from kozutumi_app.errors import (
    Draining,
    InvalidInput,
    KeysOutOfDate,
    NotFound,
    QuotaExceeded,
    Refused,
    StorageUnavailable,
    TransferClosed,
    UploadTokenEnded,
    UploadTooLarge,
    UploadUnfinished,
)
from kozutumi_app.services import Services
from kozutumi_app.use_cases import (
    allowance,
    erasure,
    jobs,
    key_usage,
    own_transfers,
    policy_levels,
    request_limits,
    sending_rules,
    settings_store,
    upload_committing,
    upload_repeating,
    usage,
)
from kozutumi_app.use_cases import upload as uploads
from kozutumi_app.use_cases.upload import LIFETIME, Upload, Uploader
from kozutumi_contract.secret import Secret

MAX_FILES: Final = 1_000  # of one transfer
MAX_PARTS: Final = 500  # of one transfer, waiting to be joined
JOIN: Final = "concatenate"
PARTIAL: Final = "partial"
_DEFAULT_MEDIA_TYPE: Final = "application/octet-stream"
_MAX_MEDIA_TYPE: Final = 255


@dataclass(frozen=True, slots=True)
class NewFile:
    """What a sender says about a file. `path`: with its folders inside the transfer, or empty.

    `key`: names this creation, so that it is done once (`upload_repeating`).
    """

    transfer_id: str
    name: str
    media_type: str = ""
    path: str = ""
    key: str | None = None


def create(services: Services, uploader: Uploader, new: NewFile, size: int) -> Upload:
    """Reserve quota for `size` bytes and a key of the file's own. Refuses before anything is stored."""
    return _begin(services, uploader, _upload(services, uploader, new, size, FileState.UPLOADING, None), new.key)


def create_part(services: Services, uploader: Uploader, transfer_id: str, size: int, key: str | None = None) -> Upload:
    """Begin a part of a file to come. It is listed nowhere, and counts like a file until it is joined or expires."""
    new = NewFile(transfer_id, "part")
    return _begin(services, uploader, _upload(services, uploader, new, size, FileState.PART, PARTIAL), key)


def join(services: Services, uploader: Uploader, new: NewFile, part_ids: Sequence[str], concat: str) -> Upload:
    """Begin a file that takes the bytes of finished parts, each of which is used once, and their share of the quota.

    UploadUnfinished names no part that is missing bytes; NotFound and UploadGone are as for any upload.
    """
    if not part_ids or len(set(part_ids)) != len(part_ids) or len(part_ids) > MAX_PARTS:
        raise InvalidInput(f"name each part once, at most {MAX_PARTS}")
    with services.database.read() as tx:
        size = _size_of(tx, services, uploader, new.transfer_id, part_ids)

    def claim(tx: Connection, upload: Upload) -> None:
        if _size_of(tx, services, uploader, new.transfer_id, part_ids) != upload.size:
            raise UploadUnfinished
        for position, part_id in enumerate(part_ids):
            taken = {"joined_into": upload.file_id, "joined_position": position, "upload_expires_at": None}
            tx.execute(sa.update(files).where(files.c.id == part_id).values(taken))
        jobs.enqueue(tx, JOIN, upload.file_id, services.clock.now())

    upload = _upload(services, uploader, new, size, FileState.UPLOADING, concat)
    return _begin(services, uploader, upload, new.key, claim)


def _upload(
    services: Services, uploader: Uploader, new: NewFile, size: int, state: FileState, concat: str | None
) -> Upload:
    path = safe_path(new.path)
    return Upload(
        file_id=new_id(services.random),
        transfer_id=new.transfer_id,
        actor_id=uploader.actor_id,
        name=safe_name(path or new.name),
        media_type=_media_type(new.media_type),
        size=size,
        offset=0,
        state=state,
        expires_at=None if concat not in {None, PARTIAL} else services.clock.now() + LIFETIME,
        path=path,
        concat=concat,
    )


def _begin(
    services: Services,
    uploader: Uploader,
    upload: Upload,
    key_of_creation: str | None,
    claim: Callable[[Connection, Upload], None] | None = None,
) -> Upload:
    if uploader.file_id is not None:
        raise UploadTokenEnded  # it is for the upload that exists
    with services.database.read() as tx:
        if (made := upload_repeating.before(tx, services, uploader, upload, key_of_creation)) is not None:
            return made
        _require_room(tx, services, uploader, upload)
    key = Secret(services.random(KEY_BYTES))
    wrapped = wrapping.wrap(services.keyring, services.settings.service_code, upload.file_id, key)
    services.blobs.put(wrapping.object_key(upload.file_id), wrapped)
    try:
        manifest_id = None
        if upload.size == 0 and upload.state is FileState.UPLOADING:  # nothing will come that could complete it
            manifest_id = upload_committing.seal_manifest(services, upload, key)
            upload = replace(upload, state=FileState.SCANNING, expires_at=None)
        with services.database.write() as tx:
            upload_repeating.note(tx, services, upload, key_of_creation)
            _require_room(tx, services, uploader, upload)
            key_usage.require_current(tx, wrapping.version(wrapped))
            _insert(tx, services, upload, wrapping.version(wrapped), manifest_id)
            if claim is not None:
                claim(tx, upload)
            if manifest_id is not None:
                upload_committing.finish(tx, services, upload)
    except (Refused, Draining, KeysOutOfDate):
        _withdraw(services, upload.file_id)
        raise
    return upload


def _withdraw(services: Services, file_id: str) -> None:
    """Of an upload that never was. What stays, because the store does not answer, the reconciler finds."""
    with contextlib.suppress(StorageUnavailable):
        erasure.delete_objects(services, file_id)


def _require_room(tx: Connection, services: Services, uploader: Uploader, upload: Upload) -> None:
    if settings_store.is_draining(tx):
        raise Draining
    if uploader.transfer_id not in {None, upload.transfer_id}:
        raise NotFound
    own_transfers.require_open_for_files(tx, services, uploader.owner_id, upload.transfer_id)
    _require_policy(tx, services, uploader, upload)
    added = 0 if upload.is_final else upload.size  # the parts of a joined file have their room already
    request_limits.require_within(tx, services, upload.transfer_id, upload.name, added, is_part=upload.is_part)
    allowance.require_left(tx, services, added)
    used = usage.measure(tx).bytes
    if used + added > services.settings.quota_storage:
        raise QuotaExceeded(f"{max(services.settings.quota_storage - used, 0)} bytes are left")
    limit = MAX_PARTS if upload.is_part else MAX_FILES
    same = (files.c.state == FileState.PART) if upload.is_part else (files.c.state != FileState.PART)
    live = sa.and_(files.c.transfer_id == upload.transfer_id, files.c.deleted_at.is_(None), same)
    if tx.execute(sa.select(sa.func.count()).where(live)).scalar_one() >= limit:
        raise TransferClosed(f"a transfer has at most {limit} {'parts' if upload.is_part else 'files'}")


def _require_policy(tx: Connection, services: Services, uploader: Uploader, upload: Upload) -> None:
    """What the organization allows the sender. A guest's answer has the limits of the request besides the organization's."""
    if upload.size > services.settings.max_file_size:
        raise UploadTooLarge(f"at most {services.settings.max_file_size} bytes")
    answered = sa.select(transfers.c.request_id).where(transfers.c.id == upload.transfer_id)
    if tx.execute(answered).scalar_one() is not None:
        return
    policy = policy_levels.effective(tx, services, uploader.owner_id)
    if upload.is_part:  # it has no name yet
        policy = replace(policy, allowed_types=frozenset(), blocked_types=frozenset())
    sending_rules.require_file(policy, upload.name, upload.size)


def _size_of(tx: Connection, services: Services, uploader: Uploader, transfer_id: str, part_ids: Sequence[str]) -> int:
    size = 0
    for part_id in part_ids:
        part = uploads.find_in(tx, services, uploader, part_id)
        if not part.is_part or part.transfer_id != transfer_id:
            raise InvalidInput("only parts of the same transfer can be joined")
        if not part.is_complete:
            raise UploadUnfinished
        size += part.size
    return size


def _insert(tx: Connection, services: Services, upload: Upload, key_version: int, manifest_id: str | None) -> None:
    last = sa.select(sa.func.coalesce(sa.func.max(files.c.position), -1)).where(
        files.c.transfer_id == upload.transfer_id
    )
    now: datetime = services.clock.now()
    row = {
        "id": upload.file_id,
        "transfer_id": upload.transfer_id,
        "position": tx.execute(last).scalar_one() + 1,
        "name_sealed": _sealed(services, upload, "name_sealed", upload.name),
        "media_type_sealed": _sealed(services, upload, "media_type_sealed", upload.media_type),
        "path_sealed": _sealed(services, upload, "path_sealed", upload.path) if upload.path else None,
        "size": upload.size,
        "offset": 0,
        "state": upload.state,
        "key_version": key_version,
        "manifest_id": manifest_id,
        "upload_expires_at": upload.expires_at,
        "concat": upload.concat,
        "created_at": now,
        "updated_at": now,
    }
    tx.execute(sa.insert(files).values(row))
    uploads.record(tx, services, "file.upload_created", upload)


def _sealed(services: Services, upload: Upload, column: str, text: str) -> bytes:
    return services.columns.seal("files", column, upload.file_id, text)


def _media_type(text: str) -> str:
    kept = "".join(character for character in text if character.isascii() and character.isprintable())
    return kept[:_MAX_MEDIA_TYPE] or _DEFAULT_MEDIA_TYPE

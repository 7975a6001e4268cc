"""Which kinds of file a policy lets through: by name, and by what the first bytes are. Pure.

A file is judged by its name. Where its first bytes are known and do not go by that name, or where its name promises
bytes that are not there, it is judged a second time by what it really is; both judgements must let it pass.
"""

from __future__ import annotations

import mimetypes
from dataclasses import dataclass
from typing import Final

from kozutumi_app.domain.policies import Rules

HEAD_BYTES: Final = 512
UNKNOWN: Final = "application/octet-stream"
_TYPES: Final = mimetypes.MimeTypes()  # the module's own table would be read from the machine


@dataclass(frozen=True, slots=True)
class Signature:
    """First bytes of a kind of file: `mark` at `offset`. `endings`: names it goes by, the usual one first."""

    mark: bytes
    media_type: str
    endings: tuple[str, ...]
    offset: int = 0


_ZIPPED: Final = (
    ".zip", ".docx", ".docm", ".dotx", ".xlsx", ".xlsm", ".xltx", ".pptx", ".pptm", ".potx", ".ppsx", ".vsdx",
    ".odt", ".ods", ".odp", ".odg", ".jar", ".war", ".apk", ".ipa", ".epub", ".xps", ".oxps", ".kmz", ".3mf", ".cbz",
    ".nupkg", ".whl", ".xpi", ".crx", ".aar", ".msix", ".appx", ".usdz", ".jtd", ".pages", ".numbers", ".key", ".vsix",
)  # fmt: skip
_COMPOUND: Final = (".doc", ".dot", ".xls", ".xlt", ".ppt", ".pps", ".msg", ".msi", ".msp", ".vsd", ".mpp", ".pub", ".jtd", ".hwp")  # fmt: skip
_EXECUTABLE: Final = (".exe", ".dll", ".scr", ".com", ".sys", ".cpl", ".ocx", ".drv", ".efi", ".pif")
_SCRIPTS: Final = (".sh", ".bash", ".zsh", ".ksh", ".py", ".pl", ".rb", ".php", ".js", ".awk", ".command", ".run")
_ISO_MEDIA: Final = (".mp4", ".m4a", ".m4v", ".mov", ".3gp", ".3g2", ".heic", ".heif", ".avif", ".f4v", ".cr3", ".qt")
SIGNATURES: Final = (
    Signature(b"MZ", "application/vnd.microsoft.portable-executable", _EXECUTABLE),
    Signature(b"\x7fELF", "application/x-executable", (".elf", ".so", ".o", ".bin", ".run", ".ko", ".appimage")),
    Signature(b"\xcf\xfa\xed\xfe", "application/x-mach-binary", (".macho", ".dylib", ".o")),
    Signature(b"\xce\xfa\xed\xfe", "application/x-mach-binary", (".macho", ".dylib", ".o")),
    Signature(b"\xca\xfe\xba\xbe", "application/java-vm", (".class", ".dylib")),
    Signature(
        b"#!",
        "text/x-shellscript",
        (".sh", ".bash", ".zsh", ".ksh", ".py", ".pl", ".rb", ".php", ".js", ".awk", ".command", ".run"),
    ),
    Signature(b"\x4c\x00\x00\x00\x01\x14\x02\x00", "application/x-ms-shortcut", (".lnk",)),
    Signature(b"%PDF-", "application/pdf", (".pdf", ".ai")),
    Signature(b"PK\x03\x04", "application/zip", _ZIPPED),
    Signature(b"PK\x05\x06", "application/zip", _ZIPPED),
    Signature(b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1", "application/x-ole-storage", _COMPOUND),
    Signature(b"Rar!\x1a\x07", "application/vnd.rar", (".rar", ".cbr")),
    Signature(b"7z\xbc\xaf\x27\x1c", "application/x-7z-compressed", (".7z", ".cb7")),
    Signature(b"\x1f\x8b", "application/gzip", (".gz", ".tgz", ".svgz", ".emz", ".dia")),
    Signature(b"BZh", "application/x-bzip2", (".bz2", ".tbz", ".tbz2")),
    Signature(b"\xfd7zXZ\x00", "application/x-xz", (".xz", ".txz")),
    Signature(b"\x28\xb5\x2f\xfd", "application/zstd", (".zst", ".tzst")),
    Signature(b"MSCF", "application/vnd.ms-cab-compressed", (".cab", ".msu")),
    Signature(b"ustar", "application/x-tar", (".tar",), 257),
    Signature(b"\x89PNG\r\n\x1a\n", "image/png", (".png", ".apng")),
    Signature(b"\xff\xd8\xff", "image/jpeg", (".jpg", ".jpeg", ".jpe", ".jfif", ".mpo")),
    Signature(b"GIF87a", "image/gif", (".gif",)),
    Signature(b"GIF89a", "image/gif", (".gif",)),
    Signature(b"WEBP", "image/webp", (".webp",), 8),
    Signature(b"II*\x00", "image/tiff", (".tif", ".tiff", ".dng", ".nef", ".arw", ".cr2")),
    Signature(b"MM\x00*", "image/tiff", (".tif", ".tiff", ".dng", ".nef")),
    Signature(b"8BPS", "image/vnd.adobe.photoshop", (".psd", ".psb")),
    Signature(b"WAVE", "audio/wav", (".wav",), 8),
    Signature(b"AVI ", "video/x-msvideo", (".avi",), 8),
    Signature(b"ID3", "audio/mpeg", (".mp3",)),
    Signature(b"OggS", "audio/ogg", (".ogg", ".oga", ".ogv", ".opus")),
    Signature(b"fLaC", "audio/flac", (".flac",)),
    Signature(b"ftyp", "video/mp4", _ISO_MEDIA, 4),
    Signature(b"\x1a\x45\xdf\xa3", "video/webm", (".webm", ".mkv", ".mka")),
    Signature(b"{\\rtf", "application/rtf", (".rtf", ".doc")),
    Signature(b"SQLite format 3\x00", "application/vnd.sqlite3", (".sqlite", ".sqlite3", ".db")),
)
# Endings whose bytes are always one of the above. An MP3 or a text may begin otherwise, so only these promise anything.
_PROMISING: Final = frozenset(
    {
        ".exe", ".dll", ".pdf", ".zip", ".docx", ".xlsx", ".pptx", ".docm", ".xlsm", ".pptm", ".odt", ".ods", ".odp",
        ".jar", ".apk", ".epub", ".msi", ".rar", ".7z", ".gz", ".tgz", ".bz2", ".xz", ".png", ".jpg", ".jpeg", ".gif",
        ".webp", ".tif", ".tiff", ".psd", ".wav", ".avi", ".mp4", ".mov", ".heic", ".webm", ".mkv", ".flac", ".ogg",
    },
)  # fmt: skip
_OFFICE: Final = "application/vnd.openxmlformats-officedocument."
_MORE: Final = {
    ".docx": f"{_OFFICE}wordprocessingml.document",
    ".xlsx": f"{_OFFICE}spreadsheetml.sheet",
    ".pptx": f"{_OFFICE}presentationml.presentation",
    ".odt": "application/vnd.oasis.opendocument.text",
    ".ods": "application/vnd.oasis.opendocument.spreadsheet",
    ".odp": "application/vnd.oasis.opendocument.presentation",
    ".doc": "application/msword",
    ".xls": "application/vnd.ms-excel",
    ".ppt": "application/vnd.ms-powerpoint",
    ".jar": "application/java-archive",
    ".epub": "application/epub+zip",
    ".heic": "image/heic",
    ".heif": "image/heif",
    ".avif": "image/avif",
    ".mov": "video/quicktime",
    ".m4a": "audio/mp4",
    ".md": "text/markdown",
}


@dataclass(frozen=True, slots=True)
class Kind:
    """What a policy judges: a name in lower case, and the media type that belongs to it."""

    name: str
    media_type: str


def sniff(head: bytes) -> Signature | None:
    """Kind of file by its first bytes; None when they are none we know, as those of a text."""
    return next((each for each in SIGNATURES if head.startswith(each.mark, each.offset)), None)


def by_name(name: str) -> Kind:
    """Judged before the upload starts, when nothing else is known."""
    lowered = name.lower()
    return Kind(lowered, _media_type(_ending(lowered)))


def kinds(name: str, head: bytes) -> list[Kind]:
    """Everything that a file counts as: its name, and its content where that is something else."""
    named, found, ending = by_name(name), sniff(head), _ending(name.lower())
    if found is None:
        return [named, Kind("", UNKNOWN)] if ending in _PROMISING and head else [named]
    if ending in found.endings:
        return [named]
    return [named, Kind(f"content{found.endings[0]}", found.media_type)]


def passes(kind: Kind, allowed: Rules, blocked: frozenset[str]) -> bool:
    if any(_matches(kind, pattern) for pattern in blocked):
        return False
    return all(any(_matches(kind, pattern) for pattern in rule) for rule in allowed)


def _matches(kind: Kind, pattern: str) -> bool:
    """`.ending` is compared with the end of the name, so `.tar.gz` works; `image/*` with every image."""
    if pattern.startswith("."):
        return kind.name.endswith(pattern)
    family, _, member = pattern.partition("/")
    return kind.media_type == pattern or (member == "*" and kind.media_type.startswith(f"{family}/"))


def _media_type(ending: str) -> str:
    signed = next((each.media_type for each in SIGNATURES if ending in each.endings), UNKNOWN)
    return _MORE.get(ending) or _TYPES.types_map[1].get(ending) or signed


def _ending(name: str) -> str:
    stem, dot, last = name.rpartition(".")
    return f".{last}" if dot and stem else ""

"""`kubectl kozutumi support-bundle`: what a supporter needs to see, and nothing that a supporter may not."""

from __future__ import annotations

import io
import json
import tarfile
from collections.abc import Iterable, Iterator, Mapping
from datetime import UTC, datetime
from importlib import metadata
from pathlib import Path
from typing import Annotated, Any, Final

import typer

from kozutumi_cli.errors import CliError, KubectlError, NotFoundError
from kozutumi_cli.kubectl import owned, reading, session
from kozutumi_cli.kubectl.client import Kubectl
from kozutumi_cli.kubectl.redaction import Redaction
from kozutumi_contract import labels

_OWN: Final = tuple(
    f"{kind}.{labels.GROUP}" for kind in ("organizations", "organizationplans", "accessgrants", "announcements")
)
_PER_NAMESPACE: Final = (*owned.KINDS, *owned.MADE_OF_THEM, "events")
_CLUSTER: Final = ("nodes", "namespaces")
_LOG_LINES: Final = 5000
# The bundle holds no names of its own: whatever the time zone, the same content is the same file.
_MODE: Final = 0o600


def support_bundle(
    context: typer.Context,
    codes: Annotated[
        list[str] | None, typer.Argument(metavar="[CODE]...", help="Organizations; all, if none is named.")
    ] = None,
    *,
    output: Annotated[Path | None, typer.Option("--output", "-o", help="The archive to write (tar.gz).")] = None,
) -> None:
    """Collect what a supporter needs into an archive: no Secrets or ConfigMaps, no addresses, no tokens."""
    at_hand = session.of(context)
    now = at_hand.now()
    path = output or Path(f"kozutumi-support-{now.astimezone(UTC):%Y%m%dT%H%M%SZ}.tar.gz")
    chosen = codes or [reading.code(each) for each in at_hand.kubectl.organizations()]
    redaction, unread = Redaction(), dict[str, list[str]]()
    files = dict(collected(at_hand.kubectl, chosen, redaction, unread))
    files["manifest.json"] = _as_json(_manifest(chosen, files, redaction, unread, now))
    try:
        path.write_bytes(packed(files, now))
        path.chmod(_MODE)
    except OSError as error:
        raise CliError(f"{path} cannot be written ({error.strerror}).") from None
    at_hand.say(
        f"{path}: {len(files)} files, {sum(redaction.counts.values())} places redacted. Look through it before you send it."
    )
    for where, kinds in unread.items():
        at_hand.say(f"Not readable with your rights in {where}: {', '.join(kinds)}.", style="dim")


def collected(
    kubectl: Kubectl, codes: Iterable[str], redaction: Redaction, unread: dict[str, list[str]]
) -> Iterator[tuple[str, str]]:
    """Name and redacted content of each file. What may not be read is named in `unread`, by namespace."""
    for kind in (*_OWN, *_CLUSTER):
        found, refused = kubectl.listed([kind])
        _refused(unread, "the cluster", refused)
        if kind == _OWN[0]:
            found = [each for each in found if reading.code(each) in set(codes)]
        yield f"cluster/{kind.partition('.')[0]}.json", _as_json(redaction.object(found))
    namespaces = [labels.SYSTEM_NAMESPACE, labels.CANARY_NAMESPACE, *(labels.namespace(code) for code in codes)]
    for namespace in namespaces:
        found, refused = kubectl.listed(_PER_NAMESPACE, "-n", namespace)
        _refused(unread, namespace, [kind.partition(".")[0] for kind in refused])
        yield f"{namespace}/objects.json", _as_json(redaction.object(found))
    yield from _logs(kubectl, redaction, unread)


def _logs(kubectl: Kubectl, redaction: Redaction, unread: dict[str, list[str]]) -> Iterator[tuple[str, str]]:
    """The platform's own pods only: an organization's logs are its own."""
    pods, _ = kubectl.listed(["pods"], "-n", labels.SYSTEM_NAMESPACE)
    for pod in pods:
        name = str(pod["metadata"]["name"])
        try:
            said = kubectl("logs", "-n", labels.SYSTEM_NAMESPACE, name, "--all-containers", f"--tail={_LOG_LINES}")
        except (KubectlError, NotFoundError):
            _refused(unread, labels.SYSTEM_NAMESPACE, [f"log of {name}"])
        else:
            yield f"{labels.SYSTEM_NAMESPACE}/logs/{name}.log", redaction.text(said)


def packed(files: Mapping[str, str], now: datetime) -> bytes:
    out = io.BytesIO()
    with tarfile.open(fileobj=out, mode="w:gz") as archive:
        for name, content in sorted(files.items()):
            encoded = content.encode()
            entry = tarfile.TarInfo(f"kozutumi-support/{name}")
            entry.size, entry.mtime, entry.mode = len(encoded), int(now.timestamp()), _MODE
            archive.addfile(entry, io.BytesIO(encoded))
    return out.getvalue()


def _manifest(
    codes: Iterable[str],
    files: Iterable[str],
    redaction: Redaction,
    unread: Mapping[str, list[str]],
    now: datetime,
) -> dict[str, Any]:
    return {
        "collectedAt": now.isoformat(timespec="seconds"),
        "version": metadata.version("kozutumi"),
        "organizations": list(codes),
        "files": sorted(files),
        "redacted": {name: count for name, count in sorted(redaction.counts.items()) if count},
        "notReadable": dict(unread),
    }


def _refused(unread: dict[str, list[str]], where: str, kinds: Iterable[str]) -> None:
    for kind in kinds:
        unread.setdefault(where, []).append(kind)


def _as_json(value: Any) -> str:
    return json.dumps(value, ensure_ascii=False, indent=1) + "\n"

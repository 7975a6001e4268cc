"""`kozutumi audit`: check an exported audit log or a bundle of evidence, offline."""

from __future__ import annotations

import zipfile
import zlib
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Annotated, Any, Final

import typer
from cryptography.hazmat.primitives.asymmetric import ec
from rich.console import Console
from rich.markup import escape

from kozutumi_cli import running
from kozutumi_cli.errors import CliError
from kozutumi_contract import audit_evidence, audit_verifying, signed_document
from kozutumi_contract.audit_verifying import Fault, Report

REFUTED: Final = 3
_LONGEST_LINE: Final = 2**20
_MOST_SEALS: Final = 1_000_000

app = running.application("Check an organization's audit log, offline.")
_Key = Annotated[
    Path | None, typer.Option("--key", help="The organization's public audit key (PEM), kept since before.")
]
_Quiet = Annotated[bool, typer.Option("--quiet", help="Print nothing where everything holds.")]


@app.command("verify")
def verify(
    file: Annotated[Path, typer.Argument(help="The export (JSON lines).")],
    *,
    seals: Annotated[
        Path | None, typer.Option("--seals", help="Sealed heads: a file of lines, or a folder of the bucket's objects.")
    ] = None,
    key: _Key = None,
    head: Annotated[
        list[str] | None, typer.Option("--head", help="A head noted elsewhere, as SEQUENCE:HASH; may be repeated.")
    ] = None,
    withheld_ok: Annotated[
        bool, typer.Option("--withheld-ok", help="Details may have been taken out on purpose.")
    ] = False,
    quiet: _Quiet = False,
) -> None:
    """Check an export and name the first bad event. Exit status 0: it holds; 3: it does not; 1: a file cannot be used."""
    found = audit_verifying.verify(
        _Lines(file),
        key=None if key is None else _public_key(key),
        seals=() if seals is None else _seals(seals),
        heads=[_head(each) for each in head or ()],
        withheld_ok=withheld_ok,
    )
    if isinstance(found, Fault):
        _refute(found)
    elif not quiet:
        _show(found, sealed=seals is not None, pinned=key is not None)


@app.command("verify-evidence")
def verify_evidence(
    bundle: Annotated[Path, typer.Argument(help="The bundle of evidence (zip).")],
    *,
    key: _Key = None,
    quiet: _Quiet = False,
) -> None:
    """Check a bundle of evidence. Exit status 0: genuine; 3: not; 1: a file cannot be used."""
    try:
        with zipfile.ZipFile(bundle) as archive:
            names = archive.namelist()
            pinned = None if key is None else _public_key(key)
            found = audit_evidence.verify(names, lambda name: _member(archive, name), key=pinned)
    except OSError as error:
        raise CliError(f"{bundle} cannot be read ({error.strerror}).") from None
    except (zipfile.BadZipFile, zlib.error, EOFError, NotImplementedError, RuntimeError):  # the last: encrypted
        found = Fault(None, "the bundle is damaged, or is no zip file")
    if isinstance(found, Fault):
        _refute(found)
        return
    if not quiet:
        document, report = found
        _show_evidence(document)
        _show(report, sealed=True, pinned=key is not None)


class _Lines:
    """A file's lines, as often as need be. A line that no export has is cut, and then found damaged."""

    def __init__(self, path: Path) -> None:
        self._path = path

    def __iter__(self) -> Iterator[bytes]:
        try:
            with self._path.open("rb") as file:
                while line := file.readline(_LONGEST_LINE):
                    yield line
        except OSError as error:
            raise CliError(f"{self._path} cannot be read ({error.strerror}).") from None


def _member(archive: zipfile.ZipFile, name: str) -> Iterator[bytes]:
    with archive.open(name) as file:
        while line := file.readline(_LONGEST_LINE):
            yield line


def _seals(path: Path) -> Sequence[bytes]:
    """Of a folder every file, however deep: as a bucket's `audit/` is copied out."""
    if not path.is_dir():
        found = [line for line in _Lines(path) if line.strip()]
    else:
        found = [line for each in sorted(path.rglob("*.json")) for line in _Lines(each) if line.strip()]
    if not found:
        raise CliError(f"{path} holds no seals; give the file of seals, or a folder with the objects under audit/.")
    if len(found) > _MOST_SEALS:
        raise CliError(f"{path} holds more than {_MOST_SEALS} seals.")
    return found


def _public_key(path: Path) -> ec.EllipticCurvePublicKey:
    try:
        return signed_document.pinned(path.read_bytes())
    except OSError as error:
        raise CliError(f"{path} cannot be read ({error.strerror}).") from None
    except signed_document.SignerError as error:
        raise CliError(f"{path}: {error}; download it from the app's /api/v1/audit/key.") from None


def _head(text: str) -> tuple[int, str]:
    sequence, separator, digest = text.partition(":")
    if not separator or not sequence.isascii() or not sequence.isdecimal() or len(digest) != 64:
        raise CliError(f"{text!r} is no head; write it as SEQUENCE:HASH, with the hash in 64 hexadecimal digits.")
    return int(sequence), digest.lower()


def _refute(fault: Fault) -> None:
    where = "" if fault.sequence is None else f"event {fault.sequence}: "
    told = f"[red]does not hold:[/red] {where}{escape(fault.reason)}"
    Console(stderr=True).print(told, highlight=False, soft_wrap=True)
    raise typer.Exit(REFUTED)


def _show(report: Report, *, sealed: bool, pinned: bool) -> None:
    console = Console(highlight=False, soft_wrap=True)
    name, events = escape(report.service_code), report.events
    console.print(
        f"[green]holds:[/green] {name}, {events} events ({report.first} to {report.last}), exported {report.made}"
    )
    console.print(f"signed by key {report.key}{'' if pinned else ' (compare it with the one you know, or give --key)'}")
    for at in report.restored:
        console.print(f"[yellow]restored:[/yellow] at event {at} the log was put back; what had followed was lost")
    if report.withheld:
        console.print(f"[yellow]withheld:[/yellow] the details of {report.withheld} events")
    if not sealed:
        console.print(
            "[yellow]not compared with sealed heads:[/yellow] whoever has the key could have recomputed all of it"
        )
    elif report.sealed_through is None:
        console.print("[yellow]no seal falls into this part:[/yellow] it hangs on none")
    else:
        console.print(
            f"sealed up to event {report.sealed_through}; what follows could still be recomputed by the key's holder"
        )
    if report.beyond is not None:
        console.print(
            f"[yellow]the log goes on:[/yellow] a head of event {report.beyond} is known, this export ends before it"
        )


def _show_evidence(document: dict[str, Any]) -> None:
    console = Console(highlight=False, soft_wrap=True)
    about = ", ".join(f"{name} {value}" for name, value in document["about"].items() if value)
    console.print(
        f"evidence of {escape(about)}, taken {escape(str(document['made']))} by {escape(str(document['made_by']))}"
    )
    console.print(f"reason: {escape(str(document['reason']))}")

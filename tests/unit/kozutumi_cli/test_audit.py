from __future__ import annotations

import io
import json
import zipfile
from pathlib import Path

import pytest
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import ec
from typer.testing import CliRunner, Result

import audit_world as world
from kozutumi_cli import main
from kozutumi_cli.errors import CliError
from kozutumi_contract import audit_evidence

LINES = world.chain(6)
EXPORT = world.export(LINES)
SEALS = world.seals(LINES, [2, 4])


def run(*words: object) -> Result:
    return CliRunner().invoke(main.app, ["audit", *map(str, words)])


def file(folder: Path, lines: list[bytes], name: str = "audit.jsonl") -> Path:
    path = folder / name
    path.write_bytes(b"".join(lines))
    return path


def public(folder: Path, key: ec.EllipticCurvePrivateKey) -> Path:
    form = serialization.PublicFormat.SubjectPublicKeyInfo
    return file(folder, [key.public_key().public_bytes(serialization.Encoding.PEM, form)], "key.pem")


def test_a_log_that_holds_is_told_with_what_binds_it(tmp_path: Path) -> None:
    path = file(tmp_path, EXPORT)
    result = run("verify", path, "--seals", file(tmp_path, SEALS, "seals"), "--key", public(tmp_path, world.key()))
    assert result.exit_code == 0, result.stderr
    for said in ("holds", "acme", "6 events (1 to 6)", "sealed up to event 4"):
        assert said in result.stdout
    assert "not compared" in run("verify", path).stdout
    assert run("verify", path, "--quiet").stdout == ""


def test_seals_may_be_a_folder_as_the_bucket_has_it(tmp_path: Path) -> None:
    folder = tmp_path / "bucket" / "audit"
    folder.mkdir(parents=True)
    for number, seal in enumerate(SEALS, 1):
        file(folder, [seal], f"{number:020d}.json")
    result = run("verify", file(tmp_path, EXPORT), "--seals", tmp_path / "bucket")
    assert "sealed up to event 4" in result.stdout


@pytest.mark.parametrize("place", range(1, 7))
def test_the_first_bad_event_is_named_with_status_3(tmp_path: Path, place: int) -> None:
    lines = [*EXPORT[:place], world.edited(EXPORT[place], outcome="forged"), *EXPORT[place + 1 :]]
    result = run("verify", file(tmp_path, lines))
    assert result.exit_code == 3
    assert f"event {place}:" in result.stderr


def test_a_recomputed_log_a_foreign_key_and_a_noted_head_end_with_status_3(tmp_path: Path) -> None:
    forged = world.export(world.chain(6, outcome="forged"))
    path = file(tmp_path, forged)
    assert run("verify", path).exit_code == 0
    result = run("verify", path, "--seals", file(tmp_path, SEALS, "seals"))
    assert (result.exit_code, "recomputed" in result.stderr) == (3, True)
    assert run("verify", path, "--head", f"3:{LINES[2].event.hash.hex()}").exit_code == 3
    assert run("verify", path, "--key", public(tmp_path, world.key("another"))).exit_code == 3


def test_a_file_that_cannot_be_used_is_an_error_of_another_kind(tmp_path: Path) -> None:
    path = file(tmp_path, EXPORT)
    (tmp_path / "empty").mkdir()
    for words in (
        [tmp_path / "absent"],
        [path, "--key", path],
        [path, "--key", tmp_path / "absent"],
        [path, "--seals", tmp_path / "empty"],
        [path, "--head", "3"],
    ):
        assert isinstance(run("verify", *words).exception, CliError)
    assert isinstance(run("verify-evidence", tmp_path / "absent").exception, CliError)


def bundle(**changed: bytes) -> bytes:
    contents = {
        audit_evidence.EVENTS: b"".join(EXPORT),
        audit_evidence.SEALS: b"".join(SEALS),
        audit_evidence.README: b"see docs/security/audit.md\n",
        audit_evidence.PUBLIC_KEY: world.key()
        .public_key()
        .public_bytes(serialization.Encoding.PEM, serialization.PublicFormat.SubjectPublicKeyInfo),
    }
    members = {}
    for name, content in contents.items():
        measured = audit_evidence.member()
        measured.update(content)
        members[name] = measured.document()
    document = {
        "service_code": "acme",
        "made": world.MADE,
        "made_by": "a1",
        "reason": "調査",
        "about": {"object": "t1"},
    }
    contents[audit_evidence.MANIFEST] = audit_evidence.render_manifest(document | {"members": members}, world.key())
    target = io.BytesIO()
    with zipfile.ZipFile(target, "w") as archive:
        for name, content in (contents | changed).items():
            archive.writestr(name, content)
    return target.getvalue()


def test_evidence_is_told_and_a_changed_bundle_is_not_genuine(tmp_path: Path) -> None:
    key = public(tmp_path, world.key())
    result = run("verify-evidence", file(tmp_path, [bundle()], "good.zip"), "--key", key)
    assert result.exit_code == 0, result.stderr
    assert "調査" in result.stdout
    for name, content in (
        ("events.jsonl", b"".join(EXPORT[:-2])),
        ("README.txt", b"other"),
        ("more.txt", b"x"),
        ("manifest.json", json.dumps({}).encode()),
    ):
        changed = file(tmp_path, [bundle(**{name: content})], "bad.zip")
        assert run("verify-evidence", changed, "--key", key).exit_code == 3
    assert run("verify-evidence", file(tmp_path, [b"no zip"], "no.zip")).exit_code == 3
    other = public(tmp_path, world.key("another"))
    assert run("verify-evidence", tmp_path / "good.zip", "--key", other).exit_code == 3

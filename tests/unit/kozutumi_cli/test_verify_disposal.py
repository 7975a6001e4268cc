from __future__ import annotations

import json
from pathlib import Path

import pytest
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import ec
from typer.testing import CliRunner

from kozutumi_cli import main
from kozutumi_cli.errors import CliError
from kozutumi_cli.kubectl import main as plugin
from kozutumi_contract import disposal_certificate

KEY, OTHER = ec.generate_private_key(ec.SECP256R1()), ec.generate_private_key(ec.SECP256R1())
DOCUMENT = {
    "serviceCode": "acme",
    "organizationUid": "u",
    "requested": {"at": "2026-11-24T12:00:00Z"},
    "completed": "2026-11-24T12:01:00Z",
    "existed": {},
    "destroyed": [{"what": "KeyRing", "name": "Secret kz-acme/keyring", "at": "2026-11-24T12:00:10Z"}],
    "kept": [
        {"what": "ArchiveBucket", "name": "kozutumi-acme-archive", "until": "2027-01-01T00:00:00Z"},
        {"what": "EtcdCopies", "name": "backups of etcd", "until": None},
    ],
}


def public(folder: Path, key: ec.EllipticCurvePrivateKey) -> Path:
    path = folder / "disposal.pub"
    form = serialization.PublicFormat.SubjectPublicKeyInfo
    path.write_bytes(key.public_key().public_bytes(serialization.Encoding.PEM, form))
    return path


def certificate(folder: Path, content: bytes) -> Path:
    path = folder / "disposal.json"
    path.write_bytes(content)
    return path


@pytest.mark.parametrize("app", [main.app, plugin.app])
def test_a_genuine_one_is_told_with_what_stays_and_until_when(app: object, tmp_path: Path) -> None:
    file = certificate(tmp_path, disposal_certificate.seal(DOCUMENT, KEY))
    result = CliRunner().invoke(app, ["verify-disposal", str(file), "--key", str(public(tmp_path, KEY))])  # type: ignore[arg-type]  # a Typer
    assert result.exit_code == 0
    for said in ("genuine", "acme", "Secret kz-acme/keyring", "kozutumi-acme-archive", "2027-01-01", "not stated"):
        assert said in result.stdout


def test_quiet_says_nothing(tmp_path: Path) -> None:
    file = certificate(tmp_path, disposal_certificate.seal(DOCUMENT, KEY))
    words = ["verify-disposal", str(file), "--key", str(public(tmp_path, KEY)), "--quiet"]
    result = CliRunner().invoke(main.app, words)
    assert (result.exit_code, result.stdout) == (0, "")


def test_an_edited_and_a_foreign_signed_one_end_with_status_3(tmp_path: Path) -> None:
    pinned = public(tmp_path, KEY)
    edited = json.loads(disposal_certificate.seal(DOCUMENT, KEY))
    edited["document"]["kept"] = []
    for content, said in (
        (json.dumps(edited).encode(), "changed"),
        (disposal_certificate.seal(DOCUMENT, OTHER), "another key"),
    ):
        file = certificate(tmp_path, content)
        result = CliRunner().invoke(main.app, ["verify-disposal", str(file), "--key", str(pinned)])
        assert result.exit_code == 3
        assert "not genuine" in result.stderr
        assert said in result.stderr


def test_a_file_that_cannot_be_used_is_an_error_of_another_kind(tmp_path: Path) -> None:
    file = certificate(tmp_path, disposal_certificate.seal(DOCUMENT, KEY))
    for words in ([str(file), "--key", str(file)], [str(tmp_path / "absent"), "--key", str(public(tmp_path, KEY))]):
        result = CliRunner().invoke(main.app, ["verify-disposal", *words])
        assert isinstance(result.exception, CliError)

"""A bundle full of decoys: none of them leaves, and what a supporter needs does."""

from __future__ import annotations

import io
import json
import stat
import tarfile
from pathlib import Path

import pytest

import plugin_world
from fake_kubectl import FakeApi, Object
from kozutumi_cli.kubectl.redaction import Redaction

JWT = "eyJhbGciOiJSUzI1NiIsImtpZCI6IngifQ.eyJzdWIiOiJrb3p1dHVtaSJ9.c2lnbmF0dXJlLW9mLXRoZS10b2tlbg"
PEM = "-----BEGIN EC PRIVATE KEY-----\nMHcCAQEEIGxkZWNveS1rZXktbm90LXJlYWw=\n-----END EC PRIVATE KEY-----"
RANDOM = "q8XbN2vLrT5yKcW9mZ4hJ7dF1gS6pA3eUoI0wRtY"
DECOYS = {
    "an administrator's address": ("admin@aoi-law.example", "admin@aoi-law.example"),
    "an address in Japanese": ("連絡先は 担当@例え.jp です", "担当@例え.jp"),
    "a token": (f"got {JWT} from the kubelet", JWT),
    "the rest of a token": (f"got {JWT}", "c2lnbmF0dXJlLW9mLXRoZS10b2tlbg"),
    "a private key": (f"file:\n{PEM}\nend", "MHcCAQEEIGxkZWNveS1rZXktbm90LXJlYWw="),
    "a key cut off": (PEM[:60], "MHcCAQEEIGxkZWNveS1rZ"),
    "an authorization header": ("Authorization: Bearer abcdefgh12345678", "abcdefgh12345678"),
    "basic credentials": ("proxy said: Basic aGFuYWtvOnBhc3M=", "aGFuYWtvOnBhc3M="),
    "a password in a URL": ("https://hanako:hunter2@db.example/x", "hunter2"),
    "a password for a bare host": ("postgresql://hanako:hunter3@db/x", "hunter3"),
    "a one-time code in a link": ("GET /r/1?code=483921&x=1", "483921"),
    "an access key": ("using AKIAIOSFODNN7EXAMPLE", "AKIAIOSFODNN7EXAMPLE"),
    "an access key of our making": ("KZ0123456789ABCDEF01", "KZ0123456789ABCDEF01"),
    "an assignment": ("S3_SECRET_ACCESS_KEY=wJalrXUtn", "wJalrXUtn"),
    "a JSON field": ('{"api_key": "shortone"}', "shortone"),
    "random text": (f"value {RANDOM} end", RANDOM),
    "base64 of a key ring's key": ("q83vEjRWeJq83vEjRWeJq83vEjRWeJq83vEjRWeJq80=", "q83vEjRWeJq83vEjRWeJq83v"),
}
NEEDED = {
    "an image by its digest": "localhost/kozutumi-app@sha256:" + "3f" * 32,
    "a pod's name": "app-6c9f7d8b5-x7k2p",
    "a uid": "0d9c2f5e-8a3b-4c1d-9e7f-123456789abc",
    "a message": "Signatures are 30 h old: see the mirror's log.",
    "a bucket": "bucket/kozutumi-aoi-law-archive",
    "a time": "2026-11-24T11:15:00Z",
    "an address range": "10.244.0.0/16",
}


@pytest.mark.parametrize("case", DECOYS)
def test_a_decoy_is_taken_out_of_text(case: str) -> None:
    text, secret = DECOYS[case]
    assert secret not in Redaction().text(text)


@pytest.mark.parametrize("case", NEEDED)
def test_what_a_supporter_needs_stays(case: str) -> None:
    assert Redaction().text(NEEDED[case]) == NEEDED[case]


@pytest.mark.parametrize(
    "piece", ["ab12", "a.", "aB1", "password.", "https://a?b=c&", "a@", "eyJhbGciOi", "-----BEGIN A-----"]
)
def test_a_long_blob_takes_no_longer_than_its_length(piece: str) -> None:
    """With a pattern of quadratic cost this does not end within the test's own limit."""
    Redaction().text(piece * (400_000 // len(piece)))


def test_one_address_stays_one_person() -> None:
    redaction = Redaction()
    text = redaction.text("a@x.example asked, b@x.example agreed, A@x.example thanked")
    assert text == "[address-1] asked, [address-2] agreed, [address-1] thanked"


@pytest.mark.parametrize(
    "field",
    [
        {"kind": "Secret", "metadata": {"name": "keyring"}, "data": {"keyring.json": "DECOY"}},
        {"kind": "ConfigMap", "metadata": {"name": "x", "annotations": {"note": "DECOY"}}, "data": {"x": "DECOY"}},
        {"kind": "Pod", "spec": {"containers": [{"env": [{"name": "DB_PASSWORD", "value": "DECOY"}]}]}},
        {"kind": "Pod", "metadata": {"annotations": {"kubectl.kubernetes.io/last-applied-configuration": "DECOY"}}},
        {"kind": "Pod", "metadata": {"managedFields": [{"manager": "DECOY"}]}},
        {"kind": "Organization", "spec": {"authentication": {"clientSecret": "DECOY"}}},
        {"kind": "Organization", "spec": {"password": "DECOY"}},
        {"kind": "List", "items": [{"kind": "Secret", "metadata": {"name": "x"}, "stringData": {"x": "DECOY"}}]},
    ],
)
def test_a_field_that_holds_a_secret_is_emptied(field: Object) -> None:
    assert "DECOY" not in json.dumps(Redaction().object(field))


def test_a_reference_to_a_secret_stays() -> None:
    pod = {"kind": "Pod", "spec": {"volumes": [{"secret": {"secretName": "keyring"}}], "sessionAffinity": "None"}}
    assert Redaction().object(pod) == pod


@pytest.fixture
def api() -> FakeApi:
    text = "; ".join([*(decoy for decoy, _ in DECOYS.values()), *NEEDED.values()])
    organization = plugin_world.organization("aoi-law", plugin_world.condition("Ready", "False", "Stalled", text))
    pod = {
        "kind": "Pod",
        "metadata": {"name": "kozutumi-operator-1", "namespace": "kozutumi-system", "annotations": {"note": text}},
        "spec": {"containers": [{"name": "operator", "env": [{"name": "TOKEN", "value": "DECOY-ENV"}]}]},
    }
    silent = {"kind": "Pod", "metadata": {"name": "signature-mirror-1", "namespace": "kozutumi-system"}}
    event = {"kind": "Event", "metadata": {"name": "x", "namespace": "kz-aoi-law"}, "message": text}
    others = plugin_world.organization("kaede-bank")
    return FakeApi(
        objects={"organizations": [organization, others], "pods": [pod, silent], "events": [event]},
        forbidden={"get rolebindings"},
        absent={"httproutes"},
        logs={"kozutumi-operator-1": text},
    )


def read(path: Path) -> dict[str, str]:
    with tarfile.open(path) as archive:
        members = archive.getmembers()
        assert all(member.isfile() and member.mode == 0o600 for member in members)
        return {member.name: io.TextIOWrapper(archive.extractfile(member) or io.BytesIO()).read() for member in members}


def test_no_decoy_is_in_the_bundle(api: FakeApi, tmp_path: Path) -> None:
    path = tmp_path / "bundle.tar.gz"
    shown, result = plugin_world.run(api, "support-bundle", "aoi-law", "--output", str(path))
    assert result.exit_code == 0, result.exception
    files = read(path)
    everything = "\n".join([*files, *files.values()])
    for _, secret in DECOYS.values():
        assert secret not in everything
    assert "DECOY-ENV" not in everything
    for needed in NEEDED.values():
        assert needed in everything
    assert "kaede-bank" not in everything
    assert "Look through it before you send it" in shown
    assert stat.S_IMODE(path.stat().st_mode) == 0o600


def test_the_bundle_says_what_it_holds_and_what_could_not_be_read(api: FakeApi, tmp_path: Path) -> None:
    path = tmp_path / "bundle.tar.gz"
    plugin_world.run(api, "support-bundle", "aoi-law", "--output", str(path))
    files = read(path)
    manifest = json.loads(files["kozutumi-support/manifest.json"])
    assert manifest["organizations"] == ["aoi-law"]
    assert {f"kozutumi-support/{name}" for name in manifest["files"]} == set(files) - {"kozutumi-support/manifest.json"}
    assert manifest["redacted"]["address"] > 0
    assert "rolebindings" in manifest["notReadable"]["kz-aoi-law"]
    assert "log of signature-mirror-1" in manifest["notReadable"]["kozutumi-system"]


def test_secrets_and_config_maps_are_not_even_asked_for(api: FakeApi, tmp_path: Path) -> None:
    plugin_world.run(api, "support-bundle", "--output", str(tmp_path / "bundle.tar.gz"))
    asked = {words[1] for words in api.said if words[0] == "get"}
    assert asked.isdisjoint({"secrets", "configmaps"})

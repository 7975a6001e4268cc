"""The configurations of clamd and freshclam."""

from __future__ import annotations

from pathlib import Path

import pytest

from kozutumi_contract.settings import ScannerSettings
from kozutumi_scanner import clamd_configuration, freshclam_configuration, publishing

MEBIBYTE = 2**20


def settings(**changed: object) -> ScannerSettings:
    given = {"service_code": "acme", "mirror_url": "https://mirror.example:8443/", **changed}
    return ScannerSettings(**given)  # type: ignore[arg-type]


def options(text: str) -> dict[str, str]:
    lines = [line.split(maxsplit=1) for line in text.splitlines() if line.strip() and not line.startswith("#")]
    found = {name: value for name, value in lines if name not in {"ExcludeDatabase", "DatabaseCustomURL"}}
    assert len(found) == len([name for name, _ in lines if name in found]), "an option stands twice"
    return found


def test_what_cannot_be_looked_into_raises_an_alert() -> None:
    found = options(clamd_configuration.render(settings(), temporary_bytes=512 * MEBIBYTE))
    assert (found["AlertExceedsMax"], found["AlertEncrypted"], found["DisableCache"]) == ("yes", "yes", "yes")
    assert found["LeaveTemporaryFiles"] == "no"
    assert not {"TCPSocket", "TCPAddr", "LogFile", "User"} & found.keys()


@pytest.mark.parametrize(
    ("temporary", "concurrency", "largest"),
    [
        pytest.param(1024 * MEBIBYTE, 1, 480 * MEBIBYTE, id="half of fifteen sixteenths of the folder"),
        pytest.param(1024 * MEBIBYTE, 2, 240 * MEBIBYTE, id="shared by two scans"),
        pytest.param(2**40, 1, 2**31 - 3, id="the engine's own limit"),
    ],
)
def test_the_limits_follow_the_temporary_folder(temporary: int, concurrency: int, largest: int) -> None:
    own = settings(scan_concurrency=concurrency)
    text = clamd_configuration.render(own, temporary_bytes=temporary)
    found = options(text)
    assert int(found["StreamMaxLength"]) == largest
    assert clamd_configuration.maximum_stream(text) == largest
    # Were MaxScanSize the larger, a ZIP's entry would be cut at MaxFileSize and the rest taken for clean.
    assert int(found["MaxScanSize"]) <= int(found["MaxFileSize"])
    # Were it larger than the folder, what does not fit there could pass unseen.
    assert largest <= int(found["MaxScanSize"]) <= temporary // concurrency
    assert int(found["MaxThreads"]) > concurrency


def test_a_configuration_that_says_nothing_lets_nothing_through() -> None:
    assert clamd_configuration.maximum_stream("# nothing\n") == 0


def test_a_scan_that_is_built_to_be_slow_ends_as_unscannable_before_the_agent_gives_up() -> None:
    own = settings()
    found = options(clamd_configuration.render(own, temporary_bytes=512 * MEBIBYTE))
    assert int(found["MaxScanTime"]) / 1000 < own.scan_timeout


def test_freshclam_asks_the_mirror_for_our_signatures_alone() -> None:
    text = freshclam_configuration.for_scanner(settings(), owner="nobody")
    assert "DatabaseCustomURL https://mirror.example:8443/kozutumi.ndb\n" in text
    assert [f"ExcludeDatabase {name}" in text for name in ("main", "daily", "bytecode")] == [True] * 3
    assert "clamav.net" not in text


def test_vendor_databases_come_from_the_mirror_too() -> None:
    text = freshclam_configuration.for_scanner(settings(mirror_databases=("main", "daily")), owner="nobody")
    assert "DatabaseCustomURL https://mirror.example:8443/daily.cvd\n" in text
    assert "clamav.net" not in text


def test_every_built_in_signature_is_well_formed_and_the_source_holds_no_test_virus(tmp_path: Path) -> None:
    for line in publishing.builtin().decode().splitlines():
        name, target, offset, pattern = line.split(":")
        assert name.startswith(("Kozutumi.Opaque.", "Kozutumi.Test."))
        assert target == "0"
        assert offset == "*" or offset.isdecimal()
        assert len(pattern) >= 6
    package = Path(publishing.__file__).parent
    whole = b"EICAR-STANDARD-" + b"ANTIVIRUS-TEST-FILE"
    assert not [path for path in package.glob("*.*") if whole in path.read_bytes()]
    assert publishing.read_seed(tmp_path).signatures == publishing.builtin()

"""The pure parts of the pages: assets, formats, words, paths, limits."""

from __future__ import annotations

import hashlib
import re
from datetime import UTC, datetime
from importlib import resources

import pytest

from kozutumi_app.domain.transfers import TransferState
from kozutumi_app.errors import NotFound
from kozutumi_app.use_cases.transfer_views import FileView, TransferView
from kozutumi_app.web.pages import assets, context, formats, limits, terms_form, views
from kozutumi_app.web.pages.words import Words

NOON = datetime(2026, 1, 5, 12, 30, tzinfo=UTC)


def test_vendored_libraries_are_byte_for_byte_what_was_recorded() -> None:
    record = (resources.files("kozutumi_app.web") / "static" / "vendor" / "VENDORED.md").read_text("utf-8")
    recorded = {name: digest for digest, name in re.findall(r"^([0-9a-f]{64})  (\S+)$", record, re.MULTILINE)}
    scripts = {name: asset for name, asset in assets.ASSETS.items() if name.startswith("vendor/") and ".js" in name}
    assert recorded == {
        name.removeprefix("vendor/"): hashlib.sha256(asset.content).hexdigest() for name, asset in scripts.items()
    }
    assert len(recorded) == 2


def test_an_asset_has_an_address_that_changes_with_the_content() -> None:
    assert assets.url("css/app.css") == f"/static/{assets.VERSION}/css/app.css"
    with pytest.raises(KeyError, match="no asset"):
        assets.url("css/absent.css")


@pytest.mark.parametrize("name", ["../i18n.py", "/etc/passwd", "css", "vendor/VENDORED.md", ""])
async def test_only_listed_assets_are_served(name: str) -> None:
    with pytest.raises(NotFound):
        await assets.asset(assets.VERSION, name)


async def test_an_asset_of_an_older_version_is_served_but_not_kept() -> None:
    assert "immutable" in (await assets.asset(assets.VERSION, "icon.svg")).headers["Cache-Control"]
    assert (await assets.asset("0" * 16, "icon.svg")).headers["Cache-Control"] == "no-cache"


@pytest.mark.parametrize(
    ("count", "shown"),
    [
        (0, "0 B"),
        (1023, "1,023 B"),
        (1024, "1 KiB"),
        (1536, "1.5 KiB"),
        (314_572_800, "300 MiB"),
        (2**31 - 1, "2 GiB"),
        (5 * 2**40, "5 TiB"),
        (5 * 2**50, "5,120 TiB"),
    ],
)
def test_sizes(count: int, shown: str) -> None:
    assert formats.size(count, "en") == shown
    assert formats.size(count, "ja") == shown


def test_times_carry_their_zone() -> None:
    assert formats.instant(NOON, "ja") == "2026年1月5日 21:30 (日本時間)"
    assert formats.instant(NOON, "en") == "5 Jan 2026, 12:30 UTC"
    assert formats.instant(None, "en") == "–"
    assert formats.iso(NOON) == "2026-01-05T12:30:00+00:00"
    assert formats.iso(None) == ""


@pytest.mark.parametrize(
    ("seconds", "english", "japanese"),
    [
        (1, "1 minute", "1分"),
        (3_599, "59 minutes", "59分"),
        (3_600, "1 hour", "1時間"),
        (604_800, "7 days", "7日"),
    ],
)
def test_durations(seconds: int, english: str, japanese: str) -> None:
    assert formats.duration(seconds, "en") == english
    assert formats.duration(seconds, "ja") == japanese


@pytest.mark.parametrize(
    ("given", "followed"),
    [
        ("/transfers/abc", "/transfers/abc"),
        ("//evil.test/", "/"),
        ("/\\evil.test", "/"),
        ("/a\\b", "/"),
        ("https://evil.test/", "/"),
        ("/a\nSet-Cookie: x", "/"),
        ("", "/"),
    ],
)
def test_a_sign_in_leads_only_to_this_site(given: str, followed: str) -> None:
    assert context.local_path(given) == followed


def test_choices_of_expiry_end_at_the_longest_allowed() -> None:
    day = 86_400
    assert limits.expiries(7 * day, 30 * day) == (day, 3 * day, 7 * day, 14 * day, 30 * day)
    assert limits.expiries(2 * day, 5 * day) == (day, 2 * day, 3 * day, 5 * day)
    assert limits.expiries(600, 3600) == (600, 3600)


def test_addresses_are_split_as_people_type_them() -> None:
    assert terms_form.split_addresses(" a@x.test, b@x.test；c@x.test、d@x.test\n") == [
        "a@x.test", "b@x.test", "c@x.test", "d@x.test",
    ]  # fmt: skip
    assert terms_form.split_addresses("  ") == []


def test_every_state_has_words_in_both_languages() -> None:
    for state in TransferState:
        english, japanese = Words("en").transfer(state), Words("ja").transfer(state)
        assert english.meaning, state
        assert english.label != japanese.label, state
    assert Words("en").outcome("code_wrong") == "refused (code_wrong)"
    assert Words("ja").outcome("clean") == "安全"
    assert Words("en").event("a.new_one") == "a.new_one"


def test_a_refused_file_marks_the_transfer_and_names_the_signature() -> None:
    infected = _file("Infected", verdict='{"verdict": "infected", "signature": "Test.Marker"}')
    shown = views.transfer(_transfer("AwaitingFiles", infected, _file("Clean")))
    assert shown.blocked
    assert [file.signature for file in shown.files] == ["Test.Marker", None]
    assert shown.size == 20


@pytest.mark.parametrize(("state", "listed"), [("Draft", 1), ("Delivered", 1), ("Recalled", 2), ("Deleted", 2)])
def test_files_taken_out_are_listed_only_once_all_is_over(state: str, listed: int) -> None:
    shown = views.transfer(_transfer(state, _file("Clean"), _file("Clean", deleted_at=NOON)))
    assert len(shown.files) == listed


def test_a_page_asks_again_only_while_something_can_change() -> None:
    polling = {state: views.transfer(_transfer(state, _file("Clean"))).polling for state in TransferState}
    assert {state for state, seconds in polling.items() if seconds} == {
        TransferState.AWAITING_FILES,
        TransferState.AWAITING_APPROVAL,
        TransferState.HELD,
        TransferState.DELIVERED,
    }


def _file(state: str, *, verdict: str | None = None, deleted_at: datetime | None = None) -> FileView:
    return FileView("f", "name", "name", "text/plain", 10, 10, state, None, verdict, deleted_at)


def _transfer(state: str, *files: FileView) -> TransferView:
    return TransferView(
        id="t",
        state=state,
        subject="subject",
        message="",
        created_at=NOON,
        delivered_at=None,
        recalled_at=None,
        expires_at=NOON,
        expires_in=3600,
        max_downloads=3,
        authentication="EmailCode",
        has_password=False,
        hold_for=0,
        held_until=None,
        notify="First",
        warn_before=None,
        files=files,
        recipients=[],
    )

"""Every type of audit event is in the catalogue, in both languages; every route that changes something leaves one."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any, Final

import pytest
from fastapi.routing import APIRoute

import audit_catalogue as source
from builders import make_services
from kozutumi_app.application import Port, create_application
from kozutumi_app.use_cases import consent, mailing
from kozutumi_app.web import i18n
from kozutumi_app.web.pages.event_names import EVENTS
from routes import flat

CATALOGUE: Final = Path("docs/security/audit-events.md")
_ROW: Final = re.compile(r"\| `([a-z_]+\.[a-z_]+)` \| ([^|]+) \| ([^|]+) \|")
_BY_OPERATOR: Final = {"grant.opened", "grant.closed"}  # kozutumi_operator.reconcile.granting
_IN_CONTRACT: Final = {"audit.pruned", "audit.restored"}  # constants of kozutumi_contract.audit_verifying
_LATER: Final = ("bounced", "delayed")  # use_cases.mail_records
_PUT_TOGETHER: Final = {
    "mail.{}": {f"mail.{kind}" for kind in mailing.WRITERS} | {f"mail.{state}" for state in _LATER},
    "change.{}": {f"change.{state}" for state in consent.State if state is not consent.State.PENDING},
    "key.version_{}": {f"key.version_{state}" for state in ("added", "activated", "retired", "removed")},
}
_READING: Final = frozenset({"GET", "HEAD", "OPTIONS"})
_FEWEST: Final = {"public": 60, "internal": 6}  # so that the walk cannot come to nothing unnoticed


def in_code() -> set[str]:
    whole, patterns = source.types_in_code()
    assert patterns <= set(_PUT_TOGETHER), "a type is put together in a way that this test does not know"
    return whole.union(*_PUT_TOGETHER.values()) | _BY_OPERATOR | _IN_CONTRACT


def test_the_catalogue_lists_every_type_and_no_other() -> None:
    listed = {name for name, _, _ in _ROW.findall(CATALOGUE.read_text(encoding="utf-8"))}
    assert listed == in_code()


@pytest.mark.parametrize("name", sorted(in_code()))
def test_each_type_has_a_name_in_both_languages(name: str) -> None:
    label = EVENTS.get(name)
    assert label, f"add {name} to web/pages/event_names.py"
    japanese = i18n.translate("ja", label)
    assert japanese != label, f"translate {label!r} in ja.po"
    rows = {each: (english, local) for each, english, local in _ROW.findall(CATALOGUE.read_text(encoding="utf-8"))}
    assert rows[name] == (label, japanese)


def _changing(port: Port, services: Any) -> list[APIRoute]:
    """Routes of one port that are made to change something."""
    found = [each for each in flat(create_application(services, port).routes) if (each.methods or set()) - _READING]
    assert len(found) >= _FEWEST[port]
    return found


@pytest.mark.parametrize("port", ["public", "internal"])
def test_every_route_that_changes_something_comes_to_an_event(port: Port, tmp_path: Path) -> None:
    services = make_services(tmp_path)
    silent = [
        f"{min(route.methods or {'?'})} {route.path}"
        for route in _changing(port, services)
        if f"{route.endpoint.__module__}:{route.endpoint.__name__}" not in source.appending()
    ]
    services.database.close()
    assert silent == []


def test_the_walk_tells_one_route_from_another() -> None:
    """It would find nothing wrong if it took every function for one that appends."""
    reached = source.appending()
    assert "kozutumi_app.web.api.signing_in:open_session" in reached
    assert "kozutumi_app.web.api.auditing:verify_audit" not in reached

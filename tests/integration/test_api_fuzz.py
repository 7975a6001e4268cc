"""schemathesis over the OpenAPI document, against the real server and store: no 5xx, no answer that is not documented."""

from __future__ import annotations

import json
import random
import warnings
from collections import Counter
from collections.abc import Iterator
from datetime import UTC, datetime
from typing import Any

import httpx
import pytest
import requests
import schemathesis
from hypothesis import HealthCheck, Phase, given, seed, settings
from hypothesis import strategies as st
from schemathesis.checks import load_all_checks
from schemathesis.core.failures import FailureGroup
from schemathesis.generation import GenerationMode

from api_world import MEMBER, Caller, Fuzzed, RareRefusals, fuzzed
from app_fixtures import running_app
from builders import ADMINISTRATOR, MarkerScanner, MovableClock
from kozutumi_app.application import openapi_document
from kozutumi_contract import tls
from storage_fixtures import running_storage

load_all_checks()
CHECKS: Any = schemathesis.checks.CHECKS.get_by_names(
    [
        "not_a_server_error",
        "status_code_conformance",
        "content_type_conformance",
        "response_headers_conformance",
        "response_schema_conformance",
    ]
)
schemathesis.serializer.alias("application/offset+octet-stream", "application/octet-stream")
RENEWED_EVERY = 200
OWN_CREDENTIALS = 0.9  # of the requests; the others carry what the generator made up
CAN_ENTER = {ADMINISTRATOR, MEMBER}
SCHEMA = schemathesis.openapi.from_dict(json.loads(openapi_document()))
OPERATIONS: list[Any] = [found.ok() for found in SCHEMA.get_all_operations()]  # type: ignore[union-attr]  # an error shows itself
Case = schemathesis.Case[Any]


@pytest.fixture
def world() -> Iterator[Fuzzed]:
    scanner = MarkerScanner(MovableClock(datetime.now(UTC)))
    with running_storage() as storage, running_app(storage, scanner, jobs=False, limits=RareRefusals()) as app:
        context = tls.client_context(app.ca).context
        with httpx.Client(base_url=app.url, verify=context, timeout=60) as http:
            world = fuzzed(app.services, http)
            world.ca = str(app.ca)
            yield world


class Run:
    """Sends generated cases as one of the callers, with ids that exist in most of them; keeps what fails."""

    def __init__(self, world: Fuzzed, number: int) -> None:
        self.world, self.number = world, number
        self.chosen = random.Random(number)  # noqa: S311 - a repeatable choice, no secret
        self.stale = False
        self.sent, self.statuses, self.failures = 0, Counter[int](), dict[str, str]()
        self.session = requests.Session()

    def send(self, case: Case) -> None:
        if self.stale or self.sent % RENEWED_EVERY == RENEWED_EVERY - 1:
            self.world.renew()
            self.stale = False
        caller = self._caller(case)
        mine = self.chosen.random() < OWN_CREDENTIALS
        if mine:
            _without_credentials(case)
        self._lead_deep(case)
        answer = self._call(case, caller)
        self.sent += 1
        self.statuses[answer.status_code] += 1
        self.stale = mine and answer.status_code == 401 and caller.name in CAN_ENTER
        try:
            case.validate_response(answer, checks=CHECKS)
        except FailureGroup as group:
            for failure in group.exceptions:
                key = f"{case.method} {case.operation.path} {answer.status_code} {failure.title}"
                print("FOUND", key, flush=True)
                self.failures.setdefault(
                    key, f"{caller.name}: {failure.message} {answer.text[:300]} {case.as_curl_command()[:600]}"
                )

    def _caller(self, case: Case) -> Caller:
        """A recipient where recipients go, in most requests; members elsewhere."""
        theirs = case.operation.path.startswith(("/api/v1/r/", "/downloads/")) and self.chosen.random() < 0.7
        fitting = [caller for caller in self.world.callers if (caller.name == "recipient") is theirs]
        return self.chosen.choice(fitting)

    def _lead_deep(self, case: Case) -> None:
        for name in case.path_parameters or {}:
            known = self.world.ids.get(name)
            if known and self.chosen.random() < 0.8:
                case.path_parameters[name] = self.chosen.choice(known)

    def _call(self, case: Case, caller: Caller) -> Any:
        headers = dict(caller.headers)
        if caller.cookies:
            headers["Cookie"] = "; ".join(f"{name}={value}" for name, value in caller.cookies.items())
        self.session.cookies.clear()
        return case.call(
            base_url=self.world.services.settings.public_url,
            session=self.session,
            headers=headers,
            verify=self.world.ca,
        )


def fuzz(world: Fuzzed, total: int, number: int) -> Run:
    run, each = Run(world, number), -(-total // len(OPERATIONS))
    for operation in OPERATIONS:
        either = st.one_of([operation.as_strategy(mode) for mode in _modes(operation)])
        print(f"{run.sent} sent, {len(run.failures)} found; now {operation.label}", flush=True)
        quiet = settings(
            max_examples=each,
            deadline=None,
            database=None,
            phases=[Phase.generate],
            suppress_health_check=list(HealthCheck),
        )

        @seed(number)
        @quiet
        @given(case=either)
        def send(case: Case) -> None:
            run.send(case)

        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # the generator's own, about names of headers
            send()
    run.session.close()
    return run


def _without_credentials(case: Case) -> None:
    case.cookies = {}
    for name in [name for name in case.headers or {} if name.lower() in {"authorization", "cookie", "upload-token"}]:
        del case.headers[name]


def _modes(operation: Any) -> list[GenerationMode]:
    can_be_wrong = operation.body or operation.query or operation.headers or operation.path_parameters
    return [GenerationMode.POSITIVE, GenerationMode.NEGATIVE] if can_be_wrong else [GenerationMode.POSITIVE]


def report(run: Run) -> str:
    lines = [
        f"{run.sent} requests over {len(OPERATIONS)} operations, seed {run.number}: {sorted(run.statuses.items())}"
    ]
    return "\n".join(lines + [f"{what}\n    {how}" for what, how in run.failures.items()])


def test_a_few_requests_to_each_operation_are_answered_as_documented(world: Fuzzed) -> None:
    run = fuzz(world, 3 * len(OPERATIONS), 1)
    print(report(run))
    assert not run.failures, report(run)
    assert {200, 201, 204, 401, 403, 404, 422} <= run.statuses.keys()


@pytest.mark.slow
@pytest.mark.timeout(3 * 3600)
def test_ten_thousand_requests_are_answered_as_documented(world: Fuzzed) -> None:
    run = fuzz(world, 11_000, random.SystemRandom().randrange(2**32))
    print(report(run))
    assert not run.failures, report(run)
    assert run.sent >= 10_000  # some operations have fewer cases than their share

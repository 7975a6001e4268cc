"""Whatever people do in whatever order, and wherever the app is killed between two writes, the promises hold.

Never is a file readable before Clean, a mail sent before delivery, a grant used past its limit, an acknowledged
offset lost, a reserved quota kept, an audit event missing or doubled, an orphan left by the reconciler.
"""

from __future__ import annotations

from collections import Counter
from pathlib import Path
from typing import ClassVar

import pytest
from hypothesis import HealthCheck, Phase, settings
from hypothesis.stateful import run_state_machine_as_test

from builders import make_settings
from crash_world import make_template
from transfer_machine import Organization

PATIENT = settings(
    deadline=None,
    database=None,
    print_blob=True,
    suppress_health_check=list(HealthCheck),
)


@pytest.fixture
def organization(tmp_path: Path) -> type[Organization]:
    limits = make_settings(max_file_size=100_000, quota_storage=400_000, max_downloads=5)

    class OneOrganization(Organization):
        template = make_template(tmp_path, limits)
        tally: ClassVar[Counter[str]] = Counter()

    return OneOrganization


def summary(organization: type[Organization]) -> Counter[str]:
    """What was seen, so that a run in which nothing happened is noticed."""
    seen = organization.tally
    print({name: count for name, count in sorted(seen.items()) if "." not in name or name.startswith("download.")})
    for what in ("appends", "kills", "downloads", "limits reached", "exhausted", "clean before sending"):
        assert seen[what] > 0, what
    return seen


def test_promises_hold_in_hundreds_of_steps(organization: type[Organization]) -> None:
    quick = settings(PATIENT, max_examples=12, stateful_step_count=40, derandomize=True, phases=(Phase.generate,))
    run_state_machine_as_test(organization, settings=quick)
    summary(organization)


@pytest.mark.slow
@pytest.mark.timeout(3600)
def test_promises_hold_in_thousands_of_steps(organization: type[Organization]) -> None:
    phases = (Phase.explicit, Phase.generate, Phase.shrink)
    long = settings(PATIENT, max_examples=90, stateful_step_count=50, derandomize=False, phases=phases)
    run_state_machine_as_test(organization, settings=long)
    seen = summary(organization)
    assert seen["steps"] > 3000
    assert seen["kills"] > 200
    assert seen["given back"] > 0
    assert seen["cut off"] > 0

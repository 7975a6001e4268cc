"""Each rendered object against a reviewed file in tests/golden/manifests.

After a wanted change: KOZUTUMI_UPDATE_GOLDEN=1 pytest tests/unit/kozutumi_operator/manifests, then review the diff.
"""

from __future__ import annotations

import os
from pathlib import Path

import pytest
import yaml

from kozutumi_operator.organizations import desired
from kozutumi_operator.organizations.observed import Object
from operator_builders import fixed_materials, organization, settings

GOLDEN = Path(__file__).parents[3] / "golden" / "manifests"
RENDERED = desired.render(organization(), settings(), fixed_materials())


def name_of(thing: Object) -> str:
    return f"{thing['kind'].lower()}-{thing['metadata']['name']}.yaml"


@pytest.mark.parametrize("thing", RENDERED, ids=name_of)
def test_object_is_as_reviewed(thing: Object) -> None:
    path = GOLDEN / name_of(thing)
    text = yaml.safe_dump(thing, sort_keys=False, allow_unicode=True, width=120)
    if os.environ.get("KOZUTUMI_UPDATE_GOLDEN") == "1":
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text)
    assert text == path.read_text()


def test_no_golden_file_is_left_over() -> None:
    assert {path.name for path in GOLDEN.glob("*.yaml")} == {name_of(each) for each in RENDERED}

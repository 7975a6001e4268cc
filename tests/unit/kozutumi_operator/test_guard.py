"""The operator starts only where what its role alone would allow is refused."""

from __future__ import annotations

from typing import cast

import pytest

import operator_builders as builders
from kozutumi_operator import guard
from kozutumi_operator.cluster.client import AlreadyExists, Cluster, Forbidden
from kozutumi_operator.cluster.kinds import Object
from kozutumi_operator.errors import ApplyRefused

PLATFORM = builders.settings()
ATTEMPTS = guard.attempts(PLATFORM.operator_service_account, PLATFORM.image_probe)


class Admission:
    """Refuses every dry run but those of the given kinds of attempt."""

    def __init__(self, let_through: str = "", answer: Exception | None = None) -> None:
        self.let_through = let_through
        self.answer = answer
        self.tried: list[str] = []

    async def create(self, obj: Object, *, dry_run: bool = False, namespace: str | None = None) -> Object:
        del namespace
        assert dry_run, "a guard that makes what it tries would be the intruder itself"
        what = next(name for name, attempt in ATTEMPTS.items() if attempt == obj)
        self.tried.append(what)
        if what != self.let_through:
            raise Forbidden("denied the request")
        if self.answer is not None:
            raise self.answer
        return obj

    def as_cluster(self) -> Cluster:
        return cast("Cluster", self)


async def test_it_starts_where_every_attempt_is_refused() -> None:
    admission = Admission()
    await guard.refuse_unguarded(admission.as_cluster(), PLATFORM)
    assert admission.tried == list(ATTEMPTS)


@pytest.mark.parametrize("answer", [None, AlreadyExists("exists")])
@pytest.mark.parametrize("what", ATTEMPTS)
async def test_one_policy_missing_is_enough_not_to_start(what: str, answer: Exception | None) -> None:
    with pytest.raises(guard.UnguardedError, match="install the admission policies"):
        await guard.refuse_unguarded(Admission(what, answer).as_cluster(), PLATFORM)


def test_a_refusal_is_told_from_an_api_server_that_is_away() -> None:
    assert issubclass(Forbidden, ApplyRefused)
    assert not issubclass(AlreadyExists, ApplyRefused)

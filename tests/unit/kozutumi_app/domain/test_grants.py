from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest

from kozutumi_app.domain.grants import Allowed, Capacity, Denied, Facts, may_read
from kozutumi_app.domain.transfers import TransferState

NOW = datetime(2026, 1, 5, tzinfo=UTC)
GOOD = Facts(
    transfer_state=TransferState.DELIVERED,
    transfer_expires_at=NOW + timedelta(seconds=1),
    entitled=True,
    revoked=False,
    file_deleted_at=None,
    readable=True,
)
OPEN = {
    Capacity.RECIPIENT: TransferState.DELIVERED,
    Capacity.MEMBER: TransferState.DELIVERED,
    Capacity.APPROVER: TransferState.AWAITING_APPROVAL,
}


def test_a_readable_file_may_be_read_until_the_transfer_expires() -> None:
    assert may_read(Capacity.RECIPIENT, GOOD, NOW) == Allowed()
    assert may_read(Capacity.RECIPIENT, GOOD, NOW + timedelta(seconds=1)) == Denied("recalled_or_expired", over=True)


@pytest.mark.parametrize("capacity", Capacity)
@pytest.mark.parametrize("state", TransferState)
def test_each_reads_in_one_state_of_the_transfer_alone(capacity: Capacity, state: TransferState) -> None:
    decision = may_read(capacity, replace(GOOD, transfer_state=state), NOW)
    if state is OPEN[capacity]:
        assert decision == Allowed()
    else:
        assert isinstance(decision, Denied)
        assert decision.over is (state in {TransferState.EXPIRED, TransferState.RECALLED})


NEVER = [
    ({"readable": False}, Denied("not_readable", over=False)),
    ({"revoked": True}, Denied("recalled_or_expired", over=True)),
    ({"file_deleted_at": NOW}, Denied("recalled_or_expired", over=True)),
    ({"entitled": False}, Denied("not_granted", over=False)),
]


@pytest.mark.parametrize("capacity", Capacity)
@pytest.mark.parametrize(("changed", "expected"), NEVER)
def test_not_without_every_one_of_the_facts(capacity: Capacity, changed: dict[str, object], expected: Denied) -> None:
    open_to_them = replace(GOOD, transfer_state=OPEN[capacity])
    assert may_read(capacity, replace(open_to_them, **changed), NOW) == expected  # type: ignore[arg-type]  # a table


@pytest.mark.parametrize("capacity", Capacity)
def test_who_was_never_concerned_is_not_even_told_that_it_is_over(capacity: Capacity) -> None:
    over = replace(GOOD, transfer_state=TransferState.RECALLED, entitled=False)
    assert may_read(capacity, over, NOW) == Denied("not_granted", over=False)
    assert may_read(capacity, None, NOW) == Denied("not_granted", over=False)

"""The accounts of a download against a model of what left, in any order of reading, breaking off and crashing."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from tempfile import TemporaryDirectory

import pytest
import sqlalchemy as sa
from hypothesis import given, settings
from hypothesis import strategies as st

from builders import clock_of, make_services
from kozutumi_app.adapters.database.schema import files, recipients, transfers, users
from kozutumi_app.domain.grants import Capacity, Reader
from kozutumi_app.errors import DownloadsExhausted, NotFound, RateLimited
from kozutumi_app.services import Services
from kozutumi_app.use_cases import download_sessions
from kozutumi_app.use_cases.download_sessions import LIFETIME, Session

SIZE = 1000
READER = Reader(Capacity.RECIPIENT, "r")
CAP = download_sessions.byte_cap(SIZE)
MEBIBYTE = 2**20


@pytest.fixture(scope="module")
def services() -> Iterator[Services]:
    with TemporaryDirectory() as folder:
        made = make_services(Path(folder))
        now = made.clock.now()
        sealed = {"name_sealed": b"", "media_type_sealed": b""}
        user = {"id": "u", "email_sealed": b"", "email_index": b"", "role": "member", "locale": "ja", "created_at": now}
        transfer = {"id": "t", "sender_id": "u", "state": "Delivered", "subject_sealed": b"", "message_sealed": b""}
        recipient = {
            "id": "r",
            "transfer_id": "t",
            "link_id": "l",
            "email_sealed": b"",
            "email_index": b"",
            "locale": "ja",
        }
        file = {"id": "f", "transfer_id": "t", "state": "Clean", "created_at": now, "updated_at": now, **sealed}
        with made.database.write() as tx:
            tx.execute(sa.insert(users).values(user))
            tx.execute(sa.insert(transfers).values(transfer | {"expires_at": now, "created_at": now}))
            tx.execute(sa.insert(recipients).values(recipient))
            tx.execute(sa.insert(files).values(file))
        yield made
        made.database.close()


def opened(services: Services, limit: int) -> Session:
    session = Session(services.random(32), READER, "f", SIZE)
    with services.database.write() as tx:
        download_sessions.reserve(tx, services, session, limit)
    return session


def emptied(services: Services) -> None:
    with services.database.write() as tx:
        tx.execute(sa.text("DELETE FROM download_sessions"))


READS = st.tuples(
    st.integers(0, SIZE - 1),  # where it begins
    st.integers(1, SIZE),  # how much is charged
    st.sampled_from(["all", "half", "none", "crash"]),  # what becomes of it
)


@settings(max_examples=25, deadline=None)
@given(st.lists(READS, max_size=8))
def test_complete_is_the_union_of_what_left_and_nothing_is_ever_free(
    services: Services, reads: list[tuple[int, int, str]]
) -> None:
    emptied(services)
    session, left, charged, completions = opened(services, 1), set[int](), 0, 0
    for start, wanted, fate in reads:
        size = min(wanted, SIZE - start)
        with services.database.write() as tx:
            download_sessions.charge(tx, services, session, size)
        charged += size
        if fate == "crash":
            continue
        sent = {"all": size, "half": size // 2, "none": 0}[fate]
        with services.database.write() as tx:
            _, completes = download_sessions.settle(tx, services, session, start, sent, size - sent)
        left |= set(range(start, start + sent))
        charged -= size - sent
        completions += completes
    with services.database.read() as tx:
        row = tx.execute(sa.text("SELECT bytes_sent, completed_at FROM download_sessions")).one()
    assert row.bytes_sent == charged
    assert completions == (row.completed_at is not None) == (len(left) == SIZE)
    clock_of(services).advance(seconds=LIFETIME.total_seconds())
    given_back = charged == 0 and len(left) < SIZE
    if given_back:
        opened(services, 1)
    else:
        with pytest.raises(DownloadsExhausted):
            opened(services, 1)


def test_first_byte_comes_in_time_or_never(services: Services) -> None:
    emptied(services)
    late = opened(services, 1)
    clock_of(services).advance(seconds=LIFETIME.total_seconds())
    opened(services, 1)  # for the other was given back
    with pytest.raises(NotFound), services.database.write() as tx:
        download_sessions.charge(tx, services, late, SIZE)


def test_what_began_in_time_goes_on(services: Services) -> None:
    emptied(services)
    session = opened(services, 1)
    for hours in (0, LIFETIME.total_seconds()):
        clock_of(services).advance(seconds=hours)
        with services.database.write() as tx:
            download_sessions.charge(tx, services, session, 1)
    with pytest.raises(DownloadsExhausted):
        opened(services, 1)


@settings(max_examples=10, deadline=None)
@given(st.lists(st.integers(1, MEBIBYTE), min_size=1, max_size=6))
def test_no_order_of_requests_gets_more_than_the_cap(services: Services, sizes: list[int]) -> None:
    emptied(services)
    session, charged = opened(services, 1), 0
    for size in [*sizes, CAP, MEBIBYTE]:
        fits = charged + size <= CAP
        try:
            with services.database.write() as tx:
                download_sessions.charge(tx, services, session, size)
        except RateLimited:
            assert not fits
        else:
            assert fits
            charged += size
    assert charged <= CAP

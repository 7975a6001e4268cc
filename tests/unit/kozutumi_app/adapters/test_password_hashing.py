from __future__ import annotations

import threading

import pytest

from kozutumi_app.adapters.password_hashing import _QUEUE_LENGTH, MEMORY_KIB, Argon2Passwords
from kozutumi_app.errors import RateLimited

PASSWORD = "correct horse battery staple"


@pytest.fixture
def passwords() -> Argon2Passwords:
    return Argon2Passwords(memory_kib=64)


def test_a_password_verifies_and_another_does_not(passwords: Argon2Passwords) -> None:
    stored = passwords.hash(PASSWORD)
    assert stored.startswith("$argon2id$")
    assert passwords.verify(stored, PASSWORD)
    assert not passwords.verify(stored, PASSWORD + "x")
    assert not passwords.verify("not a hash", PASSWORD)


def test_without_a_hash_nothing_verifies_though_the_work_is_done(
    passwords: Argon2Passwords, monkeypatch: pytest.MonkeyPatch
) -> None:
    done: list[str] = []
    real = passwords._argon2.verify

    def watched(_argon2: object, known: str, given: str) -> bool:
        done.append(known)
        return real(known, given)

    monkeypatch.setattr(type(passwords._argon2), "verify", watched)
    assert not passwords.verify(None, "a password nobody has")
    assert not passwords.verify(None, "x" * 10_000)
    assert done == [passwords._dummy, passwords._dummy]


def test_parameters_are_owasps() -> None:
    parameters = Argon2Passwords()._argon2
    assert (parameters.memory_cost, parameters.time_cost, parameters.parallelism) == (46 * 1024, 1, 1)
    assert MEMORY_KIB == 46 * 1024


def test_one_at_a_time_and_a_queue_that_ends(passwords: Argon2Passwords) -> None:
    passwords._one.acquire()
    for _ in range(_QUEUE_LENGTH):
        assert passwords._queue.acquire(blocking=False)
    refused: list[bool] = []

    def attempt() -> None:
        try:
            passwords.hash(PASSWORD)
        except RateLimited:
            refused.append(True)

    thread = threading.Thread(target=attempt)
    thread.start()
    thread.join()
    assert refused == [True]

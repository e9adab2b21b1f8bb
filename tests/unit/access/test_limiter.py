from __future__ import annotations

import pytest

from gateway.access.limiter import (
    FORGET_SECONDS,
    FREE_ATTEMPTS,
    LONGEST_WAIT_SECONDS,
    BackoffLimiter,
    address_key,
    login_key,
)
from gateway.clock import ManualClock
from gateway.errors import RateLimited

ANNA = login_key("anna")
FREE = FREE_ATTEMPTS["login"]


@pytest.fixture
def clock() -> ManualClock:
    return ManualClock()


def wait_after(limiter: BackoffLimiter, *keys: str) -> float:
    with pytest.raises(RateLimited) as caught:
        limiter.attempt(*keys)
    assert caught.value.retry_after
    return caught.value.retry_after


def test_waits_double_up_to_a_limit(clock: ManualClock) -> None:
    limiter = BackoffLimiter(clock)
    for _ in range(FREE):
        limiter.attempt(ANNA)
    waits = []
    for _ in range(12):
        waits.append(wait_after(limiter, ANNA))
        clock.advance(waits[-1])
        limiter.attempt(ANNA)
    assert waits[:4] == [2.0, 4.0, 8.0, 16.0]
    assert waits[-1] == LONGEST_WAIT_SECONDS


def test_refused_attempts_do_not_count(clock: ManualClock) -> None:
    limiter = BackoffLimiter(clock)
    for _ in range(FREE):
        limiter.attempt(ANNA)
    for _ in range(50):
        assert wait_after(limiter, ANNA) == 2.0


def test_a_refusal_for_one_key_counts_for_none(clock: ManualClock) -> None:
    limiter = BackoffLimiter(clock)
    office = address_key("192.0.2.1")
    for _ in range(FREE):
        limiter.attempt(ANNA)
    for _ in range(100):
        wait_after(limiter, office, ANNA)
    for _ in range(FREE_ATTEMPTS["address"]):
        limiter.attempt(office)


def test_success_frees_the_login_but_an_address_only_of_one_attempt(clock: ManualClock) -> None:
    """Whoever has one valid login may not use it to guess at others for ever."""
    limiter = BackoffLimiter(clock)
    office = address_key("192.0.2.1")
    for _ in range(FREE - 1):
        limiter.attempt(ANNA, office)
    limiter.attempt(ANNA, office)
    limiter.succeeded(ANNA, office)
    for _ in range(FREE - 1):
        limiter.attempt(ANNA)
    for _ in range(FREE_ATTEMPTS["address"] - FREE + 1):
        limiter.attempt(office)
    wait_after(limiter, office)


def test_time_forgives(clock: ManualClock) -> None:
    limiter = BackoffLimiter(clock)
    for _ in range(FREE):
        limiter.attempt(ANNA)
    clock.advance(FORGET_SECONDS + 1)
    for _ in range(FREE):
        limiter.attempt(ANNA)


def test_memory_is_bounded_and_the_latest_are_kept(clock: ManualClock) -> None:
    limiter = BackoffLimiter(clock, max_keys=3)
    for name in "abcd":
        for _ in range(FREE):
            limiter.attempt(login_key(name))
    limiter.attempt(login_key("a"))
    wait_after(limiter, login_key("d"))


def test_success_of_somebody_forgotten_is_fine(clock: ManualClock) -> None:
    BackoffLimiter(clock).succeeded(ANNA)


@pytest.mark.parametrize(
    ("one", "other", "same"),
    [
        ("192.0.2.1", "192.0.2.2", False),
        ("2001:db8::1", "2001:db8::ffff:1", True),
        ("2001:db8:0:1::1", "2001:db8:0:2::1", False),
        ("::ffff:192.0.2.1", "192.0.2.1", True),
        ("", "unix:", False),
    ],
)
def test_addresses_that_are_one(one: str, other: str, same: bool) -> None:
    assert (address_key(one) == address_key(other)) is same

"""Token buckets: burst, refill, bounded memory."""

from __future__ import annotations

import pytest

from gateway.api.rate_limit import RateLimiter
from gateway.clock import ManualClock
from gateway.errors import RateLimited


def test_a_burst_then_the_rate() -> None:
    clock = ManualClock()
    limiter = RateLimiter(clock=clock, rate=2.0, burst=3.0)
    for _ in range(3):
        limiter.take("a")
    with pytest.raises(RateLimited) as refused:
        limiter.take("a")
    assert refused.value.retry_after == pytest.approx(0.5)
    limiter.take("b")
    clock.advance(0.5)
    limiter.take("a")
    with pytest.raises(RateLimited):
        limiter.take("a")


def test_the_bucket_never_holds_more_than_the_burst() -> None:
    clock = ManualClock()
    limiter = RateLimiter(clock=clock, rate=10.0, burst=2.0)
    limiter.take("a")
    clock.advance(3_600)
    limiter.take("a")
    limiter.take("a")
    with pytest.raises(RateLimited):
        limiter.take("a")


def test_being_refused_costs_nothing() -> None:
    clock = ManualClock()
    limiter = RateLimiter(clock=clock, rate=1.0, burst=1.0)
    limiter.take("a")
    for _ in range(10):
        with pytest.raises(RateLimited):
            limiter.take("a")
    clock.advance(1.0)
    limiter.take("a")


def test_memory_is_bounded_and_the_longest_unseen_is_forgotten() -> None:
    limiter = RateLimiter(clock=ManualClock(), rate=1.0, burst=1.0, max_keys=2)
    for key in ("a", "b", "a", "c"):
        try:
            limiter.take(key)
        except RateLimited:
            assert key == "a"
    assert len(limiter) == 2
    with pytest.raises(RateLimited):
        limiter.take("a")
    limiter.take("b")


def test_a_key_is_forgotten_once_its_bucket_is_full_again() -> None:
    clock = ManualClock()
    limiter = RateLimiter(clock=clock, rate=2.0, burst=4.0)
    for number in range(1_000):
        limiter.take(f"session {number}")
    clock.advance(1.9)
    limiter.take("late")
    assert len(limiter) == 1_001
    clock.advance(0.1)
    limiter.take("later")
    assert len(limiter) == 2

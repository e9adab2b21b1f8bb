"""Token buckets with bounded memory."""

from __future__ import annotations

from collections import OrderedDict

from gateway.clock import Clock
from gateway.errors import RateLimited

_MAX_KEYS = 10_000


class RateLimiter:
    """`burst` calls at once, then `rate` a second, for each key.

    A key is forgotten once its bucket is full again. When more than `max_keys` are known the one not seen
    for longest goes before, which gives it a full bucket: memory is bounded, and nobody is refused for
    others' sake.
    """

    def __init__(self, *, clock: Clock, rate: float, burst: float, max_keys: int = _MAX_KEYS) -> None:
        self._clock = clock
        self._rate = rate
        self._burst = burst
        self._max_keys = max_keys
        self._buckets: OrderedDict[str, tuple[float, float]] = OrderedDict()

    def __len__(self) -> int:
        return len(self._buckets)

    def take(self, key: str) -> None:
        """Count one call.

        Raises:
            RateLimited: the bucket is empty; `retry_after` tells when it is not.
        """
        now = self._clock.monotonic()
        self._forget_full(now)
        level, since = self._buckets.pop(key, (self._burst, now))
        level = min(self._burst, level + (now - since) * self._rate)
        allowed = level >= 1.0
        self._buckets[key] = (level - 1.0 if allowed else level, now)
        if len(self._buckets) > self._max_keys:
            self._buckets.popitem(last=False)
        if not allowed:
            raise RateLimited("too many requests", retry_after=(1.0 - level) / self._rate)

    def _forget_full(self, now: float) -> None:
        """The oldest come first; each key is a session's or an address's, and most are never seen again."""
        filled = now - self._burst / self._rate
        while self._buckets:
            key, (_, since) = next(iter(self._buckets.items()))
            if since > filled:
                return
            del self._buckets[key]

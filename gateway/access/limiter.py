"""Slows down guessing: after some attempts each further one has to wait, twice as long every time."""

from __future__ import annotations

import ipaddress
from collections import OrderedDict
from dataclasses import dataclass

from gateway.clock import Clock
from gateway.errors import RateLimited

FREE_ATTEMPTS = {"login": 5, "address": 20}
"""By the kind of key. An address may be a whole office behind one router."""
FIRST_WAIT_SECONDS = 2.0
LONGEST_WAIT_SECONDS = 300.0
FORGET_SECONDS = 900.0
"""Without further attempts everything is forgotten after this time."""
MAX_KEYS = 50_000


def login_key(login: str) -> str:
    """The key of a login, of customers as of staff."""
    return f"login:{login}"


def address_key(address: str) -> str:
    """The key of an IP address; a whole /64 counts as one, since one host may use all of it."""
    try:
        parsed = ipaddress.ip_address(address)
    except ValueError:
        return f"address:{address[:64]}"
    if isinstance(parsed, ipaddress.IPv6Address):
        if parsed.ipv4_mapped is None:
            return f"address:{ipaddress.ip_network((parsed, 64), strict=False)}"
        parsed = parsed.ipv4_mapped
    return f"address:{parsed}"


@dataclass(slots=True)
class _Record:
    attempts: int = 0
    blocked_until: float = 0.0
    last: float = 0.0


class BackoffLimiter:
    """An `AttemptLimiter` in this process's memory, which is bounded: the oldest keys are forgotten."""

    def __init__(self, clock: Clock, *, max_keys: int = MAX_KEYS) -> None:
        self._clock = clock
        self._max_keys = max_keys
        self._records: OrderedDict[str, _Record] = OrderedDict()

    def attempt(self, *keys: str) -> None:
        """Count an attempt for each key, or raise RateLimited and count none.

        Counting comes before the outcome is known, so that parallel guesses gain nothing.
        """
        now = self._clock.monotonic()
        records = [self._record(key, now) for key in keys]
        wait = max((record.blocked_until - now for record in records), default=0.0)
        if wait > 0:
            raise RateLimited("too many attempts", retry_after=wait)
        for key, record in zip(keys, records, strict=True):
            record.attempts += 1
            record.last = now
            excess = record.attempts - FREE_ATTEMPTS[key.partition(":")[0]]
            if excess >= 0:
                record.blocked_until = now + min(
                    LONGEST_WAIT_SECONDS, FIRST_WAIT_SECONDS * 2.0 ** min(excess, 16)
                )

    def succeeded(self, *keys: str) -> None:
        """Forget a login's past, but give an address back only this attempt.

        Otherwise one valid login of their own would let somebody guess at others without limit.
        """
        for key in keys:
            record = self._records.get(key)
            if record is not None:
                is_login = key.startswith("login:")
                record.attempts = 0 if is_login else max(0, record.attempts - 1)
                record.blocked_until = 0.0

    def _record(self, key: str, now: float) -> _Record:
        record = self._records.setdefault(key, _Record())
        self._records.move_to_end(key)
        if now - record.last > FORGET_SECONDS:
            record.attempts = 0
            record.blocked_until = 0.0
        while len(self._records) > self._max_keys:
            self._records.popitem(last=False)
        return record

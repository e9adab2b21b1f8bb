"""Waiting for a condition instead of for a time."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Awaitable, Callable
from typing import TypeVar

T = TypeVar("T")


async def eventually(
    probe: Callable[[], Awaitable[T]],
    accept: Callable[[T], object] = bool,
    *,
    deadline: float = 20.0,
    every: float = 0.1,
) -> T:
    """Ask `probe` until `accept` likes its answer, and return that.

    AssertionError with the last answer after `deadline` seconds.
    """
    end = time.monotonic() + deadline
    while True:
        answer = await probe()
        if accept(answer):
            return answer
        assert time.monotonic() < end, f"not within {deadline} s; last seen: {answer!r}"
        await asyncio.sleep(every)

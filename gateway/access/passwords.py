"""Password hashes by bcrypt, computed in worker threads, a few at a time."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from typing import TypeVar

import bcrypt

from gateway.access.credentials import MAX_PASSWORD_BYTES
from gateway.errors import Unavailable

CONCURRENT = 2
"""bcrypt fills a core; the media path needs the others."""
MAX_WAITING = 64
"""Beyond that a queue only makes everybody wait for people who have given up."""

T = TypeVar("T")


class BcryptHasher:
    """The `PasswordHasher` of production. `cost` is the work factor: 2**cost rounds."""

    def __init__(self, cost: int = 10) -> None:
        self._cost = cost
        self._slots = asyncio.Semaphore(CONCURRENT)
        self._waiting = 0
        # Well formed with an arbitrary digest: checking it costs a full computation and never fits.
        self.decoy = f"$2b${cost:02}${'.' * 53}"

    async def hash(self, password: str) -> str:
        """Raises ValueError for a password longer than MAX_PASSWORD_BYTES."""
        encoded = password.encode("utf-8", "surrogatepass")
        if len(encoded) > MAX_PASSWORD_BYTES:
            raise ValueError(f"a password has at most {MAX_PASSWORD_BYTES} bytes")
        hashed = await self._compute(bcrypt.hashpw, encoded, bcrypt.gensalt(self._cost))
        return hashed.decode("ascii")

    async def verify(self, password: str, hashed: str) -> bool:
        """Whether `password` belongs to `hashed`; a damaged hash fits nothing.

        Raises Unavailable when too many are waiting already.
        """
        encoded = password.encode("utf-8", "surrogatepass")
        try:
            fits = await self._compute(bcrypt.checkpw, encoded[:MAX_PASSWORD_BYTES], hashed.encode())
        except ValueError:
            return False
        return fits and len(encoded) <= MAX_PASSWORD_BYTES

    async def _compute(self, function: Callable[[bytes, bytes], T], first: bytes, second: bytes) -> T:
        if self._waiting >= MAX_WAITING:
            raise Unavailable("too many password checks at once", retry_after=2.0)
        self._waiting += 1
        try:
            async with self._slots:
                return await asyncio.to_thread(function, first, second)
        finally:
            self._waiting -= 1

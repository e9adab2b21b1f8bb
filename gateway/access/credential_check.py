"""One way to check a login and a password, for customers and staff alike.

An unknown login costs the same work and gets the same answer as a wrong password.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from typing import Protocol, TypeVar

from gateway.access.credentials import normalise_login, normalise_password
from gateway.access.limiter import address_key, login_key
from gateway.access.ports import AttemptLimiter, PasswordHasher
from gateway.errors import WrongCredentials


class HasPasswordHash(Protocol):
    @property
    def password_hash(self) -> str: ...


Holder = TypeVar("Holder", bound=HasPasswordHash)


class CredentialCheck:
    """Limiter, lookup and password hash in the order that tells an attacker nothing."""

    def __init__(self, hasher: PasswordHasher, limiter: AttemptLimiter) -> None:
        self._hasher = hasher
        self._limiter = limiter

    async def holder(
        self, login: str, password: str, address: str, by_login: Callable[[str], Awaitable[Holder | None]]
    ) -> Holder:
        """Whoever `by_login` finds for `login`, if the password is theirs.

        Raises RateLimited before any work is done, else WrongCredentials.
        """
        stored = normalise_login(login)
        keys = [address_key(address)] + ([login_key(stored)] if stored else [])
        self._limiter.attempt(*keys)
        holder = await by_login(stored) if stored else None
        hashed = holder.password_hash if holder else self._hasher.decoy
        fits = await self._hasher.verify(normalise_password(password), hashed)
        if holder is None or not fits:
            raise WrongCredentials
        self._limiter.succeeded(*keys)
        return holder

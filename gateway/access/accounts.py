"""Accounts of the staff."""

from __future__ import annotations

import uuid

from gateway.access.credential_check import CredentialCheck
from gateway.access.credentials import MAX_PASSWORD_BYTES, normalise_login, normalise_password
from gateway.access.ports import AccountRepository, AttemptLimiter, PasswordHasher
from gateway.access.records import Account, Role
from gateway.clock import Clock
from gateway.errors import Malformed

MIN_PASSWORD_LENGTH = 10


class Accounts:
    """Creates and verifies admins and technicians."""

    def __init__(
        self, repository: AccountRepository, hasher: PasswordHasher, limiter: AttemptLimiter, clock: Clock
    ) -> None:
        self._repository = repository
        self._hasher = hasher
        self._check = CredentialCheck(hasher, limiter)
        self._clock = clock

    async def create(self, login: str, password: str, role: Role = Role.ADMIN) -> Account:
        """Keep a new account. Raises Malformed for an unusable login or password, Conflict when taken."""
        stored = normalise_login(login)
        if stored is None:
            raise Malformed("a login has 1 to 50 letters, digits or _ . @ + -")
        if (
            len(password) < MIN_PASSWORD_LENGTH
            or len(password.encode("utf-8", "replace")) > MAX_PASSWORD_BYTES
        ):
            raise Malformed(f"a password has {MIN_PASSWORD_LENGTH} characters to {MAX_PASSWORD_BYTES} bytes")
        hashed = await self._hasher.hash(normalise_password(password))
        account = Account(str(uuid.uuid4()), stored, hashed, role, self._clock.time())
        await self._repository.add(account)
        return account

    async def verify(self, login: str, password: str, address: str) -> Account:
        """The account of these credentials, tried from `address`.

        Raises WrongCredentials (after the same work for an unknown login) or RateLimited.
        """
        return await self._check.holder(login, password, address, self._repository.by_login)

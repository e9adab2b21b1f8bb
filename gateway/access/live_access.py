"""Live accesses: the login and password that a customer gets for one order, for a limited time."""

from __future__ import annotations

import uuid
from collections.abc import Collection, Sequence
from dataclasses import dataclass, field

from gateway.access.credential_check import CredentialCheck
from gateway.access.credentials import new_login, new_password
from gateway.access.grants import Grant, Scope
from gateway.access.orders import is_line
from gateway.access.ports import AccessRepository, AttemptLimiter, OrderRepository, PasswordHasher
from gateway.access.records import LiveAccess
from gateway.access.tokens import Tokens
from gateway.clock import Clock
from gateway.errors import (
    AccessExpired,
    Forbidden,
    Malformed,
    NotFound,
    Unauthenticated,
)

WATCH_TOKEN_SECONDS = 4 * 3600.0
MAX_ACCESS_SECONDS = 366 * 86400.0
CUSTOMER_SCOPES = (Scope.WATCH, Scope.TALK)


@dataclass(frozen=True, slots=True)
class CreatedAccess:
    """A new access; the only moment its password is known."""

    id: str
    login: str
    password: str = field(repr=False)
    link: str
    expires_at: float


@dataclass(frozen=True, slots=True)
class AuthenticatedAccess:
    """A customer's token. The token may end before the access does, and can then be renewed."""

    token: str = field(repr=False)
    token_expires_at: float
    access_expires_at: float
    order_id: str
    access_id: str
    stream_url: str | None


class LiveAccesses:
    """Creates, checks, renews and revokes live accesses. `public_url` is the base of links."""

    def __init__(
        self,
        repository: AccessRepository,
        orders: OrderRepository,
        tokens: Tokens,
        hasher: PasswordHasher,
        limiter: AttemptLimiter,
        clock: Clock,
        public_url: str,
    ) -> None:
        self._repository = repository
        self._orders = orders
        self._tokens = tokens
        self._hasher = hasher
        self._check = CredentialCheck(hasher, limiter)
        self._clock = clock
        self._public_url = public_url

    async def create(
        self, order_id: str, ttl: float, email: str | None = None, phone: str | None = None
    ) -> CreatedAccess:
        """A new login and password for an order, good for `ttl` seconds.

        Raises NotFound for an unknown order, Malformed for an impossible `ttl`.
        """
        if not 0 < ttl <= MAX_ACCESS_SECONDS:
            raise Malformed("an access lives longer than nothing and at most a year")
        if any(not is_line(text) for text in (email, phone) if text is not None):
            raise Malformed("an email address or telephone number is one short line")
        if await self._orders.get(order_id) is None:
            raise NotFound("no such order")
        now = self._clock.time()
        password = new_password()
        access = LiveAccess(
            id=str(uuid.uuid4()),
            order_id=order_id,
            login=new_login(),
            password_hash=await self._hasher.hash(password),
            expires_at=now + ttl,
            created_at=now,
            email=email,
            phone=phone,
        )
        await self._repository.add(access)
        await self._orders.enable_live_stream(order_id)
        # The landing page opens its dialog with this login; a fragment never reaches a server's log.
        link = f"{self._public_url}/#login={access.login}"
        return CreatedAccess(access.id, access.login, password, link, access.expires_at)

    async def authenticate(self, login: str, password: str, address: str) -> AuthenticatedAccess:
        """Exchange a customer's login and password, sent from `address`, for a token.

        Raises WrongCredentials (after the same work for an unknown login), AccessExpired only to
        somebody who knows the password, RateLimited with `retry_after`.
        """
        access = await self._check.holder(login, password, address, self._repository.by_login)
        return self._issue(access)

    async def renew(self, grant: Grant) -> AuthenticatedAccess:
        """A fresh token for a customer whose access still lives.

        Raises Forbidden for tokens that no access stands behind (nothing could end them),
        AccessExpired when the access has ended or is gone.
        """
        if grant.stream_id is None:
            raise Forbidden("only a customer's token can be renewed")
        access = await self._repository.get(grant.stream_id)
        if access is None:
            raise AccessExpired("the access is gone")
        return self._issue(access)

    async def require_alive(self, grant: Grant) -> None:
        """Raise Unauthenticated when the access behind a valid token was revoked or has expired."""
        if grant.stream_id is not None and await self.ended((grant.stream_id,)):
            raise Unauthenticated("the access has ended")

    async def ended(self, stream_ids: Collection[str]) -> set[str]:
        """Those of `stream_ids` whose access is revoked, expired or missing. One query."""
        if not stream_ids:
            return set()
        return set(stream_ids) - await self._repository.alive(stream_ids, self._clock.time())

    async def revoke(self, access_id: str) -> None:
        """End an access now; doing it twice is fine. Raises NotFound."""
        if not await self._repository.revoke(access_id, self._clock.time()):
            raise NotFound("no such access")

    async def of_order(self, order_id: str) -> Sequence[LiveAccess]:
        """All accesses of an order, newest first."""
        return await self._repository.of_order(order_id)

    def _issue(self, access: LiveAccess) -> AuthenticatedAccess:
        # A token ends on a whole second: less than one cannot be granted any more.
        if not access.is_alive(self._clock.time() + 1.0):
            raise AccessExpired("the access was revoked or has expired")
        issued = self._tokens.issue(
            subject=access.login,
            scopes=CUSTOMER_SCOPES,
            ttl=WATCH_TOKEN_SECONDS,
            order_id=access.order_id,
            stream_id=access.id,
            not_after=access.expires_at,
        )
        return AuthenticatedAccess(
            token=issued.token,
            token_expires_at=issued.expires_at,
            access_expires_at=access.expires_at,
            order_id=access.order_id,
            access_id=access.id,
            stream_url=access.stream_url,
        )

"""What the use cases of `access` need from outside; `storage` and `passwords` implement them.

Ids are UUIDs in canonical text form. A repository answers None for an id that is none; it raises
Unavailable while the database cannot be reached.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Protocol

from gateway.access.records import Account, ChatMessage, LiveAccess, Marker, NewOrder, Order


class PasswordHasher(Protocol):
    """Slow on purpose, therefore awaited: the event loop never computes a hash itself."""

    @property
    def decoy(self) -> str:
        """A hash that no password matches and that costs as much to check as a real one."""
        ...

    async def hash(self, password: str) -> str: ...

    async def verify(self, password: str, hashed: str) -> bool: ...


class AttemptLimiter(Protocol):
    """Counts attempts by key; a key names a login or an address."""

    def attempt(self, *keys: str) -> None:
        """Count an attempt before its outcome is known. Raises RateLimited with `retry_after`."""
        ...

    def succeeded(self, *keys: str) -> None:
        """The attempt counted last for `keys` brought the right password."""
        ...


class AccessRepository(Protocol):
    """The rows of `live_stream_access`."""

    async def add(self, access: LiveAccess) -> None:
        """Raises Conflict when the login is taken or the order gone."""
        ...

    async def by_login(self, login: str) -> LiveAccess | None: ...

    async def get(self, access_id: str) -> LiveAccess | None: ...

    async def of_order(self, order_id: str) -> Sequence[LiveAccess]: ...

    async def revoke(self, access_id: str, at: float) -> bool:
        """Mark as revoked, once; False when there is no such row."""
        ...

    async def alive(self, access_ids: Iterable[str], now: float) -> set[str]:
        """Those of `access_ids` that are neither revoked nor expired at `now`, in one query."""
        ...


class OrderRepository(Protocol):
    """The rows of `orders`, which may be another program's table."""

    async def add(self, order: NewOrder, created_at: float) -> Order:
        """Raises Conflict when the table is another program's and does not take our rows."""
        ...

    async def get(self, order_id: str) -> Order | None: ...

    async def by_number(self, number: str) -> Order | None: ...

    async def enable_live_stream(self, order_id: str) -> None: ...


class AccountRepository(Protocol):
    """The staff's accounts."""

    async def add(self, account: Account) -> None:
        """Raises Conflict when the login is taken."""
        ...

    async def by_login(self, login: str) -> Account | None: ...


class ConversationRepository(Protocol):
    """What was said and marked in orders, in the order in which it was kept."""

    async def add_message(self, message: ChatMessage, most: int) -> bool:
        """Keep it; False when its order has `most` messages already. Raises NotFound without an order."""
        ...

    async def add_marker(self, marker: Marker, most: int) -> bool:
        """Keep it; False when its order has `most` markers already. Raises NotFound without an order."""
        ...

    async def messages(self, order_id: str, limit: int, before: str | None) -> Sequence[ChatMessage]:
        """The last `limit` messages, of those kept before the message `before` if one is named; oldest first.

        Empty for a `before` that is no message of the order.
        """
        ...

    async def markers(self, order_id: str) -> Sequence[Marker]:
        """All markers, oldest first."""
        ...

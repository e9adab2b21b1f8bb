"""Repositories in memory and a ready-made office around them."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field, replace

from gateway.access.accounts import Accounts
from gateway.access.conversation import Conversations
from gateway.access.limiter import BackoffLimiter
from gateway.access.live_access import LiveAccesses
from gateway.access.orders import Orders
from gateway.access.passwords import BcryptHasher
from gateway.access.records import Account, ChatMessage, LiveAccess, Marker, NewOrder, Order
from gateway.access.tokens import Tokens
from gateway.clock import ManualClock

SECRET = "a secret of more than thirty-two bytes"
ORDER = "0b9d0f2e-8c1c-4d4e-9f61-6a2f4a0f7f11"


class AccessesInMemory:
    def __init__(self) -> None:
        self.rows: dict[str, LiveAccess] = {}
        self.lookups = 0

    async def add(self, access: LiveAccess) -> None:
        self.rows[access.id] = access

    async def by_login(self, login: str) -> LiveAccess | None:
        self.lookups += 1
        return next((row for row in self.rows.values() if row.login == login), None)

    async def get(self, access_id: str) -> LiveAccess | None:
        return self.rows.get(access_id)

    async def of_order(self, order_id: str) -> Sequence[LiveAccess]:
        return [row for row in self.rows.values() if row.order_id == order_id]

    async def revoke(self, access_id: str, at: float) -> bool:
        if access_id in self.rows and self.rows[access_id].revoked_at is None:
            self.rows[access_id] = replace(self.rows[access_id], revoked_at=at)
        return access_id in self.rows

    async def alive(self, access_ids: Iterable[str], now: float) -> set[str]:
        return {i for i in access_ids if i in self.rows and self.rows[i].is_alive(now)}


class OrdersInMemory:
    def __init__(self) -> None:
        blank = Order(ORDER, "1001", "iPhone 15", None, None, None, None, False)
        self.rows: dict[str, Order] = {ORDER: blank}

    async def add(self, order: NewOrder, created_at: float) -> Order:
        number = 1001 + len(self.rows)
        created = Order(
            f"00000000-0000-4000-8000-{number:012}",
            str(number),
            order.title,
            order.device,
            order.customer_email,
            order.customer_phone,
            order.language,
            live_stream_enabled=False,
        )
        self.rows[created.id] = created
        return created

    async def get(self, order_id: str) -> Order | None:
        return self.rows.get(order_id)

    async def by_number(self, number: str) -> Order | None:
        return next((row for row in self.rows.values() if row.number == number), None)

    async def enable_live_stream(self, order_id: str) -> None:
        self.rows[order_id] = replace(self.rows[order_id], live_stream_enabled=True)


class AccountsInMemory:
    def __init__(self) -> None:
        self.rows: dict[str, Account] = {}

    async def add(self, account: Account) -> None:
        self.rows[account.login] = account

    async def by_login(self, login: str) -> Account | None:
        return self.rows.get(login)


class ConversationsInMemory:
    def __init__(self) -> None:
        self.said: list[ChatMessage] = []
        self.marked: list[Marker] = []

    async def add_message(self, message: ChatMessage, most: int) -> bool:
        room = len(await self.messages(message.order_id, most, None)) < most
        self.said += [message] * room
        return room

    async def add_marker(self, marker: Marker, most: int) -> bool:
        room = len(await self.markers(marker.order_id)) < most
        self.marked += [marker] * room
        return room

    async def messages(self, order_id: str, limit: int, before: str | None) -> Sequence[ChatMessage]:
        found = [message for message in self.said if message.order_id == order_id]
        if before is not None:
            found = found[: next((at for at, message in enumerate(found) if message.id == before), 0)]
        return found[-limit:]

    async def markers(self, order_id: str) -> Sequence[Marker]:
        return [marker for marker in self.marked if marker.order_id == order_id]


@dataclass
class Office:
    """The use cases on memory, with virtual time and real but cheap bcrypt."""

    clock: ManualClock = field(default_factory=ManualClock)
    access_rows: AccessesInMemory = field(default_factory=AccessesInMemory)
    order_rows: OrdersInMemory = field(default_factory=OrdersInMemory)
    account_rows: AccountsInMemory = field(default_factory=AccountsInMemory)
    conversation_rows: ConversationsInMemory = field(default_factory=ConversationsInMemory)

    def __post_init__(self) -> None:
        hasher = BcryptHasher(cost=4)
        limiter = BackoffLimiter(self.clock)
        self.tokens = Tokens(SECRET, self.clock)
        self.orders = Orders(self.order_rows, self.clock)
        self.conversations = Conversations(self.conversation_rows, self.orders, self.clock)
        self.accounts = Accounts(self.account_rows, hasher, limiter, self.clock)
        self.accesses = LiveAccesses(
            self.access_rows,
            self.order_rows,
            self.tokens,
            hasher,
            limiter,
            self.clock,
            "https://live.example.com",
        )

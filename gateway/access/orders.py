"""Orders: the repairs that may be shown live."""

from __future__ import annotations

from gateway.access.ports import OrderRepository
from gateway.access.records import NewOrder, Order
from gateway.clock import Clock
from gateway.errors import Malformed, NotFound

MAX_TEXT = 200
LANGUAGES = ("ru", "en", "cs")


class Orders:
    """Creates and finds orders."""

    def __init__(self, repository: OrderRepository, clock: Clock) -> None:
        self._repository = repository
        self._clock = clock

    async def create(self, order: NewOrder) -> Order:
        """Keep a new order and number it. Raises Malformed for an unusable text, Conflict as the port."""
        if not order.title.strip():
            raise Malformed("an order needs a title")
        texts = (order.title, order.device, order.customer_email, order.customer_phone)
        if any(not is_line(text) for text in texts if text is not None):
            raise Malformed(f"a text is longer than {MAX_TEXT} characters or not printable")
        if order.language is not None and order.language not in LANGUAGES:
            raise Malformed(f"the language is none of {', '.join(LANGUAGES)}")
        return await self._repository.add(order, self._clock.time())

    async def get(self, order_id: str) -> Order:
        """The order with this id. Raises NotFound."""
        order = await self._repository.get(order_id)
        if order is None:
            raise NotFound("no such order")
        return order

    async def find(self, id_or_number: str) -> Order:
        """The order that a person means, by id or by number. Raises NotFound."""
        order = await self._repository.get(id_or_number) or await self._repository.by_number(id_or_number)
        if order is None:
            raise NotFound(f"no order has the id or number {id_or_number[:64]!r}")
        return order


def is_line(text: str) -> bool:
    """Whether a text is short and on one line, as all that people say about an order."""
    return len(text) <= MAX_TEXT and text.isprintable()

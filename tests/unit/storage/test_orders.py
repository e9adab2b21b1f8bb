from __future__ import annotations

import asyncio

from gateway.access.records import NewOrder
from gateway.storage.database import Database
from gateway.storage.orders import FIRST_NUMBER, OrderTable

FULL = NewOrder("iPhone 15, display", "iPhone 15", "anna@example.com", "+420 123", "cs")


async def test_an_order_comes_back_as_it_went(database: Database) -> None:
    table = OrderTable(database)
    created = await table.add(FULL, 1e9)
    assert (created.title, created.device) == (FULL.title, FULL.device)
    assert (created.customer_email, created.customer_phone) == (FULL.customer_email, FULL.customer_phone)
    assert (created.language, created.live_stream_enabled) == ("cs", False)
    assert created.number == str(FIRST_NUMBER)
    assert await table.get(created.id) == created
    assert await table.by_number(str(FIRST_NUMBER)) == created


async def test_orders_made_at_once_have_different_numbers(database: Database) -> None:
    table = OrderTable(database)
    made = await asyncio.gather(*(table.add(NewOrder(f"{n}"), 0.0) for n in range(8)))
    assert sorted(int(order.number or 0) for order in made) == list(range(FIRST_NUMBER, FIRST_NUMBER + 8))


async def test_enabling_the_live_stream(database: Database) -> None:
    table = OrderTable(database)
    one, two = await table.add(FULL, 0.0), await table.add(FULL, 0.0)
    await table.enable_live_stream(one.id)
    found_one, found_two = await table.get(one.id), await table.get(two.id)
    assert found_one is not None
    assert found_two is not None
    assert (found_one.live_stream_enabled, found_two.live_stream_enabled) == (True, False)


async def test_what_is_no_order(database: Database) -> None:
    table = OrderTable(database)
    for text in ("main", "", "\0", "\ud800", "x" * 1000, "0b9d0f2e-8c1c-4d4e-9f61-6a2f4a0f7f11"):
        assert await table.get(text) is None
        assert await table.by_number(text) is None

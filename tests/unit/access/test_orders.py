from __future__ import annotations

import pytest

from gateway.access.records import NewOrder
from gateway.errors import Malformed, NotFound
from tests.unit.access.fakes import ORDER, Office


async def test_an_order_is_found_by_id_and_by_number() -> None:
    office = Office()
    created = await office.orders.create(NewOrder("MacBook, keyboard", language="cs"))
    assert await office.orders.get(created.id) == created
    assert await office.orders.find(created.id) == created
    assert created.number
    assert await office.orders.find(created.number) == created


async def test_what_is_not_there() -> None:
    office = Office()
    with pytest.raises(NotFound):
        await office.orders.get("1001")
    with pytest.raises(NotFound):
        await office.orders.find(ORDER + "x")


@pytest.mark.parametrize(
    "order",
    [
        NewOrder(""),
        NewOrder("   "),
        NewOrder("x" * 201),
        NewOrder("two\nlines"),
        NewOrder("ok", device="\0"),
        NewOrder("ok", customer_phone="\ud800"),
        NewOrder("ok", language="de"),
    ],
)
async def test_unusable_texts(order: NewOrder) -> None:
    office = Office()
    with pytest.raises(Malformed):
        await office.orders.create(order)
    assert list(office.order_rows.rows) == [ORDER]

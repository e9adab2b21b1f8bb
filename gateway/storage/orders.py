"""The table `orders`: ours, or the shop's own, of which only the id is certain."""

from __future__ import annotations

import uuid
from typing import Any

import sqlalchemy as sa
from sqlalchemy.ext.asyncio import AsyncConnection

from gateway.access.records import NewOrder, Order
from gateway.errors import Conflict
from gateway.storage.database import Database
from gateway.storage.schema import Id, Instant, is_id, metadata

FIRST_NUMBER = 1001
NUMBERING_ATTEMPTS = 20

orders = sa.Table(
    "orders",
    metadata,
    sa.Column("id", Id, primary_key=True),
    sa.Column("number", sa.Integer, unique=True),
    sa.Column("title", sa.String(200)),
    sa.Column("device", sa.String(200)),
    sa.Column("customer_email", sa.String(200)),
    sa.Column("customer_phone", sa.String(200)),
    sa.Column("language", sa.String(8)),
    sa.Column("live_stream_enabled", sa.Boolean),
    sa.Column("created_at", Instant),
)


class OrderTable:
    """The `OrderRepository` of production."""

    def __init__(self, database: Database) -> None:
        self._database = database
        self._columns: frozenset[str] = frozenset()

    async def add(self, order: NewOrder, created_at: float) -> Order:
        order_id = str(uuid.uuid4())
        values: dict[str, Any] = {
            "id": order_id,
            "title": order.title,
            "device": order.device,
            "customer_email": order.customer_email,
            "customer_phone": order.customer_phone,
            "language": order.language,
            "live_stream_enabled": False,
            "created_at": created_at,
        }
        async with self._database.transaction() as connection:
            present = await self._present(connection)
        if present >= set(orders.c.keys()):
            highest = sa.func.coalesce(sa.func.max(orders.c.number), FIRST_NUMBER - 1)
            values["number"] = sa.select(highest + 1).scalar_subquery()
        await self._insert({name: value for name, value in values.items() if name in present})
        created = await self.get(order_id)
        if created is None:
            raise Conflict("the order was removed at once by somebody else")
        return created

    async def get(self, order_id: str) -> Order | None:
        return await self._first(orders.c.id == order_id) if is_id(order_id) else None

    async def by_number(self, number: str) -> Order | None:
        if not number.isascii() or not number.isprintable():
            return None
        return await self._first(sa.cast(orders.c.number, sa.String) == number, needs="number")

    async def enable_live_stream(self, order_id: str) -> None:
        statement = sa.update(orders).where(orders.c.id == order_id).values(live_stream_enabled=True)
        async with self._database.transaction() as connection:
            await connection.execute(statement)

    async def _insert(self, values: dict[str, Any]) -> None:
        """Two processes may number at the same moment: the loser of the race numbers again."""
        for attempt in range(1, NUMBERING_ATTEMPTS + 1):
            try:
                async with self._database.transaction() as connection:
                    await connection.execute(sa.insert(orders).values(values))
            except sa.exc.IntegrityError as error:
                if "number" in values and attempt < NUMBERING_ATTEMPTS:
                    continue
                raise Conflict("the shop's own table of orders does not take this order") from error
            except sa.exc.DBAPIError as error:
                raise Conflict("the shop's own table of orders has other types") from error
            return

    async def _first(self, condition: sa.ColumnElement[bool], needs: str = "id") -> Order | None:
        async with self._database.transaction() as connection:
            present = await self._present(connection)
            if needs not in present:
                return None
            columns = [column for column in orders.c if column.name in present]
            row = (await connection.execute(sa.select(*columns).where(condition))).mappings().first()
        return None if row is None else _order(row)

    async def _present(self, connection: AsyncConnection) -> frozenset[str]:
        """Columns that the table has; it may be older than the gateway and belong to the shop."""
        if not self._columns:
            found = await connection.run_sync(lambda sync: sa.inspect(sync).get_columns("orders"))
            self._columns = frozenset(column["name"] for column in found)
        return self._columns


def _order(row: sa.RowMapping) -> Order:
    def text(name: str) -> str | None:
        value = row.get(name)
        return None if value is None else str(value)

    return Order(
        id=str(row["id"]),
        number=text("number"),
        title=text("title"),
        device=text("device"),
        customer_email=text("customer_email"),
        customer_phone=text("customer_phone"),
        language=text("language"),
        live_stream_enabled=bool(row.get("live_stream_enabled")),
    )

"""The tables `live_stream_messages` and `live_stream_markers`: what was said and marked in an order."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict, fields
from typing import Any

import sqlalchemy as sa

from gateway.access.records import AuthorRole, ChatMessage, Marker
from gateway.errors import NotFound
from gateway.storage.database import Database
from gateway.storage.orders import orders
from gateway.storage.schema import Id, Instant, is_id, metadata


def _own_columns() -> tuple[sa.Column[Any], ...]:
    """`position` is the order of keeping: clocks step, and two rows may have one instant."""
    return (
        sa.Column("position", sa.BigInteger().with_variant(sa.Integer, "sqlite"), primary_key=True),
        sa.Column("id", Id, nullable=False, unique=True),
        sa.Column("order_id", Id, sa.ForeignKey(orders.c.id, ondelete="CASCADE"), nullable=False),
        sa.Column("at", Instant, nullable=False),
        sa.Column("author_name", sa.String(120), nullable=False),
    )


messages = sa.Table(
    "live_stream_messages",
    metadata,
    *_own_columns(),
    sa.Column("author_id", sa.String(64), nullable=False),
    sa.Column("role", sa.String(20), nullable=False),
    sa.Column("text", sa.String(1000), nullable=False),
    sa.Index("ix_live_stream_messages_order_id", "order_id", "position"),
)
markers = sa.Table(
    "live_stream_markers",
    metadata,
    *_own_columns(),
    sa.Column("label", sa.String(120), nullable=False),
    sa.Index("ix_live_stream_markers_order_id", "order_id", "position"),
)
_MESSAGE = [messages.c[field.name] for field in fields(ChatMessage)]
_MARKER = [markers.c[field.name] for field in fields(Marker)]


class ConversationTable:
    """The `ConversationRepository` of production."""

    def __init__(self, database: Database) -> None:
        self._database = database

    async def add_message(self, message: ChatMessage, most: int) -> bool:
        return await self._add(messages, asdict(message), most)

    async def add_marker(self, marker: Marker, most: int) -> bool:
        return await self._add(markers, asdict(marker), most)

    async def messages(self, order_id: str, limit: int, before: str | None) -> Sequence[ChatMessage]:
        if not is_id(order_id) or (before is not None and not is_id(before)):
            return ()
        statement = sa.select(*_MESSAGE).where(messages.c.order_id == order_id)
        if before is not None:
            place = sa.select(messages.c.position).where(
                messages.c.id == before, messages.c.order_id == order_id
            )
            statement = statement.where(messages.c.position < place.scalar_subquery())
        statement = statement.order_by(messages.c.position.desc()).limit(limit)
        async with self._database.transaction() as connection:
            rows = (await connection.execute(statement)).mappings().all()
        return [_message(row) for row in reversed(rows)]

    async def markers(self, order_id: str) -> Sequence[Marker]:
        if not is_id(order_id):
            return ()
        statement = sa.select(*_MARKER).where(markers.c.order_id == order_id).order_by(markers.c.position)
        async with self._database.transaction() as connection:
            rows = (await connection.execute(statement)).mappings().all()
        return [Marker(**row) for row in rows]

    async def _add(self, table: sa.Table, values: dict[str, Any], most: int) -> bool:
        """Counts and inserts in one statement: SQLite lets no other writer in between."""
        kept = sa.select(sa.func.count()).select_from(table).where(table.c.order_id == values["order_id"])
        row = sa.select(*(sa.literal(value, table.c[name].type) for name, value in values.items()))
        statement = sa.insert(table).from_select(
            list(values), row.where(kept.scalar_subquery() < most), include_defaults=False
        )
        try:
            async with self._database.transaction() as connection:
                return bool((await connection.execute(statement)).rowcount)
        except sa.exc.IntegrityError as error:
            raise NotFound("no such order") from error


def _message(row: sa.RowMapping) -> ChatMessage:
    values: dict[str, Any] = dict(row)
    return ChatMessage(**{**values, "role": AuthorRole(values["role"])})

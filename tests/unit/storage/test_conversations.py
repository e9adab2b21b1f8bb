from __future__ import annotations

import asyncio
import uuid

import pytest
import sqlalchemy as sa

from gateway.access.records import AuthorRole, ChatMessage, Marker, NewOrder
from gateway.errors import NotFound
from gateway.storage.conversations import ConversationTable
from gateway.storage.database import Database
from gateway.storage.orders import OrderTable

NOW = 1_790_000_000.25
MANY = 10_000


@pytest.fixture
async def order_id(database: Database) -> str:
    return (await OrderTable(database).add(NewOrder("x"), NOW)).id


def message(order_id: str, text: str = "Дисплей 👍\nžlutý", at: float = NOW) -> ChatMessage:
    return ChatMessage(str(uuid.uuid4()), order_id, at, "4524320adaad", "anna", AuthorRole.CUSTOMER, text)


def marker(order_id: str, label: str = "battery removed") -> Marker:
    return Marker(str(uuid.uuid4()), order_id, NOW, label, "boris")


async def test_what_was_said_comes_back_as_it_went(database: Database, order_id: str) -> None:
    table = ConversationTable(database)
    said, marked = message(order_id), marker(order_id)
    assert await table.add_message(said, MANY)
    assert await table.add_marker(marked, MANY)
    assert await table.messages(order_id, 50, None) == [said]
    assert await table.markers(order_id) == [marked]


async def test_the_longest_texts_fit(database: Database, order_id: str) -> None:
    table = ConversationTable(database)
    said, marked = message(order_id, "👍" * 1000), marker(order_id, "👍" * 120)
    await table.add_message(said, MANY)
    await table.add_marker(marked, MANY)
    assert await table.messages(order_id, 50, None) == [said]
    assert await table.markers(order_id) == [marked]


async def test_rows_keep_the_order_of_keeping_whatever_the_clock_does(
    database: Database, order_id: str
) -> None:
    table = ConversationTable(database)
    said = [message(order_id, f"{n}", NOW - n) for n in range(6)]
    marked = [marker(order_id, f"{n}") for n in range(6)]
    for one, other in zip(said, marked, strict=True):
        await table.add_message(one, MANY)
        await table.add_marker(other, MANY)
    assert await table.messages(order_id, 50, None) == said
    assert await table.messages(order_id, 2, None) == said[4:]
    assert await table.messages(order_id, 2, said[4].id) == said[2:4]
    assert await table.messages(order_id, 2, said[0].id) == []
    assert await table.markers(order_id) == marked


async def test_an_order_knows_only_its_own(database: Database, order_id: str) -> None:
    table = ConversationTable(database)
    other = (await OrderTable(database).add(NewOrder("y"), NOW)).id
    theirs, ours = message(other), message(order_id)
    for row in (ours, theirs):
        assert await table.add_message(row, 1)
    await table.add_marker(marker(other), MANY)
    assert await table.messages(order_id, 50, None) == [ours]
    assert await table.markers(order_id) == []
    assert await table.messages(order_id, 50, theirs.id) == []


async def test_a_full_order_takes_no_more(database: Database, order_id: str) -> None:
    table = ConversationTable(database)
    assert [await table.add_message(message(order_id), 2) for _ in range(3)] == [True, True, False]
    assert [await table.add_marker(marker(order_id), 2) for _ in range(3)] == [True, True, False]
    assert len(await table.messages(order_id, 50, None)) == len(await table.markers(order_id)) == 2


async def test_many_who_speak_at_once_are_all_kept(database: Database, order_id: str) -> None:
    table = ConversationTable(database)
    said = [message(order_id, f"{n}") for n in range(20)]
    assert all(await asyncio.gather(*(table.add_message(row, MANY) for row in said)))
    kept = await table.messages(order_id, 50, None)
    assert {row.id for row in kept} == {row.id for row in said}


async def test_what_is_no_order_or_no_message(database: Database, order_id: str) -> None:
    table = ConversationTable(database)
    await table.add_message(message(order_id), MANY)
    for text in ("main", "", "\0", "\ud800", str(uuid.uuid4())):
        assert not await table.messages(text, 50, None)
        assert not await table.markers(text)
        assert not await table.messages(order_id, 50, text)
    with pytest.raises(NotFound):
        await table.add_message(message(str(uuid.uuid4())), MANY)
    with pytest.raises(NotFound):
        await table.add_marker(marker(str(uuid.uuid4())), MANY)


async def test_conversations_go_with_their_order(database: Database, order_id: str) -> None:
    table = ConversationTable(database)
    await table.add_message(message(order_id), MANY)
    await table.add_marker(marker(order_id), MANY)
    async with database.transaction() as connection:
        await connection.execute(sa.text("DELETE FROM orders"))
        for name in ("live_stream_messages", "live_stream_markers"):
            assert (await connection.execute(sa.text(f"SELECT count(*) FROM {name}"))).scalar() == 0

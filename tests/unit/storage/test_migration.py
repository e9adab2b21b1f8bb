from __future__ import annotations

import asyncio
import uuid

import pytest
import sqlalchemy as sa
from alembic.autogenerate import compare_metadata
from alembic.runtime.migration import MigrationContext

from gateway.access.records import Account, AuthorRole, ChatMessage, LiveAccess, Marker, NewOrder, Role
from gateway.errors import Conflict, Unavailable
from gateway.storage import accesses, accounts, conversations, migration
from gateway.storage.accesses import AccessTable
from gateway.storage.accounts import AccountTable
from gateway.storage.conversations import ConversationTable
from gateway.storage.database import Database
from gateway.storage.orders import OrderTable
from gateway.storage.schema import metadata

assert accesses.accesses.metadata is accounts.accounts.metadata is metadata
assert conversations.messages.metadata is conversations.markers.metadata is metadata

SHOP_ORDER = "7a1c62c5-0d8a-4a53-8a8c-1d9c53a6a001"
SHOP_ACCESS = "7a1c62c5-0d8a-4a53-8a8c-1d9c53a6a002"

SHOP_ORDERS = """
CREATE TABLE orders (
  id {uuid} PRIMARY KEY,
  customer_id {uuid} NOT NULL,
  number VARCHAR(20) NOT NULL UNIQUE,
  status TEXT NOT NULL DEFAULT 'new',
  price NUMERIC(10, 2)
)"""
SEED_ACCESS = """
CREATE TABLE live_stream_access (
  id {uuid} PRIMARY KEY,
  order_id {uuid} REFERENCES orders(id),
  login VARCHAR(50) UNIQUE NOT NULL,
  password_hash VARCHAR(255) NOT NULL,
  stream_url TEXT,
  expires_at {instant} NOT NULL,
  created_at {instant} DEFAULT CURRENT_TIMESTAMP
)"""


@pytest.fixture
def types(url: str) -> dict[str, str]:
    if url.startswith("sqlite"):
        return {"uuid": "CHAR(32)", "instant": "TIMESTAMP"}
    return {"uuid": "UUID", "instant": "TIMESTAMPTZ"}


async def columns(database: Database, table: str) -> set[str]:
    async with database.transaction() as connection:
        found = await connection.run_sync(lambda sync: sa.inspect(sync).get_columns(table))
    return {column["name"] for column in found}


async def shop(database: Database, types: dict[str, str]) -> None:
    """A database as the shop's own site has it, with an order in it."""
    async with database.transaction() as connection:
        await connection.execute(sa.text(SHOP_ORDERS.format(**types)))
        await connection.execute(
            sa.text("INSERT INTO orders (id, customer_id, number, price) VALUES (:id, :id, 'R-7', 99.5)"),
            {"id": _bound(SHOP_ORDER, types)},
        )


def _bound(identifier: str, types: dict[str, str]) -> object:
    return uuid.UUID(identifier) if types["uuid"] == "UUID" else identifier.replace("-", "")


async def test_the_tables_are_those_the_code_speaks_of(database: Database) -> None:
    def differences(connection: sa.Connection) -> list[object]:
        context = MigrationContext.configure(connection, opts={"version_table": migration.VERSION_TABLE})
        return list(compare_metadata(context, metadata))

    async with database.transaction() as connection:
        assert await connection.run_sync(differences) == []
        assert await connection.run_sync(migration.is_current)


async def test_migrating_again_and_together_changes_nothing(empty: Database, url: str) -> None:
    others = [Database(url) for _ in range(3)]
    await asyncio.gather(empty.migrate(), *(other.migrate() for other in others))
    order = await OrderTable(empty).add(NewOrder("kept"), 0.0)
    await empty.migrate()
    assert await OrderTable(empty).get(order.id) == order
    for other in others:
        await other.close()


async def test_a_fresh_database_is_not_current(empty: Database) -> None:
    async with empty.transaction() as connection:
        assert not await connection.run_sync(migration.is_current)


async def test_a_shops_own_orders_only_gain_a_column(empty: Database, types: dict[str, str]) -> None:
    await shop(empty, types)
    before = await columns(empty, "orders")
    await empty.migrate()
    assert await columns(empty, "orders") == before | {"live_stream_enabled"}
    table = OrderTable(empty)
    order = await table.get(SHOP_ORDER)
    assert order is not None
    assert (order.number, order.title, order.live_stream_enabled) == ("R-7", None, False)
    assert await table.by_number("R-7") == order
    async with empty.transaction() as connection:
        row = (await connection.execute(sa.text("SELECT status, price FROM orders"))).one()
    assert (row[0], float(row[1])) == ("new", 99.5)


async def test_a_shops_own_order_can_be_shown_live(empty: Database, types: dict[str, str]) -> None:
    await shop(empty, types)
    await empty.migrate()
    identifier = str(uuid.uuid4())
    await AccessTable(empty).add(LiveAccess(identifier, SHOP_ORDER, "repair_a", "hash", 2e9, 1e9))
    await OrderTable(empty).enable_live_stream(SHOP_ORDER)
    order = await OrderTable(empty).get(SHOP_ORDER)
    assert order is not None
    assert order.live_stream_enabled
    assert await AccessTable(empty).alive([identifier], 1.5e9) == {identifier}


async def test_a_shops_own_orders_are_created_by_the_shop(empty: Database, types: dict[str, str]) -> None:
    await shop(empty, types)
    await empty.migrate()
    with pytest.raises(Conflict, match="the shop's own table"):
        await OrderTable(empty).add(NewOrder("x"), 0.0)


async def test_the_seeds_accesses_stay_and_gain_their_end(empty: Database, types: dict[str, str]) -> None:
    await shop(empty, types)
    async with empty.transaction() as connection:
        await connection.execute(sa.text(SEED_ACCESS.format(**types)))
        await connection.execute(
            sa.text(
                "INSERT INTO live_stream_access (id, order_id, login, password_hash, expires_at, created_at) "
                "VALUES (:id, :order, 'repair_seed', 'hash', '2033-05-18 03:33:20', NULL)"
            ),
            {"id": _bound(SHOP_ACCESS, types), "order": _bound(SHOP_ORDER, types)},
        )
    await empty.migrate()
    table = AccessTable(empty)
    access = await table.by_login("repair_seed")
    assert access is not None
    assert (access.id, access.order_id, access.revoked_at) == (SHOP_ACCESS, SHOP_ORDER, None)
    assert access.created_at == 0.0
    assert await table.revoke(SHOP_ACCESS, 1e9)
    assert await table.alive([SHOP_ACCESS], 1e9) == set()


async def test_what_was_kept_before_conversations_stays(empty: Database) -> None:
    """A gateway of the first release is updated."""
    async with empty.transaction() as connection:
        await connection.run_sync(migration.upgrade_to, "0001")
    order = await OrderTable(empty).add(NewOrder("kept"), 0.0)
    before = await columns(empty, "orders")
    await empty.migrate()
    assert await OrderTable(empty).get(order.id) == order
    assert await columns(empty, "orders") == before
    assert await columns(empty, "live_stream_messages") >= {"id", "order_id", "text"}


async def test_a_migration_that_fails_leaves_nothing_behind(empty: Database) -> None:
    async with empty.transaction() as connection:
        await connection.execute(sa.text("CREATE TABLE live_stream_accounts (something_else INTEGER)"))
    with pytest.raises(Unavailable, match="the migration failed"):
        await empty.migrate()
    async with empty.transaction() as connection:
        tables = await connection.run_sync(lambda sync: sa.inspect(sync).get_table_names())
        assert not await connection.run_sync(migration.is_current)
    assert "orders" not in tables


async def one_of_each(database: Database, order_id: str) -> None:
    """A row in every table that belongs to the order or to the staff."""
    await AccessTable(database).add(LiveAccess(str(uuid.uuid4()), order_id, "repair_a", "hash", 2e9, 1e9))
    await AccountTable(database).add(Account(str(uuid.uuid4()), "boss", "hash", Role.ADMIN, 1e9))
    table = ConversationTable(database)
    said = ChatMessage(str(uuid.uuid4()), order_id, 1e9, "aa", "anna", AuthorRole.CUSTOMER, "x")
    await table.add_message(said, 1)
    await table.add_marker(Marker(str(uuid.uuid4()), order_id, 1e9, "x", "boss"), 1)


async def test_supabase_does_not_serve_our_tables_to_the_world(postgresql_url: str) -> None:
    database = Database(postgresql_url)
    async with database.transaction() as connection:
        await connection.execute(sa.text("CREATE ROLE anon"))
        await connection.execute(sa.text("ALTER DEFAULT PRIVILEGES GRANT SELECT ON TABLES TO anon"))
    try:
        await database.migrate()
        order = await OrderTable(database).add(NewOrder("private"), 0.0)
        assert await OrderTable(database).get(order.id) == order
        await one_of_each(database, order.id)
        async with database.transaction() as connection:
            for table in sorted(metadata.tables):
                assert (await connection.execute(sa.text(f"SELECT count(*) FROM {table}"))).scalar() == 1
            await connection.execute(sa.text("SET LOCAL ROLE anon"))
            for table in sorted(metadata.tables):
                rows = await connection.execute(sa.text(f"SELECT * FROM {table}"))
                assert rows.all() == [], table
    finally:
        async with database.transaction() as connection:
            await connection.execute(sa.text("DROP OWNED BY anon"))
            await connection.execute(sa.text("DROP ROLE anon"))
        await database.close()

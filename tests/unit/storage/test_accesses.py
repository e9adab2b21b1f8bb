from __future__ import annotations

import uuid
from dataclasses import replace

import pytest
import sqlalchemy as sa

from gateway.access.records import LiveAccess, NewOrder
from gateway.clock import ManualClock
from gateway.config import Settings
from gateway.errors import Conflict
from gateway.storage.access_services import access_services
from gateway.storage.accesses import AccessTable
from gateway.storage.database import Database
from gateway.storage.orders import OrderTable

NOW = 1_790_000_000.0


@pytest.fixture
async def order_id(database: Database) -> str:
    return (await OrderTable(database).add(NewOrder("x"), NOW)).id


def access(order_id: str, login: str = "repair_a", **changes: float) -> LiveAccess:
    made = LiveAccess(str(uuid.uuid4()), order_id, login, "hash", NOW + 60, NOW, "https://x", "a@b", "1")
    return replace(made, **changes)


async def test_an_access_comes_back_as_it_went(database: Database, order_id: str) -> None:
    table = AccessTable(database)
    kept = access(order_id)
    await table.add(kept)
    assert await table.get(kept.id) == kept
    assert await table.by_login("repair_a") == kept
    assert await table.of_order(order_id) == [kept]


async def test_the_newest_access_comes_first(database: Database, order_id: str) -> None:
    table = AccessTable(database)
    old, new = access(order_id, "repair_a"), access(order_id, "repair_b", created_at=NOW + 1)
    await table.add(old)
    await table.add(new)
    assert await table.of_order(order_id) == [new, old]


async def test_logins_are_unique_and_orders_must_exist(database: Database, order_id: str) -> None:
    table = AccessTable(database)
    await table.add(access(order_id))
    with pytest.raises(Conflict):
        await table.add(access(order_id))
    with pytest.raises(Conflict):
        await table.add(access(str(uuid.uuid4()), "repair_b"))


async def test_alive_means_neither_revoked_nor_expired(database: Database, order_id: str) -> None:
    table = AccessTable(database)
    good, expired, revoked = (access(order_id, f"repair_{name}") for name in "abc")
    for row in (good, replace(expired, expires_at=NOW), revoked):
        await table.add(row)
    assert await table.revoke(revoked.id, NOW)
    asked = [good.id, expired.id, revoked.id, str(uuid.uuid4()), "gone"]
    assert await table.alive(asked, NOW) == {good.id}
    assert await table.alive([], NOW) == set()


async def test_the_first_revocation_counts(database: Database, order_id: str) -> None:
    table = AccessTable(database)
    row = access(order_id)
    await table.add(row)
    assert await table.revoke(row.id, NOW + 1)
    assert await table.revoke(row.id, NOW + 2)
    kept = await table.get(row.id)
    assert kept is not None
    assert kept.revoked_at == NOW + 1


async def test_what_is_no_access(database: Database) -> None:
    table = AccessTable(database)
    for text in ("main", "", "\0", str(uuid.uuid4())):
        assert await table.get(text) is None
        assert not await table.of_order(text)
        assert not await table.revoke(text, NOW)


async def test_accesses_go_with_their_order(database: Database, order_id: str) -> None:
    table = AccessTable(database)
    row = access(order_id)
    await table.add(row)
    async with database.transaction() as connection:
        await connection.execute(sa.text("DELETE FROM orders"))
    assert await table.alive([row.id], NOW) == set()


async def test_another_process_revokes_and_this_one_sees_it(database: Database, url: str) -> None:
    """The gateway polls `ended`; the command line has connections of its own."""
    clock = ManualClock()
    settings = Settings(jwt_secret="s" * 32, bcrypt_cost=4)
    other = Database(url)
    gateway, cli = (access_services(settings, base, clock) for base in (database, other))
    order = await cli.orders.create(NewOrder("x"))
    created = await cli.accesses.create(order.id, 3600)
    await gateway.accesses.authenticate(created.login, created.password, "192.0.2.1")
    assert await gateway.accesses.ended([created.id]) == set()
    await cli.accesses.revoke(created.id)
    assert await gateway.accesses.ended([created.id]) == {created.id}
    await other.close()

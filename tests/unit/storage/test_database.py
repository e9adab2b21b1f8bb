from __future__ import annotations

import asyncio
import stat
import sys
import uuid
from dataclasses import asdict
from pathlib import Path

import pytest
import sqlalchemy as sa

from gateway.access.records import Account, NewOrder, Role
from gateway.config import Settings
from gateway.errors import Unavailable
from gateway.storage import database as database_module
from gateway.storage.accounts import accounts
from gateway.storage.database import Database
from gateway.storage.orders import OrderTable

WRITER = """
import asyncio, sys
from gateway.access.records import NewOrder
from gateway.storage.database import Database
from gateway.storage.orders import OrderTable

async def main():
    database = Database(sys.argv[1])
    await database.migrate()
    table = OrderTable(database)
    for number in range(int(sys.argv[2])):
        await table.add(NewOrder(f"{sys.argv[3]} {number}"), 0.0)
    await database.close()

asyncio.run(main())
"""


async def test_processes_migrate_and_write_at_the_same_time(empty: Database, url: str) -> None:
    """The command line works while the gateway runs: nobody loses a row or sees "database is locked"."""
    each = 15
    writers = [
        await asyncio.create_subprocess_exec(
            sys.executable, "-c", WRITER, url, str(each), name, stderr=asyncio.subprocess.PIPE
        )
        for name in ("one", "two", "three")
    ]
    outcomes = [await writer.communicate() for writer in writers]
    assert [writer.returncode for writer in writers] == [0, 0, 0], outcomes
    async with empty.transaction() as connection:
        numbers = list((await connection.execute(sa.text("SELECT number FROM orders"))).scalars())
    assert sorted(numbers) == list(range(1001, 1001 + 3 * each))


async def test_a_failed_transaction_leaves_nothing(database: Database) -> None:
    table = OrderTable(database)
    order = await table.add(NewOrder("kept"), 0.0)

    async def interrupted() -> None:
        async with database.transaction() as connection:
            await connection.execute(sa.text("DELETE FROM orders"))
            raise RuntimeError

    with pytest.raises(RuntimeError):
        await interrupted()
    assert await table.get(order.id) == order


async def test_the_file_is_made_for_its_owner_only(tmp_path: Path) -> None:
    database = Database.of(Settings(data_dir=tmp_path / "new" / "data"))
    assert database.embedded
    await database.migrate()
    await OrderTable(database).add(NewOrder("x"), 0.0)
    folder = tmp_path / "new" / "data"
    assert (folder / database_module.FILE_NAME).exists()
    assert {stat.S_IMODE(path.stat().st_mode) for path in folder.iterdir()} == {0o600}
    await database.close()
    await database.close()


async def test_sqlite_is_set_up_for_two_writers(tmp_path: Path) -> None:
    database = Database(f"sqlite:///{tmp_path}/x.db")
    async with database.transaction() as connection:
        pragmas = {
            name: (await connection.execute(sa.text(f"PRAGMA {name}"))).scalar()
            for name in ("journal_mode", "foreign_keys", "busy_timeout")
        }
    assert pragmas == {"journal_mode": "wal", "foreign_keys": 1, "busy_timeout": 10_000}
    await database.close()


def test_an_unusable_data_directory(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    with pytest.raises(Unavailable, match="cannot use"):
        Database.of(Settings(data_dir=tmp_path / "file" / "data"))


async def test_an_unreachable_server_is_unavailable_without_its_password() -> None:
    database = Database("postgresql://user:hunter2@127.0.0.1:9/none?sslmode=disable")
    assert not database.embedded
    for operation in (database.prepare, database.migrate):
        with pytest.raises(Unavailable) as caught:
            await operation()
        assert "hunter2" not in str(caught.value)
    await database.close()


async def test_no_parameter_is_in_an_error(database: Database) -> None:
    async def twice() -> None:
        account = Account(str(uuid.uuid4()), "boss", "$2b$the-hash", Role.ADMIN, 0.0)
        async with database.transaction() as connection:
            for _ in range(2):
                await connection.execute(sa.insert(accounts).values(asdict(account)))

    with pytest.raises(sa.exc.IntegrityError) as caught:
        await twice()
    assert "the-hash" not in str(caught.value)


async def test_a_file_of_ours_is_migrated_at_once(tmp_path: Path) -> None:
    database = Database(f"sqlite:///{tmp_path}/x.db")
    await database.prepare()
    await OrderTable(database).add(NewOrder("x"), 0.0)
    await database.close()


async def test_a_shared_database_is_migrated_by_hand(postgresql_url: str) -> None:
    database = Database(postgresql_url)
    with pytest.raises(Unavailable, match="gateway migrate"):
        await database.prepare()
    await database.migrate()
    await database.prepare()
    await database.close()

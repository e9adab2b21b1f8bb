"""The database: SQLite under the data directory, or PostgreSQL. Connections, transactions, migrations."""

from __future__ import annotations

import os
import sqlite3
import uuid
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress
from pathlib import Path
from typing import Any

import asyncpg
import sqlalchemy as sa
from sqlalchemy.engine import URL, make_url
from sqlalchemy.ext.asyncio import AsyncConnection, create_async_engine
from sqlalchemy.pool import ConnectionPoolEntry

from gateway.config import Settings
from gateway.errors import Unavailable

FILE_NAME = "gateway.db"
BUSY_SECONDS = 10
"""How long a writer waits for another one: the command line writes while the gateway runs."""
CONNECT_SECONDS = 10
UNREACHABLE = (
    sa.exc.OperationalError,
    sa.exc.InterfaceError,
    sa.exc.TimeoutError,
    asyncpg.PostgresError,
    asyncpg.InterfaceError,
    OSError,
)


class Database:
    """Hands out transactions. Raises Unavailable whenever the database cannot be reached."""

    def __init__(self, url: str) -> None:
        parsed = _async_url(make_url(url))
        self.embedded = parsed.get_backend_name() == "sqlite"
        """Whether the data lives in a file of ours: then nobody else migrates it."""
        self._engine = create_async_engine(
            parsed,
            # Parameters are password hashes and people's addresses: never in an error's text.
            hide_parameters=True,
            pool_pre_ping=not self.embedded,
            connect_args={} if self.embedded else _postgresql_arguments(),
        )
        if self.embedded:
            sa.event.listen(self._engine.sync_engine, "connect", _prepare_sqlite)

    @classmethod
    def of(cls, settings: Settings) -> Database:
        """The configured database; the SQLite file is made readable for its owner only."""
        if settings.database_url is not None:
            return cls(settings.database_url.get_secret_value())
        path = settings.data_dir.resolve() / FILE_NAME
        try:
            path.parent.mkdir(parents=True, exist_ok=True)
            os.close(os.open(path, os.O_CREAT | os.O_RDWR, 0o600))
        except OSError as error:
            raise Unavailable(f"cannot use {path}: {error.strerror}") from None
        return cls(f"sqlite:///{path}")

    @asynccontextmanager
    async def transaction(self) -> AsyncIterator[AsyncConnection]:
        """A connection in a transaction that commits at the end or rolls back on an exception."""
        try:
            async with self._engine.begin() as connection:
                yield connection
        except UNREACHABLE as error:
            raise Unavailable(f"the database does not answer: {_reason(error)}", retry_after=2.0) from error

    async def migrate(self) -> None:
        """Bring the tables up to date. Any number of processes may do it at the same time.

        Raises Unavailable when the database cannot be reached or does not take the tables.
        """
        from gateway.storage import migration

        try:
            async with self._engine.connect() as connection:
                await (migration.upgrade_sqlite if self.embedded else migration.upgrade_postgresql)(
                    connection
                )
        except (*UNREACHABLE, sa.exc.DBAPIError) as error:
            raise Unavailable(f"the migration failed: {_reason(error)}") from error

    async def prepare(self) -> None:
        """Migrate a file of ours; insist that somebody has migrated a shared database.

        Raises Unavailable, naming the command to run.
        """
        from gateway.storage import migration

        if self.embedded:
            await self.migrate()
            return
        async with self.transaction() as connection:
            current = await connection.run_sync(migration.is_current)
        if not current:
            raise Unavailable("the database is not migrated: run `gateway migrate`")

    async def close(self) -> None:
        """Close all connections; may be called again."""
        await self._engine.dispose()


def _async_url(url: URL) -> URL:
    """`postgresql://…?sslmode=require`, as hosting pages show it, in the terms of asyncpg."""
    if url.get_backend_name() == "sqlite":
        if url.database and url.database != ":memory:":
            url = url.set(database=str(Path(url.database).resolve()))
        return url.set(drivername="sqlite+aiosqlite")
    query: dict[str, Any] = dict(url.query)
    if "sslmode" in query:
        query["ssl"] = query.pop("sslmode")
    return url.set(drivername="postgresql+asyncpg", query=query)


def _postgresql_arguments() -> dict[str, Any]:
    """Poolers such as Supabase's hand each transaction another server connection.

    So statements are not kept prepared across transactions, and their names never collide.
    """
    return {
        "timeout": CONNECT_SECONDS,
        "statement_cache_size": 0,
        "prepared_statement_cache_size": 0,
        "prepared_statement_name_func": lambda: f"gateway_{uuid.uuid4().hex}",
    }


def _prepare_sqlite(connection: Any, _entry: ConnectionPoolEntry) -> None:
    cursor = connection.cursor()
    cursor.execute(f"PRAGMA busy_timeout = {BUSY_SECONDS * 1000}")
    # The mode stays with the file. Of two that switch a new one at the same moment SQLite refuses the second
    # without waiting, since each would wait for the other; the first one's mode is then in force for both.
    with suppress(sqlite3.OperationalError):
        cursor.execute("PRAGMA journal_mode = WAL")
    cursor.execute("PRAGMA synchronous = NORMAL")
    cursor.execute("PRAGMA foreign_keys = ON")
    cursor.close()


def _reason(error: BaseException) -> str:
    """The driver's own words in one line, without the statement."""
    cause = getattr(error, "orig", None) or error
    return (str(cause).splitlines() or [""])[0] or type(cause).__name__

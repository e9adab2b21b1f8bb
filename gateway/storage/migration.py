"""Runs the migrations of this package on an open connection. Only imported when needed: alembic is big."""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path

import sqlalchemy as sa
from alembic import command
from alembic.config import Config
from alembic.runtime.migration import MigrationContext
from alembic.script import ScriptDirectory
from sqlalchemy.ext.asyncio import AsyncConnection

VERSION_TABLE = "gateway_schema_version"
"""Not alembic's usual name: a shared database may hold another program's."""
LOCK = 0x5245504C495645
"""Key of the advisory lock that makes migrating processes queue."""


async def upgrade_postgresql(connection: AsyncConnection) -> None:
    """All or nothing, in one transaction."""
    async with connection.begin():
        await connection.execute(sa.text("SELECT pg_advisory_xact_lock(:key)"), {"key": LOCK})
        await connection.run_sync(upgrade_to)


async def upgrade_sqlite(connection: AsyncConnection) -> None:
    """All or nothing, in one transaction.

    The driver would commit before each CREATE and begin too late for a lock; so it is told to keep
    out, and BEGIN IMMEDIATE makes other writers wait.
    """
    await connection.execution_options(isolation_level="AUTOCOMMIT")
    await connection.exec_driver_sql("BEGIN IMMEDIATE")
    try:
        await connection.run_sync(upgrade_to)
    except BaseException:
        await connection.exec_driver_sql("ROLLBACK")
        raise
    await connection.exec_driver_sql("COMMIT")


def is_current(connection: sa.Connection) -> bool:
    """Whether the newest migration has run."""
    context = MigrationContext.configure(connection, opts={"version_table": VERSION_TABLE})
    head = ScriptDirectory.from_config(_config()).get_current_head()
    return context.get_current_revision() == head


def keep_private(connection: sa.Connection, tables: Iterable[str]) -> None:
    """Supabase serves every table to the world (role `anon`) unless row level security is on.

    For migrations that create tables. The owner, which is whoever migrates, is not bound by it.
    """
    if connection.dialect.name != "postgresql":
        return
    if connection.scalar(sa.text("SELECT 1 FROM pg_roles WHERE rolname = 'anon'")):
        for table in sorted(tables):
            connection.execute(sa.text(f"ALTER TABLE {table} ENABLE ROW LEVEL SECURITY"))


def upgrade_to(connection: sa.Connection, revision: str = "head") -> None:
    """Run the migrations up to `revision`, in whatever transaction the connection has."""
    config = _config()
    config.attributes["connection"] = connection
    command.upgrade(config, revision)


def _config() -> Config:
    config = Config()
    config.set_main_option("script_location", str(Path(__file__).parent / "migrations").replace("%", "%%"))
    return config

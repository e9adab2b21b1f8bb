"""The table `live_stream_accounts`: the staff."""

from __future__ import annotations

from dataclasses import asdict

import sqlalchemy as sa

from gateway.access.records import Account, Role
from gateway.errors import Conflict
from gateway.storage.database import Database
from gateway.storage.schema import Id, Instant, metadata

accounts = sa.Table(
    "live_stream_accounts",
    metadata,
    sa.Column("id", Id, primary_key=True),
    sa.Column("login", sa.String(50), nullable=False, unique=True),
    sa.Column("password_hash", sa.String(255), nullable=False),
    sa.Column("role", sa.String(20), nullable=False),
    sa.Column("created_at", Instant),
)


class AccountTable:
    """The `AccountRepository` of production."""

    def __init__(self, database: Database) -> None:
        self._database = database

    async def add(self, account: Account) -> None:
        try:
            async with self._database.transaction() as connection:
                await connection.execute(sa.insert(accounts).values(asdict(account)))
        except sa.exc.IntegrityError as error:
            raise Conflict("the login is taken") from error

    async def by_login(self, login: str) -> Account | None:
        statement = sa.select(accounts).where(accounts.c.login == login)
        async with self._database.transaction() as connection:
            row = (await connection.execute(statement)).mappings().first()
        if row is None:
            return None
        return Account(row["id"], row["login"], row["password_hash"], Role(row["role"]), row["created_at"])

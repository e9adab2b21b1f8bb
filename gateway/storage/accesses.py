"""The table `live_stream_access`: customers' logins, as the shop's site knows them, and their end."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import asdict
from typing import Any

import sqlalchemy as sa

from gateway.access.records import LiveAccess
from gateway.errors import Conflict
from gateway.storage.database import Database
from gateway.storage.orders import orders
from gateway.storage.schema import Id, Instant, is_id, metadata

accesses = sa.Table(
    "live_stream_access",
    metadata,
    sa.Column("id", Id, primary_key=True),
    sa.Column("order_id", Id, sa.ForeignKey(orders.c.id, ondelete="CASCADE"), index=True),
    sa.Column("login", sa.String(50), nullable=False, unique=True),
    sa.Column("password_hash", sa.String(255), nullable=False),
    sa.Column("stream_url", sa.Text),
    sa.Column("expires_at", Instant, nullable=False),
    sa.Column("created_at", Instant),
    sa.Column("email", sa.String(200)),
    sa.Column("phone", sa.String(200)),
    sa.Column("revoked_at", Instant),
)


class AccessTable:
    """The `AccessRepository` of production."""

    def __init__(self, database: Database) -> None:
        self._database = database

    async def add(self, access: LiveAccess) -> None:
        try:
            async with self._database.transaction() as connection:
                await connection.execute(sa.insert(accesses).values(asdict(access)))
        except sa.exc.IntegrityError as error:
            raise Conflict("the login is taken or the order is gone") from error

    async def by_login(self, login: str) -> LiveAccess | None:
        found = await self._select(accesses.c.login == login)
        return found[0] if found else None

    async def get(self, access_id: str) -> LiveAccess | None:
        found = await self._select(accesses.c.id == access_id) if is_id(access_id) else ()
        return found[0] if found else None

    async def of_order(self, order_id: str) -> Sequence[LiveAccess]:
        return await self._select(accesses.c.order_id == order_id) if is_id(order_id) else ()

    async def revoke(self, access_id: str, at: float) -> bool:
        if not is_id(access_id):
            return False
        once = sa.func.coalesce(accesses.c.revoked_at, sa.literal(at, Instant))
        statement = sa.update(accesses).where(accesses.c.id == access_id).values(revoked_at=once)
        async with self._database.transaction() as connection:
            return bool((await connection.execute(statement)).rowcount)

    async def alive(self, access_ids: Iterable[str], now: float) -> set[str]:
        candidates = [access_id for access_id in access_ids if is_id(access_id)]
        statement = sa.select(accesses.c.id).where(
            accesses.c.id.in_(candidates), accesses.c.revoked_at.is_(None), accesses.c.expires_at > now
        )
        async with self._database.transaction() as connection:
            return set((await connection.execute(statement)).scalars())

    async def _select(self, condition: sa.ColumnElement[bool]) -> Sequence[LiveAccess]:
        statement = sa.select(accesses).where(condition).order_by(accesses.c.created_at.desc())
        async with self._database.transaction() as connection:
            rows = (await connection.execute(statement)).mappings().all()
        return [_access(row) for row in rows]


def _access(row: sa.RowMapping) -> LiveAccess:
    values: dict[str, Any] = dict(row)
    # The seed's column has a default but allows NULL.
    return LiveAccess(**{**values, "created_at": values["created_at"] or 0.0})

from __future__ import annotations

import pytest
import sqlalchemy as sa

from gateway.storage.database import Database
from gateway.storage.schema import Instant, is_id


@pytest.mark.parametrize(
    ("text", "valid"),
    [
        ("0b9d0f2e-8c1c-4d4e-9f61-6a2f4a0f7f11", True),
        ("0B9D0F2E-8C1C-4D4E-9F61-6A2F4A0F7F11", False),
        ("0b9d0f2e8c1c4d4e9f616a2f4a0f7f11", False),
        ("{0b9d0f2e-8c1c-4d4e-9f61-6a2f4a0f7f11}", False),
        ("main", False),
        ("", False),
        ("\0", False),
        ("\ud800", False),
    ],
)
def test_only_canonical_ids_reach_the_database(text: str, valid: bool) -> None:
    assert is_id(text) is valid


@pytest.mark.parametrize("instant", [0.0, 1_790_000_000.25, None])
async def test_an_instant_comes_back_as_it_went(empty: Database, instant: float | None) -> None:
    table = sa.Table("instants", sa.MetaData(), sa.Column("at", Instant))
    async with empty.transaction() as connection:
        await connection.run_sync(table.create)
        await connection.execute(sa.insert(table).values(at=instant))
    async with empty.transaction() as connection:
        assert (await connection.execute(sa.select(table.c.at))).scalar() == instant

"""What all tables share: the metadata, instants as numbers, ids as text."""

from __future__ import annotations

import uuid
from datetime import UTC, datetime

import sqlalchemy as sa

metadata = sa.MetaData()

Id = sa.Uuid(as_uuid=False)
"""UUID in PostgreSQL, 32 hexadecimal digits in SQLite; canonical text in Python."""


class Instant(sa.types.TypeDecorator[float]):
    """`TIMESTAMPTZ` in the database, seconds since the epoch in Python."""

    impl = sa.DateTime(timezone=True)
    cache_ok = True

    def process_bind_param(self, value: float | None, dialect: sa.Dialect) -> datetime | None:
        return None if value is None else datetime.fromtimestamp(value, UTC)

    def process_result_value(self, value: datetime | None, dialect: sa.Dialect) -> float | None:
        if value is None:
            return None
        # SQLite keeps no zone; all we ever write is UTC.
        return (value if value.tzinfo else value.replace(tzinfo=UTC)).timestamp()


def is_id(text: str) -> bool:
    """Whether `text` is a UUID as we write them; only then may it be compared with an id column."""
    try:
        return str(uuid.UUID(text)) == text
    except ValueError:
        return False

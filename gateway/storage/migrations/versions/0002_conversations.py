"""Chat messages and markers, in tables of their own; no table that exists is touched."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

from gateway.storage.migration import keep_private

revision = "0002"
down_revision = "0001"


def upgrade() -> None:
    op.create_table(
        "live_stream_messages",
        *_own_columns(),
        sa.Column("author_id", sa.String(64), nullable=False),
        sa.Column("role", sa.String(20), nullable=False),
        sa.Column("text", sa.String(1000), nullable=False),
    )
    op.create_table(
        "live_stream_markers", *_own_columns(), sa.Column("label", sa.String(120), nullable=False)
    )
    for table in ("live_stream_messages", "live_stream_markers"):
        op.create_index(f"ix_{table}_order_id", table, ["order_id", "position"])
    keep_private(op.get_bind(), {"live_stream_messages", "live_stream_markers"})


def _own_columns() -> tuple[sa.Column[object], ...]:
    return (
        sa.Column("position", sa.BigInteger().with_variant(sa.Integer, "sqlite"), primary_key=True),
        sa.Column("id", sa.Uuid, nullable=False, unique=True),
        sa.Column("order_id", sa.Uuid, sa.ForeignKey("orders.id", ondelete="CASCADE"), nullable=False),
        sa.Column("at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("author_name", sa.String(120), nullable=False),
    )

"""Orders, live accesses and accounts.

`orders` and `live_stream_access` may exist already, made by the shop's own site: then they only get
the columns that are missing, and every row stays.
"""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

from gateway.storage.migration import keep_private

revision = "0001"
down_revision = None


def upgrade() -> None:
    tables = set(sa.inspect(op.get_bind()).get_table_names())
    if "orders" in tables:
        _add_missing("orders", sa.Column("live_stream_enabled", sa.Boolean, server_default=sa.false()))
    else:
        _create_orders()
    if "live_stream_access" in tables:
        _add_missing(
            "live_stream_access",
            sa.Column("email", sa.String(200)),
            sa.Column("phone", sa.String(200)),
            sa.Column("revoked_at", sa.DateTime(timezone=True)),
        )
    else:
        _create_accesses()
    _create_accounts()
    keep_private(op.get_bind(), {"orders", "live_stream_access", "live_stream_accounts"} - tables)


def _add_missing(table: str, *columns: sa.Column[object]) -> None:
    present = {column["name"] for column in sa.inspect(op.get_bind()).get_columns(table)}
    for column in columns:
        if column.name not in present:
            op.add_column(table, column)


def _created_at() -> sa.Column[object]:
    return sa.Column("created_at", sa.DateTime(timezone=True), server_default=sa.func.current_timestamp())


def _create_orders() -> None:
    op.create_table(
        "orders",
        sa.Column("id", sa.Uuid, primary_key=True),
        sa.Column("number", sa.Integer, unique=True),
        sa.Column("title", sa.String(200)),
        sa.Column("device", sa.String(200)),
        sa.Column("customer_email", sa.String(200)),
        sa.Column("customer_phone", sa.String(200)),
        sa.Column("language", sa.String(8)),
        sa.Column("live_stream_enabled", sa.Boolean, server_default=sa.false()),
        _created_at(),
    )


def _create_accesses() -> None:
    op.create_table(
        "live_stream_access",
        sa.Column("id", sa.Uuid, primary_key=True),
        sa.Column("order_id", sa.Uuid, sa.ForeignKey("orders.id", ondelete="CASCADE"), index=True),
        sa.Column("login", sa.String(50), nullable=False, unique=True),
        sa.Column("password_hash", sa.String(255), nullable=False),
        sa.Column("stream_url", sa.Text),
        sa.Column("expires_at", sa.DateTime(timezone=True), nullable=False),
        _created_at(),
        sa.Column("email", sa.String(200)),
        sa.Column("phone", sa.String(200)),
        sa.Column("revoked_at", sa.DateTime(timezone=True)),
    )


def _create_accounts() -> None:
    op.create_table(
        "live_stream_accounts",
        sa.Column("id", sa.Uuid, primary_key=True),
        sa.Column("login", sa.String(50), nullable=False, unique=True),
        sa.Column("password_hash", sa.String(255), nullable=False),
        sa.Column("role", sa.String(20), nullable=False),
        _created_at(),
    )

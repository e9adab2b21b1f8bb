"""Instants as other programs read them."""

from __future__ import annotations

from datetime import UTC, datetime


def iso(instant: float) -> str:
    """Seconds since the epoch as RFC 3339 in UTC with milliseconds: `2026-09-22T13:46:40.000Z`."""
    return datetime.fromtimestamp(instant, UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")

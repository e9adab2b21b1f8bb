"""The things that are kept: orders, live accesses, accounts. Times are seconds since the epoch."""

from __future__ import annotations

from dataclasses import dataclass, field
from enum import StrEnum


@dataclass(frozen=True, slots=True)
class NewOrder:
    """What a person says about a repair when it is taken in."""

    title: str
    device: str | None = None
    customer_email: str | None = None
    customer_phone: str | None = None
    language: str | None = None


@dataclass(frozen=True, slots=True)
class Order:
    """A repair. Everything but the id may be missing where `orders` is the shop's own table."""

    id: str
    number: str | None
    title: str | None
    device: str | None
    customer_email: str | None
    customer_phone: str | None
    language: str | None
    live_stream_enabled: bool


@dataclass(frozen=True, slots=True)
class LiveAccess:
    """A customer's login to one order: a row of `live_stream_access`."""

    id: str
    order_id: str
    login: str
    password_hash: str = field(repr=False)
    expires_at: float
    created_at: float
    stream_url: str | None = None
    email: str | None = None
    phone: str | None = None
    revoked_at: float | None = None

    def is_alive(self, now: float) -> bool:
        """Neither revoked nor expired."""
        return self.revoked_at is None and now < self.expires_at


class Role(StrEnum):
    """What a member of staff is."""

    ADMIN = "admin"
    TECHNICIAN = "technician"


@dataclass(frozen=True, slots=True)
class Account:
    """A member of staff."""

    id: str
    login: str
    password_hash: str = field(repr=False)
    role: Role
    created_at: float

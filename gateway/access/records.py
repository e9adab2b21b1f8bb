"""What is kept: orders, live accesses, accounts, conversations. Times are seconds since the epoch."""

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


class AuthorRole(StrEnum):
    """As what somebody speaks in an order's chat."""

    CUSTOMER = "customer"
    TECHNICIAN = "technician"
    STAFF = "staff"


@dataclass(frozen=True, slots=True)
class Author:
    """Who speaks: `id` is the public viewer id, `name` what others read beside the text."""

    id: str
    name: str
    role: AuthorRole


@dataclass(frozen=True, slots=True)
class ChatMessage:
    """Something that was said in an order. The text may have several lines."""

    id: str
    order_id: str
    at: float
    author_id: str
    author_name: str
    role: AuthorRole
    text: str = field(repr=False)


@dataclass(frozen=True, slots=True)
class Marker:
    """A moment of a repair that has a name, such as "battery removed"."""

    id: str
    order_id: str
    at: float
    label: str
    author_name: str

"""A client that is connected to the live events."""

from __future__ import annotations

from dataclasses import dataclass

from gateway.access.grants import Grant


@dataclass(slots=True)
class Listener:
    """One connected page. `sid` is the event library's name for the connection."""

    sid: str
    grant: Grant
    order_id: str
    language: str
    expires_at: float
    ending: str = "expired"
    """What to say when `expires_at` has come."""

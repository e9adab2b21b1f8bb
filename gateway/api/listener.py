"""A client that is connected to the live events."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

from gateway.access.grants import Grant, Scope

Role = Literal["customer", "technician", "staff"]


@dataclass(slots=True, eq=False)
class Listener:
    """One connected page. `sid` is the event library's name for the connection."""

    sid: str
    grant: Grant
    order_id: str
    language: str
    expires_at: float
    viewer_id: str = ""
    """Its person, as others in the order may know it: see `signalling.people`."""
    chosen_name: str = ""
    """What the page calls its person, if it does."""
    since: float = 0.0
    """Unix seconds."""
    ending: str = ""
    """Why it is hung up on at `expires_at`, if not because its time is over."""
    refusals: int = 0
    """Messages refused for their number since `refusals_since`, monotonic seconds."""
    refusals_since: float = 0.0

    @property
    def staff(self) -> bool:
        """Whether it is of the workshop."""
        return self.grant.allows(Scope.PUBLISH, self.order_id)

    @property
    def talks(self) -> bool:
        """Whether it is a customer who may speak to the technician."""
        return not self.staff and self.grant.allows(Scope.TALK, self.order_id)

    @property
    def role(self) -> Role:
        """What it is to the others."""
        if self.grant.is_admin:
            return "staff"
        return "technician" if self.staff else "customer"

    @property
    def public_name(self) -> str:
        """What everybody in the order may call it: a customer's login is not for other customers to know."""
        return self.chosen_name or (self.full_name if self.staff else "")

    @property
    def full_name(self) -> str:
        """What the workshop calls it."""
        return self.chosen_name or self.grant.subject

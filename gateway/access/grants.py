"""What a token allows. Everything that opens a session asks a grant first."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum

from gateway.errors import Forbidden


class Scope(StrEnum):
    """What may be done with an order; ADMIN includes all the others, on every order."""

    WATCH = "watch"
    TALK = "talk"
    PUBLISH = "publish"
    ADMIN = "admin"


@dataclass(frozen=True, slots=True)
class Grant:
    """A verified token. `expires_at` is in seconds since the epoch.

    `stream_id` names the `live_stream_access` row it came from, so that revoking the row ends the
    sessions; None for tokens of staff and scripts. `camera` None means every camera of the order.
    `order_id` None is only meaningful for admins.
    """

    subject: str
    scopes: frozenset[Scope]
    order_id: str | None
    stream_id: str | None
    camera: str | None
    expires_at: float
    token_id: str

    @property
    def is_admin(self) -> bool:
        return Scope.ADMIN in self.scopes

    def allows(self, scope: Scope, order_id: str | None, camera: str | None = None) -> bool:
        """Whether `scope` is granted on `order_id`, and on `camera` where one is named."""
        if self.is_admin:
            return True
        return (
            scope in self.scopes
            and order_id is not None
            and order_id == self.order_id
            and (camera is None or self.camera is None or camera == self.camera)
        )

    def require(self, scope: Scope, order_id: str | None, camera: str | None = None) -> None:
        """Raise Forbidden unless `allows`."""
        if not self.allows(scope, order_id, camera):
            raise Forbidden(f"the token does not allow {scope} here")

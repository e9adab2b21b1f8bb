"""What can go wrong on the client's side of a session."""

from __future__ import annotations

from gateway.errors import GatewayError


class ClientError(GatewayError):
    """The session could not be set up or did not last; `detail` says where it stopped."""

    code = "client_failed"


class Refused(ClientError):
    """The server answered the offer with something other than 201."""

    code = "refused"

    def __init__(self, status: int, detail: str = "", *, retry_after: float | None = None) -> None:
        super().__init__(f"HTTP {status}: {detail}" if detail else f"HTTP {status}", retry_after=retry_after)
        self.status = status

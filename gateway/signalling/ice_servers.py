"""STUN and TURN servers handed to clients, with time-limited TURN credentials.

The credentials follow the scheme that coturn calls `use-auth-secret`: the user name is
`<expiry>:<subject>`, the password is base64(HMAC-SHA1(secret, user name)).
"""

from __future__ import annotations

import base64
import hashlib
import hmac
from collections.abc import Sequence
from dataclasses import dataclass, field

from gateway.clock import Clock

LIFETIME = 6 * 3600.0
"""Seconds a TURN credential lives: longer than the longest token, so that a refresh never fails."""


@dataclass(frozen=True, slots=True)
class IceServer:
    """One server. STUN has neither user name nor credential."""

    url: str
    username: str | None = None
    credential: str | None = field(default=None, repr=False)

    def as_dict(self) -> dict[str, object]:
        """The shape of an `RTCIceServer`."""
        server: dict[str, object] = {"urls": [self.url]}
        if self.username is not None:
            server |= {"username": self.username, "credential": self.credential}
        return server


class IceServers:
    """Issues the list for one subject. Without configured servers the list is empty."""

    def __init__(
        self,
        *,
        clock: Clock,
        stun_urls: Sequence[str] = (),
        turn_urls: Sequence[str] = (),
        secret: str | None = None,
    ) -> None:
        self._clock = clock
        self._stun = tuple(stun_urls)
        self._turn = tuple(turn_urls) if secret else ()
        self._secret = (secret or "").encode()

    def issue(self, subject: str) -> tuple[IceServer, ...]:
        """The servers for `subject`, STUN first; TURN credentials live `LIFETIME` seconds."""
        servers = [IceServer(url) for url in self._stun]
        if self._turn:
            # A colon separates expiry and name; other characters of a subject would break Link headers.
            name = "".join(c for c in subject if c.isascii() and (c.isalnum() or c in "-_.")) or "client"
            username = f"{int(self._clock.time() + LIFETIME)}:{name}"
            digest = hmac.new(self._secret, username.encode(), hashlib.sha1).digest()
            credential = base64.b64encode(digest).decode()
            servers += [IceServer(url, username, credential) for url in self._turn]
        return tuple(servers)

"""ICE consent of a lean viewer (RFC 7675): binding requests written by hand, a tenth of a codec's cost."""

from __future__ import annotations

import binascii
import hmac
import random
import secrets
from typing import Final

from gateway.client.ice import PRIORITY_PEER_REFLEXIVE
from gateway.protocol.description import IceCredentials

INTERVAL: Final = 5.0
"""Seconds between two checks, on average: the longest that RFC 7675 section 5.1 lets be."""
TIMEOUT: Final = 30.0
"""Seconds without an answer after which consent has gone."""

_COOKIE: Final = b"\x21\x12\xa4\x42"
_INTEGRITY: Final = b"\x00\x08\x00\x14"
_FINGERPRINT: Final = b"\x80\x28\x00\x04"
_FINGERPRINT_XOR: Final = 0x5354554E
_USE_CANDIDATE: Final = b"\x00\x25\x00\x00"
_SUCCESS: Final = b"\x01\x01"


class Consent:
    """Checks towards one server; times are monotonic seconds."""

    __slots__ = ("_attributes", "_key", "_length", "_transaction", "due", "until")

    def __init__(self, local: IceCredentials, remote: IceCredentials, now: float) -> None:
        username = f"{remote.ufrag}:{local.ufrag}".encode()
        self._attributes = (
            b"\x00\x06"
            + len(username).to_bytes(2, "big")
            + username
            + bytes(-len(username) % 4)
            + b"\x00\x24\x00\x04"
            + PRIORITY_PEER_REFLEXIVE.to_bytes(4, "big")
            + b"\x80\x2a\x00\x08"
            + secrets.token_bytes(8)
            + _USE_CANDIDATE
        )
        self._key = remote.pwd.encode()
        self._transaction = b""
        self.due = now + INTERVAL * random.random()
        self.until = now + TIMEOUT

    def request(self, now: float) -> bytes:
        """The next check; `due` moves on by four to six seconds."""
        self.due = now + INTERVAL * random.uniform(0.8, 1.2)
        self._transaction = secrets.token_bytes(12)
        # The integrity covers what is before it, under a length that ends behind it (RFC 8489 section 14.5).
        size = len(self._attributes) + 24
        head = _COOKIE + self._transaction + self._attributes
        integrity = hmac.digest(self._key, b"\x00\x01" + size.to_bytes(2, "big") + head, "sha1")
        message = b"\x00\x01" + (size + 8).to_bytes(2, "big") + head + _INTEGRITY + integrity
        return message + _FINGERPRINT + (binascii.crc32(message) ^ _FINGERPRINT_XOR).to_bytes(4, "big")

    def answered(self, data: bytes, now: float) -> bool:
        """Whether a datagram is the success response to the last check; consent then lasts on.

        The 96 random bits of the transaction stand for the message integrity: nobody here forges answers.
        """
        if data[:2] != _SUCCESS or data[8:20] != self._transaction:
            return False
        self.until = now + TIMEOUT
        return True

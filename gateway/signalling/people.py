"""How people in an order are named to each other: by something short that says nothing and opens nothing."""

from __future__ import annotations

from hashlib import blake2s

_SIZE = 6
"""Bytes of an id: within one order nobody meets his like."""


class ViewerIds:
    """Ids of people by order and subject, the same in every process that has the same secret."""

    def __init__(self, secret: bytes) -> None:
        self._key = blake2s(b"viewer-ids" + secret).digest()

    def of(self, order_id: str, subject: str) -> str:
        """The person's id in this order."""
        return blake2s(f"{order_id}\0{subject}".encode(), key=self._key, digest_size=_SIZE).hexdigest()

"""What one viewer's line has sent, for its sender reports (RFC 3550 section 6.4.1: no retransmissions)."""

from __future__ import annotations

from gateway.sfu.sublayer import Sublayer


class Tally:
    """Packets and payload octets: of the stays that are over, of what was sent beside them, and of this one.

    A sublayer counts for all who play it; a line's share is what that came to since the line joined.
    """

    __slots__ = ("_octets", "_packets", "_since")

    def __init__(self) -> None:
        self._packets = self._octets = 0
        self._since = (0, 0)

    def join(self, sublayer: Sublayer) -> None:
        """From now on what the sublayer sends is sent here."""
        self._since = (sublayer.packets, sublayer.octets)

    def leave(self, sublayer: Sublayer) -> None:
        """From now on it is not."""
        self._packets, self._octets = self.total(sublayer)

    def add(self, packets: int, octets: int) -> None:
        """Note what was sent beside the sublayer's own forwarding."""
        self._packets += packets
        self._octets += octets

    def total(self, sublayer: Sublayer | None) -> tuple[int, int]:
        """Packets and octets so far; `sublayer` is the one joined, None for none."""
        if sublayer is None:
            return self._packets, self._octets
        packets, octets = self._since
        return self._packets + sublayer.packets - packets, self._octets + sublayer.octets - octets

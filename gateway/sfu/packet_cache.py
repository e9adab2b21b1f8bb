"""The last seconds of a layer and its group of pictures: for retransmissions and for those who join."""

from __future__ import annotations

from collections.abc import Iterator

from gateway.sfu.packet import MediaPacket

HORIZON = 3.0
"""Seconds a packet is kept: two that the viewers may count on, one for reordering and slow requests."""
CAPACITY = 16_000_000
"""Payload bytes kept at most in one layer unless configured: 10 s between keyframes at 12 Mbit/s."""
NOTHING = 1 << 62
"""An index that no packet reaches: nothing is kept beyond the horizon."""


class PacketCache:
    """Packets by index, the oldest leaving by age and by size.

    From `keep_from` on they leave by size only.
    """

    __slots__ = ("_capacity", "_horizon", "_octets", "_packets", "keep_from")

    def __init__(self, horizon: float = HORIZON, capacity: int = CAPACITY) -> None:
        self._horizon = horizon
        self._capacity = capacity
        self._octets = 0
        self._packets: dict[int, MediaPacket] = {}
        self.keep_from = NOTHING

    def __contains__(self, index: int) -> bool:
        return index in self._packets

    def __len__(self) -> int:
        return len(self._packets)

    def __iter__(self) -> Iterator[MediaPacket]:
        return iter(self._packets.values())

    def get(self, index: int) -> MediaPacket | None:
        """The packet with this index, or None when it never came or has left."""
        return self._packets.get(index)

    def add(self, packet: MediaPacket) -> None:
        """Keep a packet; arrival times must not decrease from call to call."""
        packets = self._packets
        packets[packet.index] = packet
        self._octets += len(packet.payload)
        oldest = packet.arrival - self._horizon
        while len(packets) > 1:
            first = packets[next(iter(packets))]
            needed = first.arrival >= oldest or first.index >= self.keep_from
            if needed and self._octets <= self._capacity:
                break
            del packets[first.index]
            self._octets -= len(first.payload)

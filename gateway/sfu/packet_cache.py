"""The last seconds of a layer, to answer retransmission requests from."""

from __future__ import annotations

from collections.abc import Iterator

from gateway.sfu.packet import MediaPacket

HORIZON = 3.0
"""Seconds a packet is kept: two that the viewers may count on, one for reordering and slow requests."""
CAPACITY = 8192
"""Packets kept at most: 3 s of 25 Mbit/s in 1.2 kB packets, about 10 MB."""


class PacketCache:
    """Packets by index, the oldest leaving by age and by count."""

    __slots__ = ("_capacity", "_horizon", "_packets")

    def __init__(self, horizon: float = HORIZON, capacity: int = CAPACITY) -> None:
        self._horizon = horizon
        self._capacity = capacity
        self._packets: dict[int, MediaPacket] = {}

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
        oldest = packet.arrival - self._horizon
        while len(packets) > 1:
            first = next(iter(packets))
            if packets[first].arrival >= oldest and len(packets) <= self._capacity:
                break
            del packets[first]

"""Which of a layer's packets are kept beyond the horizon: the current group of pictures."""

from __future__ import annotations

from collections import deque

from gateway.sfu.packet import MediaPacket
from gateway.sfu.packet_cache import HORIZON, NOTHING, PacketCache

LONGEST_GROUP = 12.0
"""Seconds that a group of pictures is kept: OBS sends a keyframe every 2 to 10 s, a browser on request."""


class PictureGroup:
    """Follows the keyframes of a layer and tells its cache what to keep."""

    __slots__ = ("_cache", "_kept", "_timestamp", "octets", "start")

    def __init__(self, cache: PacketCache) -> None:
        self.start = NOTHING
        """Index of the newest keyframe's first packet."""
        self.octets = 0
        """Payload since then."""
        self._cache = cache
        self._timestamp: int | None = None
        self._kept: deque[tuple[float, int]] = deque()

    def note(self, packet: MediaPacket) -> None:
        """A packet was put into the cache."""
        if packet.keyframe and packet.timestamp == self._timestamp:
            # Parameter sets and slices of one keyframe, in whatever order they came.
            self.start = min(self.start, packet.index)
        elif packet.keyframe and (packet.index > self.start or self._timestamp is None):
            self._begin(packet)
        self.octets += len(packet.payload)
        if self._kept and packet.arrival - self._kept[-1][0] > LONGEST_GROUP:
            self._cache.keep_from = NOTHING

    def _begin(self, packet: MediaPacket) -> None:
        self.start = packet.index
        self._timestamp = packet.timestamp
        self.octets = 0
        self._kept.append((packet.arrival, packet.index))
        # Not the group before it: somebody may have been caught up on that a moment ago.
        while len(self._kept) > 1 and self._kept[1][0] < packet.arrival - HORIZON:
            self._kept.popleft()
        self._cache.keep_from = self._kept[0][1]

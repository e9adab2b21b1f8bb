"""What of a layer its viewers get: all of it, or no frame above a temporal layer, with numbers of its own.

A viewer's numbers must not show what was left out. The numbers of a sublayer are those of the layer without
the packets dropped; they are counted once, whoever plays it, so that to forward remains two additions.
"""

from __future__ import annotations

from bisect import bisect_left, bisect_right
from typing import Final, Protocol

from gateway.sfu.packet import MediaPacket

ALL: Final = 7
"""The temporal layer above which no frame can be (3 bits on the wire)."""
_REMEMBERED: Final = 8_192
"""Dropped packets whose places are known; half of them are forgotten at once."""


class Sublayer(Protocol):
    """Numbers and counts of what goes out. Indices of the layer are "source", those of the sublayer "own"."""

    top: int
    """The highest temporal layer in it."""
    highest: int
    """Own index of the newest packet; -1 before the first."""
    packets: int
    octets: int

    def take(self, packet: MediaPacket) -> None:
        """The layer forwards this packet now; each exactly once, before anything is asked about it."""
        ...

    def passes(self, packet: MediaPacket) -> bool:
        """Whether its place is not closed up."""
        ...

    def empty(self, packet: MediaPacket) -> bool:
        """Whether only its place is sent: it came too late to close that up."""
        ...

    def index_of(self, source: int) -> int:
        """The own index; that of the next packet which passes, for one that does not."""
        ...

    def source_of(self, own: int) -> int:
        """The layer's index of an own one."""
        ...

    def pictures_left_out(self, source: int) -> int:
        """Pictures left out before this packet."""
        ...


class Whole:
    """All of a layer."""

    __slots__ = ("highest", "octets", "packets", "top")

    def __init__(self) -> None:
        self.top = ALL
        self.highest = -1
        self.packets = self.octets = 0

    def take(self, packet: MediaPacket) -> None:
        self.packets += 1
        self.octets += len(packet.payload)
        if packet.index > self.highest:
            self.highest = packet.index

    def passes(self, packet: MediaPacket) -> bool:
        return True

    def empty(self, packet: MediaPacket) -> bool:
        return False

    def index_of(self, source: int) -> int:
        return source

    def source_of(self, own: int) -> int:
        return own

    def pictures_left_out(self, source: int) -> int:
        return 0


class TemporalSublayer:
    """A layer without frames above temporal layer `top`, from source index `start` on."""

    __slots__ = (
        "_before",
        "_dropped",
        "_last_picture",
        "_newest",
        "_pictures",
        "_pictures_before",
        "_places",
        "highest",
        "octets",
        "packets",
        "top",
    )

    def __init__(self, top: int, start: int) -> None:
        self.top = top
        self.highest = start - 1
        self.packets = self.octets = 0
        self._newest = start - 1
        self._last_picture = -1
        # Of each dropped packet: source index, the own index it would have had, pictures dropped with it.
        self._dropped: list[int] = []
        self._places: list[int] = []
        self._pictures: list[int] = []
        self._before = self._pictures_before = 0  # of those no longer remembered

    def take(self, packet: MediaPacket) -> None:
        above = self._above(packet)
        if packet.index > self._newest:
            self._newest = packet.index
            if above:
                self._drop(packet)
                return
        self.highest = max(self.highest, self.index_of(packet.index))
        self.packets += 1
        self.octets += 0 if above else len(packet.payload)

    def _above(self, packet: MediaPacket) -> bool:
        return packet.picture is not None and packet.picture.temporal > self.top

    def _drop(self, packet: MediaPacket) -> None:
        assert packet.picture is not None
        pictures = self._pictures[-1] if self._pictures else self._pictures_before
        if packet.picture.number != self._last_picture:
            self._last_picture = packet.picture.number
            pictures += 1
        self._places.append(packet.index - self._before - len(self._dropped))
        self._dropped.append(packet.index)
        self._pictures.append(pictures)
        if len(self._dropped) > _REMEMBERED:
            self._forget(_REMEMBERED // 2)

    def _forget(self, count: int) -> None:
        self._before += count
        self._pictures_before = self._pictures[count - 1]
        for known in (self._dropped, self._places, self._pictures):
            del known[:count]

    def passes(self, packet: MediaPacket) -> bool:
        if not self._above(packet):
            return True
        place = bisect_left(self._dropped, packet.index)
        return place == len(self._dropped) or self._dropped[place] != packet.index

    def empty(self, packet: MediaPacket) -> bool:
        return self._above(packet) and self.passes(packet)

    def index_of(self, source: int) -> int:
        return source - self._before - bisect_left(self._dropped, source)

    def source_of(self, own: int) -> int:
        return own + self._before + bisect_right(self._places, own)

    def pictures_left_out(self, source: int) -> int:
        place = bisect_left(self._dropped, source)
        return self._pictures[place - 1] if place else self._pictures_before

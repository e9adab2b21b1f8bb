"""Which numbers a forwarded packet bears: one continuous stream out of many sources.

A down track plays one source after another: a layer, a better layer, the layer of a publisher who came
back. Each stay at a source is a `Segment` with constant offsets, so forwarding costs two additions,
and a viewer's retransmission request can be traced back to the source's packet.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import Generic, TypeVar

SEGMENTS_KEPT = 8
"""Stays that a retransmission request may still reach; older ones have left every cache."""

Source = TypeVar("Source")


@dataclass(frozen=True, slots=True)
class Segment(Generic[Source]):
    """A stay at one source: indices from `start` (the source's) bear these offsets."""

    source: Source
    start: int
    sequence_offset: int
    timestamp_offset: int

    @property
    def first_out(self) -> int:
        """The index under which the viewer got the segment's first packet."""
        return self.start + self.sequence_offset


class NumberMap(Generic[Source]):
    """The stays of one down track, the newest last.

    `next_out` is the index that the next segment will begin with.
    """

    __slots__ = ("_segments", "next_out")

    def __init__(self, first_out: int) -> None:
        self._segments: list[Segment[Source]] = []
        self.next_out = first_out

    @property
    def current(self) -> Segment[Source] | None:
        """The newest stay."""
        return self._segments[-1] if self._segments else None

    def switch(self, source: Source, start: int, timestamp_offset: int) -> Segment[Source]:
        """Begin a stay at `source` with its packet `start`; it goes out as `next_out`."""
        segment = Segment(source, start, self.next_out - start, timestamp_offset)
        self._segments.append(segment)
        del self._segments[:-SEGMENTS_KEPT]
        return segment

    def retime(self, timestamp_offset: int) -> None:
        """Packets of the current stay bear this timestamp offset from now on."""
        self._segments[-1] = replace(self._segments[-1], timestamp_offset=timestamp_offset)

    def forget(self, ended: Callable[[Source], bool]) -> None:
        """Let go of stays whose source has `ended`, and of all before them; numbers go on where they stood.

        A stay reaches up to the next one kept, so none is taken out from between two others.
        """
        over = [place for place, segment in enumerate(self._segments) if ended(segment.source)]
        if over:
            del self._segments[: over[-1] + 1]

    def advance(self, highest: int) -> None:
        """Tell that the current stay has sent up to the source's index `highest`."""
        segment = self._segments[-1]
        self.next_out = max(self.next_out, highest + segment.sequence_offset + 1)

    def find(self, sequence_number: int, newest_out: int) -> tuple[Segment[Source], int] | None:
        """The stay and the source's index behind a 16-bit sequence number that a viewer names.

        `newest_out` is the highest index sent; the number is taken as the nearest one at or below it.
        None when nothing kept was sent under it.
        """
        out = newest_out - ((newest_out - sequence_number) & 0xFFFF)
        for segment in reversed(self._segments):
            if out >= segment.first_out:
                return segment, out - segment.sequence_offset
        return None

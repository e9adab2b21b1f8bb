"""Gaps in what a publisher sends, and when to ask again for the missing packets (RFC 4585 section 6.2.1)."""

from __future__ import annotations

from enum import Enum, auto

MAX_GAP = 500
"""A hole larger than this is not mended packet by packet; a keyframe is cheaper."""
RETRY = 0.06
"""Seconds between two requests for one packet: about one round trip to a technician on the same continent."""
MAX_TRIES = 8
"""With RETRY half a second: later the viewers' players have moved on."""
PRECEDING = 8
"""Packets before the first one that may still come, reordered; they are not asked for."""


class Arrival(Enum):
    """How a packet stands to those before it."""

    FIRST = auto()
    """The first of the stream."""
    NEW = auto()
    """In order, or over a small gap that is now tracked."""
    MENDED = auto()
    """It was missing."""
    UNEXPECTED = auto()
    """It came already, or too late to be of use."""
    AFTER_HOLE = auto()
    """Over a hole too large to mend."""


class _Missing:
    __slots__ = ("due", "tries")

    def __init__(self, due: float) -> None:
        self.due = due
        self.tries = 0


class GapTracker:
    """Which indices of a layer are missing, asked for, and given up.

    Indices are extended sequence numbers. `received` is called for every new packet; `due` gives
    those to ask for now. `abandoned` counts packets given up: the caller asks for a keyframe then.
    """

    __slots__ = ("_highest", "_missing", "abandoned")

    def __init__(self) -> None:
        self._highest: int | None = None
        self._missing: dict[int, _Missing] = {}
        self.abandoned = 0

    def __len__(self) -> int:
        return len(self._missing)

    def received(self, index: int, now: float) -> Arrival:
        """Note a packet that came."""
        highest = self._highest
        if highest is None:
            self._highest = index
            self._missing = {lost: _Missing(float("inf")) for lost in range(index - PRECEDING, index)}
            return Arrival.FIRST
        if index <= highest:
            return Arrival.MENDED if self._missing.pop(index, None) else Arrival.UNEXPECTED
        self._highest = index
        if index == highest + 1:
            return Arrival.NEW
        hole = index - highest - 1
        if hole + len(self._missing) > MAX_GAP:
            self.abandoned += hole + len(self._missing)
            self._missing.clear()
            return Arrival.AFTER_HOLE
        for lost in range(highest + 1, index):
            self._missing[lost] = _Missing(now)
        return Arrival.NEW

    def due(self, now: float) -> list[int]:
        """Indices to ask for now, ascending; those asked for too often are given up."""
        if not self._missing:
            return []
        asked: list[int] = []
        given_up: list[int] = []
        for index, missing in self._missing.items():
            if missing.due > now:
                continue
            if missing.tries >= MAX_TRIES:
                given_up.append(index)
                continue
            missing.tries += 1
            missing.due = now + RETRY
            asked.append(index)
        for index in given_up:
            del self._missing[index]
        self.abandoned += len(given_up)
        return asked

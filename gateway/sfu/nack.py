"""Gaps in what a publisher sends, and when to ask again for the missing packets (RFC 4585 section 6.2.1)."""

from __future__ import annotations

from collections.abc import Collection
from enum import Enum, auto

MAX_GAP = 500
"""A hole larger than this is not mended packet by packet; a keyframe is cheaper."""
FIRST_RETRY = 0.06
"""Seconds after which a packet is asked for again while it is not known how long mending takes."""
RETRY_FACTOR = 1.5
"""Times as long as mending takes that an answer is waited for."""
SHORTEST_RETRY = 0.03
LONGEST_RETRY = 0.4
MENDING_MEMORY = 0.8
PATIENCE = 0.8
"""Seconds for which a packet is asked for: later the viewers' players have moved on."""
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
    __slots__ = ("asked", "due", "since", "tries")

    def __init__(self, due: float) -> None:
        self.since = self.due = due
        self.asked = 0.0
        self.tries = 0


class GapTracker:
    """Which indices of a layer are missing, asked for, and given up.

    Indices are extended sequence numbers. `received` is called for every new packet; `due` gives
    those to ask for now. `abandoned` counts packets given up: the caller asks for a keyframe then.
    """

    __slots__ = ("_highest", "_mending", "_missing", "abandoned")

    def __init__(self) -> None:
        self._highest: int | None = None
        self._missing: dict[int, _Missing] = {}
        self._mending: float | None = None
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
            return self._mended(index, now)
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

    def _mended(self, index: int, now: float) -> Arrival:
        missing = self._missing.pop(index, None)
        if missing is None:
            return Arrival.UNEXPECTED
        if missing.tries == 1:  # else nobody knows which request it answers
            took = now - missing.asked
            before = self._mending
            self._mending = took if before is None else MENDING_MEMORY * before + (1 - MENDING_MEMORY) * took
        return Arrival.MENDED

    @property
    def retry(self) -> float:
        """Seconds after which a packet is asked for a second time."""
        if self._mending is None:
            return FIRST_RETRY
        return min(LONGEST_RETRY, max(SHORTEST_RETRY, RETRY_FACTOR * self._mending))

    def due(self, now: float) -> list[int]:
        """Indices to ask for now, ascending; those asked for too long are given up."""
        if not self._missing:
            return []
        asked: list[int] = []
        given_up: list[int] = []
        for index, missing in self._missing.items():
            if missing.due > now:
                continue
            if now - missing.since >= PATIENCE:
                given_up.append(index)
                continue
            missing.asked = now
            # While nobody knows how far away the publisher is, each request waits longer than the one before.
            patience = self.retry if self._mending is not None else FIRST_RETRY * (1 << missing.tries)
            missing.due = now + min(LONGEST_RETRY, patience)
            missing.tries += 1
            asked.append(index)
        self.give_up(given_up)
        return asked

    def give_up(self, indices: Collection[int]) -> None:
        """These will not come."""
        for index in indices:
            self._missing.pop(index, None)
        self.abandoned += len(indices)

"""Milliseconds counted in bins that grow by a tenth, so that millions of values can be added and merged."""

from __future__ import annotations

import math
from dataclasses import dataclass, field

GROWTH = 1.1
SMALLEST = 0.01
"""Milliseconds; what is less counts as this."""
_SCALE = 1.0 / math.log(GROWTH)
_OFFSET = math.log(SMALLEST)


@dataclass(slots=True)
class Histogram:
    """Counts by bin; `percentile` is right within five percent, `highest` exactly."""

    bins: dict[str, int] = field(default_factory=dict)
    """By bin number, as a string since JSON has no other keys."""
    highest: float = 0.0

    def add(self, value: float, count: int = 1) -> None:
        """Count a value in milliseconds."""
        place = str(int((math.log(value) - _OFFSET) * _SCALE)) if value > SMALLEST else "0"
        self.bins[place] = self.bins.get(place, 0) + count
        if value > self.highest:
            self.highest = value

    @property
    def count(self) -> int:
        """How many values."""
        return sum(self.bins.values())

    def merge(self, other: Histogram) -> None:
        """Add all that another counted."""
        for place, count in other.bins.items():
            self.bins[place] = self.bins.get(place, 0) + count
        self.highest = max(self.highest, other.highest)

    def percentile(self, share: float) -> float | None:
        """The value that `share` (0 to 1) of all do not exceed, None while there is none."""
        total = self.count
        if not total:
            return None
        wanted = share * total
        for place in sorted(self.bins, key=int):
            wanted -= self.bins[place]
            if wanted <= 0:
                return min(SMALLEST * math.pow(GROWTH, int(place) + 0.5), self.highest)
        return self.highest

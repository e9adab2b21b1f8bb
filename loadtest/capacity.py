"""The highest number of viewers that passes: doubled until it fails, then halved in between."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(slots=True)
class Search:
    """Says which number to try next; told what came of it. Pure."""

    start: int
    most: int
    precision: float = 0.05
    """Share of the failing number within which the answer need be known."""
    passed: int = 0
    """The highest number that passed."""
    failed: int | None = None
    """The lowest number that failed."""

    def next(self) -> int | None:
        """The number to try; None when the answer is known well enough."""
        if self.failed is None:
            wanted = min(max(self.start, self.passed * 2), self.most)
            return wanted if wanted > self.passed else None
        middle = (self.passed + self.failed) // 2
        near = self.failed - self.passed <= max(1.0, self.precision * self.failed)
        return None if near or middle < 1 else middle

    def tell(self, viewers: int, passed: bool) -> None:
        """What came of `viewers`. A number that failed once is not tried again, whatever passes later."""
        if passed:
            self.passed = max(self.passed, viewers)
        else:
            self.failed = viewers if self.failed is None else min(self.failed, viewers)

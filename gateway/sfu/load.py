"""How busy the media loop is, and what may be left undone while it is."""

from __future__ import annotations

from typing import Final

WINDOW: Final = 0.5
"""Seconds over which the loop's work is measured."""
STEPS: Final = ((0.25, 2), (0.4, 4), (0.55, 8), (0.7, 16))
"""Shares of busy time from which on only one burst in so many is numbered."""
RELIEF: Final = 0.6
"""How far below a step's share the loop must be before it is taken back: what was spared comes again then."""


class Load:
    """`share` is the part of its time, 0 to 1, that the loop worked in the last window.

    `spacing` is the mean distance of numbered bursts that a calm viewer gets: each answer to transport-wide
    numbers costs as much as a burst (30 µs), browsers give 20 a second, and who has all that he could have,
    on a link with room to spare, has nothing to tell.
    """

    __slots__ = ("_busy", "_since", "_step", "share", "spacing")

    def __init__(self) -> None:
        self.share = 0.0
        self.spacing = 1
        self._step = 0
        self._busy = 0.0
        self._since: float | None = None

    def worked(self, begin: float, end: float) -> None:
        """The loop was at work between these monotonic seconds."""
        self._busy += end - begin
        since = self._since
        if since is None:
            self._since = begin
        elif end - since >= WINDOW:
            self.share = min(1.0, self._busy / (end - since))
            self._since, self._busy = end, 0.0
            self._follow()

    def _follow(self) -> None:
        """One step at a time: what was spared by the last one shows in the next window."""
        if self._step < len(STEPS) and self.share >= STEPS[self._step][0]:
            self._step += 1
        elif self._step and self.share < STEPS[self._step - 1][0] * RELIEF:
            self._step -= 1
        self.spacing = STEPS[self._step - 1][1] if self._step else 1

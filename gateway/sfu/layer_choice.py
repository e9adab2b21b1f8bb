"""Which layer a viewer gets. Pure: figures of layers in, one of them out; `track` carries it out.

"Which packet passes" is decided here and in `track`, "which numbers it bears" in `rewriter`.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final, Protocol, TypeVar

RISE_MARGIN: Final = 1.15
"""How much more than its bitrate a better layer needs, for keyframes and busier pictures."""
STAY_MARGIN: Final = 0.93
"""How much less than its bitrate the layer now played may have: one false alarm costs no picture."""
RISE_PAUSE: Final = 5.0
"""Seconds between two rises that nobody asked for."""
SAME_SIZE: Final = 1.25
"""How much more bitrate another layer of the same size must have to be worth a switch."""


class Candidate(Protocol):
    """What the choice must know of a layer."""

    rid: str
    width: int
    height: int

    @property
    def bitrate(self) -> int:
        """Bits per second; 0 while unknown."""
        ...


@dataclass(frozen=True, slots=True)
class Wish:
    """What the viewer asked for: one layer by rid, or none over a height. None is no wish."""

    rid: str | None = None
    max_height: int | None = None

    def allows(self, layer: Candidate) -> bool:
        """Whether the layer is within the height."""
        return self.max_height is None or layer.height <= self.max_height


L = TypeVar("L", bound=Candidate)


def by_quality(layers: Sequence[L], current: Candidate | None = None) -> list[L]:
    """Worst first. The picture decides, not the order of rids: OBS calls its largest layer 0.

    Layers of equal or unknown size compare by bitrate, with an advantage for `current`.
    """

    def quality(layer: L) -> tuple[int, float]:
        return layer.width * layer.height, layer.bitrate * (SAME_SIZE if layer is current else 1.0)

    return sorted(layers, key=quality)


def choose(
    layers: Sequence[L], current: Candidate | None, budget: float, wish: Wish, may_rise: bool
) -> L | None:
    """The best of the live `layers` that the wish allows and the budget (bits per second) carries.

    `current` is what is played or awaited now; without `may_rise` nothing better than it is chosen. The
    worst layer is played whatever the budget: a poor picture is better than none.
    """
    ranked = by_quality(layers, current)
    if not ranked:
        return None
    asked = [layer for layer in ranked if layer.rid == wish.rid] if wish.rid is not None else []
    allowed = (
        asked or [x for x in ranked if wish.max_height is None or x.height <= wish.max_height] or ranked[:1]
    )
    place = ranked.index(current) if current in ranked else None
    best = allowed[0]
    for layer in allowed[1:]:
        rank = ranked.index(layer)
        rises = place is not None and rank > place
        margin = RISE_MARGIN if place is None or rises else STAY_MARGIN
        if layer.bitrate * margin > budget or (rises and not may_rise):
            break
        best = layer
    return best


def next_better(layers: Sequence[L], current: Candidate | None, wish: Wish) -> L | None:
    """The layer above `current` that the viewer would like to have; None at the top of its wishes."""
    ranked = [
        x for x in by_quality(layers, current) if wish.max_height is None or x.height <= wish.max_height
    ]
    if wish.rid is not None or current not in ranked:
        return None
    return next(iter(ranked[ranked.index(current) + 1 :]), None)

"""Which layer a viewer gets. Pure: figures of layers in, one of them out; `track` carries it out.

"Which packet passes" is decided here and in `track`, "which numbers it bears" in `rewriter`.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final, Generic, Protocol, TypeVar

from gateway.sfu.sublayer import ALL

RISE_MARGIN: Final = 1.15
"""How much more than its bitrate a better layer needs, for keyframes and busier pictures."""
STAY_MARGIN: Final = 0.87
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
    def bitrates(self) -> Sequence[int]:
        """Bits per second up to and with each temporal layer; 0 while unknown."""
        ...


@dataclass(frozen=True, slots=True)
class Wish:
    """What the viewer asked for: one layer by rid, or none over a height. None is no wish."""

    rid: str | None = None
    max_height: int | None = None


L = TypeVar("L", bound=Candidate)


@dataclass(frozen=True, slots=True)
class Rung(Generic[L]):
    """A layer without frames above temporal layer `top`, the whole layer where that is `ALL`."""

    layer: L
    top: int = ALL

    @property
    def bitrate(self) -> int:
        """Bits per second; 0 while unknown."""
        bitrates = self.layer.bitrates
        return bitrates[min(self.top, len(bitrates) - 1)]


def by_quality(layers: Sequence[L], current: Candidate | None = None) -> list[L]:
    """Worst first. The picture decides, not the order of rids: OBS calls its largest layer 0.

    Layers of equal or unknown size compare by bitrate, with an advantage for `current`.
    """

    def quality(layer: L) -> tuple[int, float]:
        return layer.width * layer.height, layer.bitrates[-1] * (SAME_SIZE if layer is current else 1.0)

    return sorted(layers, key=quality)


def choose(
    layers: Sequence[L], current: Rung[L] | None, budget: float, wish: Wish, may_rise: bool
) -> Rung[L] | None:
    """The best of the live `layers` that the wish allows and the budget (bits per second) carries.

    `current` is what is played or awaited now; without `may_rise` nothing better than it is chosen. Fewer
    frames of a picture are better than a smaller picture, but nobody is sent to a larger one that his link
    does not carry whole. The worst is played whatever the budget: a poor picture is better than none.
    """
    ladder = _ladder(layers, current, wish)
    if not ladder:
        return None
    place = ladder.index(current) if current in ladder else None
    best = ladder[0]
    for rank, rung in enumerate(ladder[1:], 1):
        rises = place is not None and rank > place
        margin = RISE_MARGIN if place is None or rises else STAY_MARGIN
        if rung.bitrate * margin > budget or (rises and not may_rise):
            break
        best = rung
    return best


def next_better(layers: Sequence[L], current: Rung[L] | None, wish: Wish) -> Rung[L] | None:
    """The rung above `current` that the viewer would like to have; None at the top of its wishes."""
    if len(layers) == 1 and current is not None and len(current.layer.bitrates) == 1:
        return None
    ladder = _ladder(layers, current, wish)
    if current not in ladder:
        return None
    return next(iter(ladder[ladder.index(current) + 1 :]), None)


def _ladder(layers: Sequence[L], current: Rung[L] | None, wish: Wish) -> list[Rung[L]]:
    """What may be played, the worst first: in parts only layers that are played now, or that are smaller."""
    played = current.layer if current is not None else None
    ranked = by_quality(layers, played)
    place = ranked.index(played) if played is not None and played in ranked else 0
    ladder: list[Rung[L]] = []
    for layer in _allowed(ranked, wish):
        if ranked.index(layer) <= place:
            ladder += [Rung(layer, top) for top in range(len(layer.bitrates) - 1)]
        ladder.append(Rung(layer))
    return ladder


def _allowed(ranked: list[L], wish: Wish) -> list[L]:
    """The layers up to the one asked for, or up to the height; the worst if there is none."""
    asked = [place for place, layer in enumerate(ranked) if layer.rid == wish.rid]
    if wish.rid is not None and asked:
        return ranked[: asked[0] + 1]
    return [x for x in ranked if wish.max_height is None or x.height <= wish.max_height] or ranked[:1]

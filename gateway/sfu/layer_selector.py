"""Which layer a viewer gets. Pure decisions; `track` carries them out."""

from __future__ import annotations

from collections.abc import Iterable

from gateway.sfu.layer import Layer

STAY = 1.25
"""How much more bitrate another layer of the same size must have to be worth a switch."""


def best_layer(layers: Iterable[Layer], current: Layer | None, now: float) -> Layer | None:
    """The layer with the largest picture among those alive; None when none is.

    The picture decides, not the order of rids: OBS calls its largest layer 0, browsers their last.
    Layers of equal or unknown size compare by bitrate, with an advantage for `current`.
    """

    def quality(layer: Layer) -> tuple[int, float]:
        return layer.width * layer.height, layer.meter.bitrate * (STAY if layer is current else 1.0)

    alive = [layer for layer in layers if layer.alive(now)]
    return max(alive, key=quality, default=None)

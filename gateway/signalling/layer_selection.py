"""Layers in the words of WHEP's layer extension: what is on offer for an m-line, and what a player wants.

Source: webrtc-http-egress-events of the WISH working group, once part of draft-ietf-wish-whep. It names a
layer by `rid`; drafts before October 2024, and the players built on them, by `encodingId`.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from gateway.errors import Malformed, NotLive, UnknownLayer
from gateway.protocol.description import MediaKind, NegotiatedSession
from gateway.sfu.state import LayerState

MAX_RID = 64
MAX_PIXELS = 16_384
MAX_LAYER_ID = 255
RETRY_NOT_LIVE = 2.0
"""Seconds after which a layer may be asked for again while nobody publishes."""

Document = dict[str, Any]


@dataclass(frozen=True, slots=True, kw_only=True)
class LayerWish:
    """What a player asks for; None is no wish. Widths and heights are pixels that it wants nothing over."""

    media_id: str | None = None
    rid: str | None = None
    layer_id: int | None = None
    """The greatest of the spatial and temporal layer ids that it named."""
    max_width: int | None = None
    max_height: int | None = None


def video_line(negotiated: NegotiatedSession) -> int | None:
    """The index of the m-line that carries the video; None in a session without."""
    video = negotiated.first(MediaKind.VIDEO)
    return None if video is None else negotiated.media.index(video)


def layers_document(line: int | None, layers: Sequence[LayerState]) -> Document:
    """The data of a `layers` event: by m-line, the best layer first. One without `bitrate` is inactive."""
    if line is None:
        return {}
    return {str(line): [_layer(layer) for layer in _best_first(layers)]}


def early_layers_document(line: int | None, layers: Sequence[LayerState]) -> Document:
    """The same as drafts before October 2024 had it: active, inactive and all layers, by `encodingId`."""
    if line is None:
        return {}
    ranked = [(_layer(layer), layer) for layer in _best_first(layers)]
    named = [({"id": layer.rid, **document}, layer) for document, layer in ranked]
    return {
        str(line): {
            "active": [document for document, layer in named if _active(layer)],
            "inactive": [document for document, layer in named if not _active(layer)],
            "layers": [{"encodingId": layer.rid, **document} for document, layer in ranked],
        }
    }


def read_wish(body: Mapping[str, Any]) -> LayerWish:
    """The JSON object of a request; members unknown to us are ignored.

    Raises:
        Malformed: a member of the wrong type or out of range.
    """
    media_id = body.get("mediaId")
    if type(media_id) is int:
        media_id = str(media_id)
    if not isinstance(media_id, str | None):
        raise Malformed("mediaId is the index of an m-line")
    rid = body.get("encodingId") if body.get("rid") is None else body["rid"]
    if not isinstance(rid, str | None) or (rid is not None and len(rid) > MAX_RID):
        raise Malformed("rid is a layer's name")
    for limit in ("maxSpatialLayerId", "maxTemporalLayerId"):
        _number(body, limit, 0, MAX_LAYER_ID)  # always kept: no layer of ours is split further
    ids = [_number(body, name, 0, MAX_LAYER_ID) for name in ("spatialLayerId", "temporalLayerId")]
    return LayerWish(
        media_id=media_id,
        rid=rid or None,
        layer_id=max((number for number in ids if number is not None), default=None),
        max_width=_number(body, "maxWidth", 1, MAX_PIXELS),
        max_height=_number(body, "maxHeight", 1, MAX_PIXELS),
    )


def resolve(
    wish: LayerWish, negotiated: NegotiatedSession, layers: Sequence[LayerState]
) -> tuple[str | None, int | None]:
    """The rid and the greatest height that serve a wish, as `SessionResource.select_layer` takes them.

    Raises:
        UnknownLayer: the m-line, the rid or the layer id is not on offer.
        NotLive: a rid was named while nobody publishes.
    """
    line = video_line(negotiated)
    if line is None:
        raise UnknownLayer("the session plays no video")
    if wish.media_id not in (None, str(line), negotiated.media[line].mid):
        raise UnknownLayer(f"layers are on offer for mediaId {line}")
    if wish.layer_id:
        raise UnknownLayer("no spatial or temporal layers are on offer")
    if wish.rid is not None:
        _require(wish.rid, layers)
    heights = [] if wish.max_width is None else [_height_within(wish.max_width, layers)]
    heights += [] if wish.max_height is None else [wish.max_height]
    return wish.rid, min(heights, default=None)


def _require(rid: str, layers: Sequence[LayerState]) -> None:
    if not layers:
        raise NotLive("nobody publishes on this camera", retry_after=RETRY_NOT_LIVE)
    known = [layer.rid for layer in layers if layer.rid]
    if rid not in known:
        raise UnknownLayer(f"on offer: {', '.join(known)}" if known else "there is only one layer")


def _height_within(max_width: int, layers: Sequence[LayerState]) -> int:
    """Height is what the SFU limits: that of the widest layer within the width, least if there is none."""
    measured = [layer for layer in layers if layer.width]
    if not measured:
        return max(1, max_width * 9 // 16)
    return max((layer.height for layer in measured if layer.width <= max_width), default=1)


def _best_first(layers: Sequence[LayerState]) -> list[LayerState]:
    return sorted(layers, key=lambda layer: (layer.width * layer.height, layer.bitrate), reverse=True)


def _active(layer: LayerState) -> bool:
    return layer.live and layer.bitrate > 0


def _layer(layer: LayerState) -> Document:
    """One layer. It must be named by rid, spatial or temporal id: without simulcast there is no rid."""
    document: Document = {"rid": layer.rid, "encodingId": layer.rid} if layer.rid else {"spatialLayerId": 0}
    if layer.width:
        document |= {"width": layer.width, "height": layer.height}
    if _active(layer):
        document["bitrate"] = layer.bitrate
    return document


def _number(body: Mapping[str, Any], name: str, least: int, most: int) -> int | None:
    value = body.get(name)
    if value is None:
        return None
    if type(value) is not int or not least <= value <= most:
        raise Malformed(f"{name} is a whole number from {least} to {most}")
    return value

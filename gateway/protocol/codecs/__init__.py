"""What the gateway reads from encoded media without decoding it: where a picture starts, its size.

Codec names are the canonical ones of `protocol.description.Codec`. Nothing here raises on garbage.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Final

from gateway.errors import Unacceptable
from gateway.protocol.codecs import av1, h264, opus, vp8, vp9

KeyframeDetector = Callable[[bytes], bool]
"""Tells of an RTP payload whether something a decoder can start with starts in it."""

_DETECTORS: Final[dict[str, KeyframeDetector]] = {
    "H264": h264.is_keyframe,
    "VP8": vp8.is_keyframe,
    "VP9": vp9.is_keyframe,
    "AV1": av1.is_keyframe,
    "opus": opus.is_keyframe,
}
_RESOLUTIONS: Final[dict[str, Callable[[bytes], tuple[int, int] | None]]] = {
    "H264": h264.resolution,
    "VP8": vp8.resolution,
    "VP9": vp9.resolution,
    "AV1": av1.resolution,
    "opus": opus.resolution,
}


def keyframe_detector(name: str) -> KeyframeDetector:
    """The detector of a codec; Unacceptable for one the gateway does not forward."""
    try:
        return _DETECTORS[name]
    except KeyError:
        raise Unacceptable(f"no codec {name!r}") from None


def resolution(name: str, payload: bytes) -> tuple[int, int] | None:
    """Width and height in pixels where this RTP payload of codec `name` tells them.

    Only packets with which a keyframe starts do. Unacceptable for an unknown codec.
    """
    try:
        reader = _RESOLUTIONS[name]
    except KeyError:
        raise Unacceptable(f"no codec {name!r}") from None
    return reader(payload)

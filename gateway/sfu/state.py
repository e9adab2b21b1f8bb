"""What the SFU tells about itself: immutable snapshots for events, statistics and pages."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class LayerState:
    """One encoding of a video track as measured on the wire."""

    rid: str
    width: int
    """Pixels; 0 until a keyframe told."""
    height: int
    fps: float
    bitrate: int
    """Bits per second of RTP payload over the last second."""
    live: bool


@dataclass(frozen=True, slots=True)
class CameraState:
    """A camera of an order, whether somebody publishes on it or not."""

    name: str
    live: bool
    since: float | None
    """Unix seconds since when it is live."""
    codec: str | None
    layers: tuple[LayerState, ...]

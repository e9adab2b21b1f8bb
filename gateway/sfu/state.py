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


@dataclass(frozen=True, slots=True)
class LineState:
    """What a viewer's video line beside the main one shows."""

    mid: str
    camera: str | None
    """None while it shows nothing."""
    pinned: str | None = None
    """The camera that the viewer has pinned to it, live or not; None for a line of thumbnails."""


@dataclass(frozen=True, slots=True)
class ViewerState:
    """What one viewer gets of the picture, and how its link is."""

    camera: str
    layer: LayerState | None
    """What it plays now; None before its first keyframe and while nobody publishes."""
    rid: str | None
    """The layer it asked for; None lets the gateway choose."""
    max_height: int | None
    """Pixels over which it wants no layer."""
    estimate: float
    """Bits per second that its link is thought to carry."""
    rtt: float | None
    """Seconds to the viewer and back."""
    loss: float
    """Fraction of packets lost on the way to it, 0 to 1."""
    wanted_camera: str = ""
    """The camera that it asked for; another than `camera` while that one is gone."""
    lines: tuple[LineState, ...] = ()
    """Further video lines."""


@dataclass(frozen=True, slots=True)
class PublisherState:
    """What arrives from one publisher."""

    camera: str
    bitrate: int
    """Bits per second of RTP payload over the last second, all tracks and layers."""
    loss: float
    """Fraction of packets lost on the way here since the last report, 0 to 1."""
    layers: tuple[LayerState, ...]

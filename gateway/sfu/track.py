"""A published track: its layers, and which of them each viewer gets."""

from __future__ import annotations

from collections import Counter

from gateway.protocol import extensions
from gateway.protocol.description import Codec, MediaKind, NegotiatedMedia
from gateway.protocol.sdp import match_codec
from gateway.sfu.down_track import DownTrack
from gateway.sfu.fanout import Profile
from gateway.sfu.layer import Layer
from gateway.sfu.layer_selector import best_layer
from gateway.sfu.media_clock import PublisherClock

FORWARDED = (
    extensions.AUDIO_LEVEL,
    extensions.VIDEO_ORIENTATION,
    extensions.ABS_CAPTURE_TIME,
    extensions.PLAYOUT_DELAY,
    extensions.DEPENDENCY_DESCRIPTOR,
)
"""Extensions that mean the same on the way out; the others speak of one hop."""


class PublishedTrack:
    """The audio or video of a publisher with all its encodings, and everybody who plays it."""

    def __init__(self, media: NegotiatedMedia, clock: PublisherClock, drops: Counter[str]) -> None:
        assert media.kind is not None
        self.media = media
        self.kind: MediaKind = media.kind
        self.layers: dict[int, Layer] = {}
        self.down_tracks: list[DownTrack] = []
        self._clock = clock
        self._drops = drops
        self._target: Layer | None = None

    @property
    def codec(self) -> Codec:
        """What is on the wire; before the first packet, what was negotiated first."""
        return self._target.codec if self._target else self.media.codecs[0]

    def add_layer(self, ssrc: int, rid: str, payload_type: int) -> Layer | None:
        """Begin a layer; None for a payload type that was not negotiated.

        A layer that had the same rid under another ssrc ends: the publisher began it anew.
        """
        codec = next((c for c in self.media.codecs if c.payload_type == payload_type), None)
        if codec is None:
            return None
        for former in [x for x in self.layers.values() if x.rid == rid or x.ssrc == ssrc]:
            self._remove_layer(former)
        layer = self.layers[ssrc] = Layer(self, ssrc, rid, codec, self._clock, self._drops)
        return layer

    def _remove_layer(self, layer: Layer) -> None:
        del self.layers[layer.ssrc]
        if layer is self._target:
            self._target = None
        for down_track in self.down_tracks:
            if down_track.layer is layer:
                layer.release(down_track)
            if down_track.waiting_for is layer:
                down_track.waiting_for = None
        layer.waiting.clear()

    def end(self) -> None:
        """No more will come: nobody waits for it, and nothing but the viewers' history holds its layers."""
        for layer in list(self.layers.values()):
            self._remove_layer(layer)

    def select(self, now: float) -> None:
        """Send everybody to the best layer that is alive."""
        best = best_layer(self.layers.values(), self._target, now)
        if best is None or best is self._target:
            return
        self._target = best
        for down_track in self.down_tracks:
            self._aim(down_track)

    def add_down_track(self, down_track: DownTrack) -> None:
        """A viewer begins to play this track."""
        self.down_tracks.append(down_track)
        self._aim(down_track)

    def remove_down_track(self, down_track: DownTrack) -> None:
        """A viewer leaves, or the track ends under it."""
        self.down_tracks.remove(down_track)
        if down_track.layer is not None:
            down_track.layer.release(down_track)
        if down_track.waiting_for is not None:
            down_track.waiting_for.dismiss(down_track)

    def _aim(self, down_track: DownTrack) -> None:
        target, awaited = self._target, down_track.waiting_for
        if target is None or awaited is target:
            return
        if down_track.layer is not target:
            target.admit_at_keyframe(down_track)
        elif awaited is not None:  # it never left: what it was to go over to has died
            awaited.dismiss(down_track)

    def profile_for(self, down_track: DownTrack, layer: Layer) -> Profile | None:
        """The shape in which this viewer gets this layer; None when it cannot decode the codec."""
        codec = match_codec(layer.codec, down_track.accepted)
        if codec is None:
            return None
        pairs = [
            (self.media.extensions[uri], down_track.media.extensions[uri])
            for uri in FORWARDED
            if uri in self.media.extensions and uri in down_track.media.extensions
        ]
        return Profile(codec.payload_type, tuple(pairs), down_track.gcm)

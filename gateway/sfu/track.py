"""A published track: its layers, and which of them each viewer gets."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence

from gateway.protocol import extensions
from gateway.protocol.description import Codec, MediaKind, NegotiatedMedia
from gateway.protocol.sdp import match_codec
from gateway.sfu.down_track import DownTrack
from gateway.sfu.layer import Layer
from gateway.sfu.layer_choice import RISE_PAUSE, Rung, by_quality, choose
from gateway.sfu.media_clock import PublisherClock
from gateway.sfu.packet_cache import CAPACITY
from gateway.sfu.view import Profile

LOOK = 1.0
"""Seconds between looks at every viewer: some tell nothing that would make us look."""
LAGGING = 0.45
"""Seconds behind the other layers of its track after which a layer counts as dead."""

FORWARDED = (
    extensions.AUDIO_LEVEL,
    extensions.VIDEO_ORIENTATION,
    extensions.ABS_CAPTURE_TIME,
    extensions.PLAYOUT_DELAY,
    extensions.DEPENDENCY_DESCRIPTOR,
)
"""Extensions that mean the same on the way out; the others speak of one hop. The dependency descriptor only
where it bears the numbers that are kept in step."""


class PublishedTrack:
    """The audio or video of a publisher with all its encodings, and everybody who plays it."""

    def __init__(
        self, media: NegotiatedMedia, clock: PublisherClock, drops: Counter[str], layer_cache: int = CAPACITY
    ) -> None:
        assert media.kind is not None
        self.media = media
        self.kind: MediaKind = media.kind
        self.layers: dict[int, Layer] = {}
        self.down_tracks: list[DownTrack] = []
        self._clock = clock
        self._drops = drops
        self._layer_cache = layer_cache
        self._alive: list[Layer] = []
        self._next_look = 0.0

    @property
    def codec(self) -> Codec:
        """What is on the wire; before the first packet, what was negotiated first."""
        return self._alive[-1].codec if self._alive else self.media.codecs[0]

    def add_layer(self, ssrc: int, rid: str, payload_type: int) -> Layer | None:
        """Begin a layer; None for a payload type that was not negotiated.

        A layer that had the same rid under another ssrc ends: the publisher began it anew.
        """
        codec = next((c for c in self.media.codecs if c.payload_type == payload_type), None)
        if codec is None:
            return None
        for former in [x for x in self.layers.values() if x.rid == rid or x.ssrc == ssrc]:
            self._remove_layer(former)
        layer = self.layers[ssrc] = Layer(self, ssrc, rid, codec, self._clock, self._drops, self._layer_cache)
        return layer

    def _remove_layer(self, layer: Layer) -> None:
        del self.layers[layer.ssrc]
        if layer in self._alive:
            self._alive.remove(layer)
        layer.end()

    def end(self) -> None:
        """No more will come: nobody waits for it, and nothing but the viewers' history holds its layers."""
        for layer in list(self.layers.values()):
            self._remove_layer(layer)

    def select(self, now: float) -> None:
        """Notice layers that began or died, and send everybody to the best that is left for them."""
        newest = max((layer.last_arrival for layer in self.layers.values()), default=now)
        alive = [x for x in self.layers.values() if x.alive(now) and newest - x.last_arrival < LAGGING]
        # A layer whose keyframe has not come yet would count as the smallest.
        alive = by_quality([x for x in alive if x.height] or alive)
        if alive != self._alive or now >= self._next_look:
            self._alive = alive
            self._next_look = now + LOOK
            for down_track in self.down_tracks:
                self.aim(down_track, now)

    @property
    def audio_level(self) -> int | None:
        """The newest level and voice flag that came (RFC 6464, one octet); None where none was sent."""
        return self._alive[-1].audio_level if self._alive else None

    @property
    def live_layers(self) -> Sequence[Layer]:
        """The layers that get packets, the worst first."""
        return self._alive

    def add_down_track(self, down_track: DownTrack, now: float) -> None:
        """A viewer begins to play this track.

        One who plays another goes on with that until this one has a picture, as urgent as a first one.
        """
        former = down_track.source
        if former is not None:
            former.down_tracks.remove(down_track)
            if down_track.waiting_for is not None:
                down_track.waiting_for.dismiss(down_track)
        down_track.source = self
        self.down_tracks.append(down_track)
        down_track.rose_at = float("-inf")
        self.aim(down_track, now)
        down_track.urgent = former is not None

    def remove_down_track(self, down_track: DownTrack) -> None:
        """A viewer leaves, or the track ends under it."""
        self.down_tracks.remove(down_track)
        down_track.source = None
        if down_track.layer is not None:
            down_track.layer.release(down_track)
        if down_track.waiting_for is not None:
            down_track.waiting_for.dismiss(down_track)

    def aim(self, down_track: DownTrack, now: float) -> None:
        """Send one viewer to the best layer that its budget and its wish allow."""
        alive, played, awaited = self._alive, down_track.layer, down_track.waiting_for
        if played is not None and awaited is None and alive == [played] and len(played.bitrates) == 1:
            return  # there is nothing to choose, as with most sound and much of OBS
        bound_for = awaited or played
        current = None
        if bound_for is not None and bound_for in alive:
            current = Rung(bound_for, down_track.next_top if awaited else down_track.top)
        may_rise = now - down_track.rose_at >= RISE_PAUSE
        target = choose(alive, current, down_track.budget, down_track.wish, may_rise)
        if target is None:
            return
        if current is not None and _rank(target, alive) > _rank(current, alive):
            down_track.rose_at = now
        if target.layer is played:
            if (
                awaited is not None
            ):  # it never left: what it was to go over to has died, or is too much by now
                awaited.dismiss(down_track)
            if target.top != down_track.top:
                down_track.thin(target.top)
            return
        down_track.next_top = target.top
        if target.layer is not awaited:
            self._send_to(target.layer, down_track)

    def _send_to(self, layer: Layer, down_track: DownTrack) -> None:
        """Let the viewer wait for another layer; until that comes, a link that is too full gets less."""
        played, alive = down_track.layer, self._alive
        down_track.urgent = (
            played is not None
            and played in alive
            and alive.index(layer) < alive.index(played)
            and Rung(played, down_track.top).bitrate > down_track.budget
        )
        if down_track.urgent and played is not None and len(played.bitrates) > 1:
            down_track.thin(0)
        layer.admit_at_keyframe(down_track)

    def profile_for(self, down_track: DownTrack, layer: Layer) -> Profile | None:
        """The shape in which this viewer gets this layer; None when it cannot decode the codec."""
        codec = match_codec(layer.codec, down_track.accepted)
        if codec is None:
            return None
        numbering = layer.out.numbering
        described = numbering is not None and numbering.described
        forwarded = [uri for uri in FORWARDED if described or uri != extensions.DEPENDENCY_DESCRIPTOR]
        pairs = [
            (self.media.extensions[uri], down_track.media.extensions[uri])
            for uri in forwarded
            if uri in self.media.extensions and uri in down_track.media.extensions
        ]
        return Profile(codec.payload_type, tuple(pairs), down_track.gcm, down_track.transport_cc)


def _rank(rung: Rung[Layer], alive: Sequence[Layer]) -> tuple[int, int]:
    return alive.index(rung.layer), rung.top

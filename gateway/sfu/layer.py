"""One RTP stream of a publisher, an encoding of a track, and the viewers it feeds."""

from __future__ import annotations

from collections import Counter
from operator import attrgetter
from typing import TYPE_CHECKING

from gateway.protocol import extensions
from gateway.protocol.codecs import keyframe_detector, resolution
from gateway.protocol.codecs.pictures import picture_numbering
from gateway.protocol.description import Codec, MediaKind
from gateway.protocol.reception import ReceptionStatistics
from gateway.protocol.rtp import RtpPacket
from gateway.protocol.sequence import SequenceUnwrapper
from gateway.sfu.distribution import Distribution
from gateway.sfu.down_track import DownTrack
from gateway.sfu.keyframe import KeyframeRequester
from gateway.sfu.media_clock import MediaClock, PublisherClock
from gateway.sfu.meter import Meter
from gateway.sfu.nack import Arrival, GapTracker
from gateway.sfu.packet import MediaPacket, even_out
from gateway.sfu.packet_cache import CAPACITY, PacketCache
from gateway.sfu.picture_group import PictureGroup
from gateway.sfu.ports import Egress
from gateway.sfu.state import LayerState
from gateway.sfu.sublayer import ALL
from gateway.sfu.view import View

if TYPE_CHECKING:
    from gateway.sfu.track import PublishedTrack

SILENCE = 1.0
"""Seconds without a packet after which a layer counts as dead; a screen share may pause a little less."""

PATIENCE = 0.3
"""Seconds that a viewer without a picture waits for the keyframe that was asked for."""
SHORT = 0.25
"""Seconds of sending up to which catching up beats asking for a keyframe."""
RESCUE_PAUSE = 2.0
"""Seconds between two times that a viewer who lost its picture is taken back to the last keyframe."""
GIVE_UP = 3.0
"""Seconds of catching up after which a keyframe is asked for all the same."""

_by_index = attrgetter("index")


class Layer:
    """Receives packets, keeps them, and lets viewers in.

    `out` has those who play it; those in `waiting` join at the next keyframe, which the layer asks for, those
    in `catching_up` are on their way from the last one.
    """

    def __init__(
        self,
        track: PublishedTrack,
        ssrc: int,
        rid: str,
        codec: Codec,
        clock: PublisherClock,
        drops: Counter[str],
        cache_capacity: int = CAPACITY,
    ) -> None:
        self.track = track
        self.ssrc = ssrc
        self.rid = rid
        self.codec = codec
        self.clock = MediaClock(codec.clock_rate, clock)
        self.statistics = ReceptionStatistics(ssrc, codec.clock_rate)
        self.gaps = GapTracker()
        self.cache = PacketCache(capacity=cache_capacity)
        self.group = PictureGroup(self.cache)
        self.keyframes = KeyframeRequester()
        self.meter = Meter()
        self.width = self.height = 0
        self.audio_level: int | None = None
        """Of the newest packet: voice flag and level (RFC 6464, one octet)."""
        self.last_arrival = float("-inf")
        self._capture_time = track.media.extensions.get(extensions.ABS_CAPTURE_TIME, 0)
        self._level = track.media.extensions.get(extensions.AUDIO_LEVEL, 0)
        self._descriptor = track.media.extensions.get(extensions.DEPENDENCY_DESCRIPTOR, 0)
        self.out = Distribution(self.meter)
        self.waiting: list[DownTrack] = []
        self._drops = drops
        self._unwrap = SequenceUnwrapper().unwrap
        self._is_keyframe = keyframe_detector(codec.name)
        self._burst: list[MediaPacket] = []
        self._unsorted = False
        self.catching_up: list[DownTrack] = []
        self.lost: dict[DownTrack, float] = {}
        """Viewers who cannot decode any more, and since when no keyframe has come for them."""

    def receive(self, packet: RtpPacket, now: float, wall: float, *, repaired: bool = False) -> bool:
        """Take a packet; True when it is new and waits for `flush`.

        `repaired` ones came by RTX: they mend the media, not the loss that reports tell of.
        """
        index = self._unwrap(packet.sequence_number)
        arrival = self.gaps.received(index, now)
        if arrival is Arrival.UNEXPECTED:
            self._drops["rtp_duplicate_or_late"] += 1
            return False
        if arrival is Arrival.AFTER_HOLE:
            self._start_over()
        keyframe = self._is_keyframe(packet.payload)
        if arrival is Arrival.FIRST:
            if self.codec.kind is MediaKind.VIDEO:
                self.keyframes.want()  # without one nobody can say how large the picture is
            self.out.numbering = picture_numbering(self.codec.name, self._descriptor, packet)
        numbering = self.out.numbering
        picture = numbering.read(packet) if numbering is not None else None
        media = MediaPacket(packet, index, keyframe, now, picture)
        if keyframe:
            self.keyframes.arrived(now)
            if not self.waiting:
                self.keyframes.satisfied()
            self._measure_picture(packet.payload)
        if self._burst and index < self._burst[-1].index:
            self._unsorted = True
        self._burst.append(media)
        if not repaired:
            self.statistics.received(index, packet.timestamp, now)
        if self._level and (level := packet.extensions.get(self._level)):
            self.audio_level = level[0]
        self.clock.arrived(packet.timestamp, wall)
        if self._capture_time in packet.extensions:
            self.clock.localize_capture_time(packet, self._capture_time)
        self.meter.add(len(packet.payload), packet.timestamp, picture.temporal if picture else 0)
        self.last_arrival = now
        return True

    def _start_over(self) -> None:
        """After a hole too large to mend: go on at the next keyframe, with numbers that do not jump."""
        for down_track in [viewer for group in self.out.groups.values() for viewer in group]:
            self.release(down_track)
            if down_track.waiting_for is None:  # else a better layer's keyframe comes first
                self.admit_at_keyframe(down_track)

    def _measure_picture(self, payload: bytes) -> None:
        size = resolution(self.codec.name, payload)
        if size is not None:
            self.width, self.height = size

    @property
    def bitrates(self) -> tuple[int, ...]:
        """Bits per second of payload up to and with each temporal layer; 0 until the first second is over."""
        return self.meter.bitrates

    def alive(self, now: float) -> bool:
        """Whether packets came within `SILENCE`."""
        return now - self.last_arrival < SILENCE

    def admit_at_keyframe(self, down_track: DownTrack) -> None:
        """Feed this viewer from the next keyframe on; what feeds it now goes on until then."""
        if down_track.waiting_for is not None:
            down_track.waiting_for.dismiss(down_track)
        down_track.waiting_for = self
        self.waiting.append(down_track)
        if self.codec.kind is MediaKind.VIDEO:
            self.keyframes.want()

    def dismiss(self, down_track: DownTrack) -> None:
        """It waits for this layer's keyframe no longer."""
        self.waiting.remove(down_track)
        down_track.waiting_for = None
        if not self.waiting and not self.out.groups:
            self.keyframes.satisfied()

    def release(self, down_track: DownTrack) -> None:
        """Stop feeding this viewer."""
        self.lost.pop(down_track, None)
        caught_up = down_track.catch_up is None
        down_track.leave()
        if caught_up:
            self.out.remove(down_track)
        else:
            self.catching_up.remove(down_track)

    @property
    def busy(self) -> bool:
        """Whether somebody must be looked after though no packet comes."""
        return bool(self.waiting or self.catching_up or self.lost)

    def picture_lost(self, down_track: DownTrack, now: float) -> None:
        """A viewer asks for a keyframe; where the publisher sends none, it gets the last one again."""
        self.keyframes.want()
        if down_track.catch_up is None and now - down_track.rescued_at >= RESCUE_PAUSE:
            self.lost.setdefault(down_track, now)

    def end(self) -> None:
        """No more will come: let go of everybody."""
        viewers = [viewer for group in self.out.groups.values() for viewer in group]
        for down_track in viewers + self.catching_up:
            self.release(down_track)
        for down_track in self.waiting:
            down_track.waiting_for = None
        self.waiting.clear()

    def flush(self, egress: Egress, now: float) -> None:
        """Forward what came since the last flush, in order, and bring on those who catch up."""
        packets, self._burst = self._burst, []
        if self._unsorted:
            packets.sort(key=_by_index)
            self._unsorted = False
        even_out(packets)
        # Not earlier: what can be resent must be final, or one nonce would encrypt two texts.
        for packet in packets:
            self.cache.add(packet)
            if self.codec.kind is MediaKind.VIDEO:
                self.group.note(packet)
        start = next((x for x in packets if x.keyframe), None) if self.busy else None
        if start is not None:
            self.lost.clear()
        overtaken = start is not None and start.index <= self.out.highest
        if start is not None and not overtaken:
            self.out.forward([x for x in packets if x.index < start.index], egress)
            self._admit(start)
            self.out.forward([x for x in packets if x.index >= start.index], egress)
        else:
            self.out.forward(packets, egress)
        if overtaken:
            self._begin_anew()
        if self.waiting:
            self._spare_waiting(now, overtaken)
        if self.lost:
            self._rescue(now)
        if self.catching_up:
            self._catch_up(egress, now)

    def _admit(self, packet: MediaPacket) -> None:
        """Feed everybody who waits or still catches up from this keyframe on."""
        waiting, self.waiting = self.waiting + self.catching_up, []
        self.keyframes.satisfied()
        for down_track in waiting:
            view = self._take_over(down_track, packet, down_track.next_top)
            if view is not None:
                down_track.begin(self, view, packet)
                self.out.add(view, down_track, packet.index)

    def _take_over(self, down_track: DownTrack, packet: MediaPacket, top: int) -> View | None:
        """Take the viewer from whatever feeds it; how it will see this layer from `packet` on, if at all."""
        if down_track.layer is not None:
            down_track.layer.release(down_track)
        profile = self.track.profile_for(down_track, self)
        if profile is None:
            down_track.waiting_for = None
            self._drops["viewer_lacks_codec"] += 1
            return None
        return self.out.view_for(down_track, profile, packet, top)

    def _begin_anew(self) -> None:
        """A newer keyframe is here: who still catches up on the group before it goes on from there."""
        for down_track in [x for x in self.catching_up if not x.caught_up_to(self.group.start)]:
            self.release(down_track)
            self.admit_at_keyframe(down_track)

    def _spare_waiting(self, now: float, overtaken: bool) -> None:
        """Let those catch up whom a keyframe on request would not serve sooner.

        `overtaken` tells that a keyframe came just now, its first packet after others of it.
        """
        start = self.cache.get(self.group.start)
        if start is None:
            return
        for down_track in self.waiting[:]:
            if down_track.waiting_since is None:
                down_track.waiting_since = now
            shown = down_track.layer
            if shown is not None and shown.alive(now) and not (overtaken or down_track.urgent):
                continue  # a moving picture, if not the best one: no reason to jump back in it
            late = now - down_track.waiting_since >= PATIENCE
            if late:
                self.keyframes.obeyed = False
            light = self.group.octets * 8 <= down_track.catch_up_rate * SHORT and (
                down_track.fresh or down_track.urgent
            )
            if overtaken or late or light or not self.keyframes.obeyed:
                self._begin_catch_up(down_track, start, now)
        if not self.waiting:
            self.keyframes.satisfied()

    def _rescue(self, now: float) -> None:
        """Take those who lost their picture back to the last keyframe, if none comes for the asking."""
        start = self.cache.get(self.group.start)
        for down_track, since in list(self.lost.items()):
            late = now - since >= PATIENCE
            if start is None or not (late or not self.keyframes.obeyed):
                continue
            if late:
                self.keyframes.obeyed = False
            down_track.rescued_at = now
            self.waiting.append(down_track)
            self._begin_catch_up(down_track, start, now)

    def _begin_catch_up(self, down_track: DownTrack, start: MediaPacket, now: float) -> None:
        self.waiting.remove(down_track)
        view = self._take_over(down_track, start, ALL)
        if view is not None:
            down_track.begin_catch_up(self, view, start.index, now)
            self.catching_up.append(down_track)

    def _catch_up(self, egress: Egress, now: float) -> None:
        """Bring on those who catch up; who has all joins the others."""
        for down_track in self.catching_up[:]:
            catch_up = down_track.catch_up
            assert catch_up is not None
            catch_up.rate = down_track.catch_up_rate
            if catch_up.lasts(now) > GIVE_UP:
                self.keyframes.want()
            if catch_up.step(down_track, self, now, egress):
                self.catching_up.remove(down_track)
                down_track.go_live(now)
                self.out.add(catch_up.view, down_track, self.out.highest + 1)
                self.out.settle(down_track)

    def state(self, now: float, top: int = ALL) -> LayerState:
        """What this layer is, or what a viewer gets of it up to a temporal layer: for pages and operators."""
        top = min(top, len(self.meter.bitrates) - 1)
        fps, bitrate = self.meter.frame_rates[top], self.meter.bitrates[top]
        return LayerState(self.rid, self.width, self.height, fps, bitrate, self.alive(now))

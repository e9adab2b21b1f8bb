"""One RTP stream of a publisher, an encoding of a track, and the viewers it feeds."""

from __future__ import annotations

from collections import Counter
from operator import attrgetter
from typing import TYPE_CHECKING

from gateway.protocol.codecs import keyframe_detector, resolution
from gateway.protocol.description import Codec, MediaKind
from gateway.protocol.reception import ReceptionStatistics
from gateway.protocol.rtp import RtpPacket
from gateway.protocol.sequence import SequenceUnwrapper
from gateway.sfu.down_track import DownTrack
from gateway.sfu.fanout import Profile, fan_out
from gateway.sfu.keyframe import KeyframeRequester
from gateway.sfu.media_clock import MediaClock, PublisherClock
from gateway.sfu.meter import Meter
from gateway.sfu.nack import Arrival, GapTracker
from gateway.sfu.packet import MediaPacket, even_out
from gateway.sfu.packet_cache import PacketCache
from gateway.sfu.ports import Egress
from gateway.sfu.state import LayerState

if TYPE_CHECKING:
    from gateway.sfu.track import PublishedTrack

SILENCE = 1.0
"""Seconds without a packet after which a layer counts as dead; a screen share may pause a little less."""

_by_index = attrgetter("index")


class Layer:
    """Receives packets, keeps them, and hands each burst to the fan-out.

    Viewers are grouped by profile in `groups`; those in `waiting` join at the next keyframe, which
    the layer asks for. `highest_*` describe the newest packet forwarded, `sent_*` count them all.
    """

    def __init__(
        self,
        track: PublishedTrack,
        ssrc: int,
        rid: str,
        codec: Codec,
        clock: PublisherClock,
        drops: Counter[str],
    ) -> None:
        self.track = track
        self.ssrc = ssrc
        self.rid = rid
        self.codec = codec
        self.clock = MediaClock(codec.clock_rate, clock)
        self.statistics = ReceptionStatistics(ssrc, codec.clock_rate)
        self.gaps = GapTracker()
        self.cache = PacketCache()
        self.keyframes = KeyframeRequester()
        self.meter = Meter()
        self.width = self.height = 0
        self.last_arrival = float("-inf")
        self.highest_sent = -1
        self.highest_timestamp = 0
        self.highest_arrival = 0.0
        self.sent_packets = self.sent_octets = 0
        self.groups: dict[Profile, list[DownTrack]] = {}
        self.waiting: list[DownTrack] = []
        self._drops = drops
        self._unwrap = SequenceUnwrapper().unwrap
        self._is_keyframe = keyframe_detector(codec.name)
        self._burst: list[MediaPacket] = []
        self._unsorted = False
        self._newest_start = -1
        self._turn = 0

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
        media = MediaPacket(packet, index, keyframe, now)
        if keyframe:
            if not self.waiting:
                self.keyframes.satisfied()
            self._measure_picture(packet.payload)
        if self._burst and index < self._burst[-1].index:
            self._unsorted = True
        self._burst.append(media)
        if not repaired:
            self.statistics.received(index, packet.timestamp, now)
        self.clock.arrived(packet.timestamp, wall)
        self.meter.add(len(packet.payload), packet.timestamp)
        self.last_arrival = now
        return True

    def _start_over(self) -> None:
        """After a hole too large to mend: go on at the next keyframe, with numbers that do not jump."""
        for down_track in [viewer for group in self.groups.values() for viewer in group]:
            self.release(down_track)
            if down_track.waiting_for is None:  # else a better layer's keyframe comes first
                self.admit_at_keyframe(down_track)

    def _measure_picture(self, payload: bytes) -> None:
        size = resolution(self.codec.name, payload)
        if size is not None:
            self.width, self.height = size

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
        if not self.waiting and not self.groups:
            self.keyframes.satisfied()

    def release(self, down_track: DownTrack) -> None:
        """Stop feeding this viewer."""
        for profile, group in self.groups.items():
            if down_track in group:
                down_track.leave()
                group.remove(down_track)
                if not group:
                    del self.groups[profile]
                return

    def flush(self, egress: Egress) -> None:
        """Forward what came since the last flush, in order."""
        packets, self._burst = self._burst, []
        if self._unsorted:
            packets.sort(key=_by_index)
            self._unsorted = False
        even_out(packets)
        # Not earlier: what can be resent must be final, or one nonce would encrypt two texts.
        for packet in packets:
            self.cache.add(packet)
        start = next((x for x in packets if x.keyframe), None) if self.waiting else None
        if start is None:
            self._forward(packets, egress)
        elif start.index > self.highest_sent:
            self._forward([x for x in packets if x.index < start.index], egress)
            self._admit(start)
            self._forward([x for x in packets if x.index >= start.index], egress)
        else:  # the keyframe's first packet came after others of it
            self._forward(packets, egress)
            self._catch_up(self._admit(start), start.index, egress)

    def _catch_up(self, joined: list[DownTrack], start: int, egress: Egress) -> None:
        """Send what has gone out since `start` to those who joined there."""
        cached = map(self.cache.get, range(start, self.highest_sent + 1))
        packets = [packet for packet in cached if packet is not None]
        for down_track in joined:
            if down_track.stay is not None:
                fan_out(packets, down_track.stay.source.profile, [down_track], egress)
                down_track.count(len(packets), sum(len(packet.payload) for packet in packets))

    def _admit(self, packet: MediaPacket) -> list[DownTrack]:
        """Start feeding everybody who waits, from this keyframe; those who now are fed."""
        joined: list[DownTrack] = []
        waiting, self.waiting = self.waiting, []
        self.keyframes.satisfied()
        for down_track in waiting:
            if down_track.layer is not None:
                down_track.layer.release(down_track)
            profile = self.track.profile_for(down_track, self)
            if profile is None:
                down_track.waiting_for = None
                self._drops["viewer_lacks_codec"] += 1
                continue
            down_track.begin(self, profile, packet)
            self.groups.setdefault(profile, []).append(down_track)
            joined.append(down_track)
        self._newest_start = max(self._newest_start, packet.index)
        return joined

    def _forward(self, packets: list[MediaPacket], egress: Egress) -> None:
        if not packets:
            return
        newest = packets[-1]
        self.sent_packets += len(packets)
        self.sent_octets += sum([len(packet.payload) for packet in packets])
        if newest.index > self.highest_sent:
            self.highest_sent = newest.index
            self.highest_timestamp = newest.timestamp
            self.highest_arrival = newest.arrival
        if packets[0].index < self._newest_start:
            packets = self._forward_late(packets, egress)
        turn = self._turn = self._turn + 1
        for profile, viewers in self.groups.items():
            # Start each sweep at another viewer: the last one of a sweep waits longest.
            start = turn % len(viewers)
            fan_out(packets, profile, viewers[start:] + viewers[:start] if start else viewers, egress)

    def _forward_late(self, packets: list[MediaPacket], egress: Egress) -> list[MediaPacket]:
        """Send packets from before the newest viewer's start to those who were there; return the others."""
        for packet in packets:
            if packet.index >= self._newest_start:
                continue
            for profile, viewers in self.groups.items():
                present = [v for v in viewers if v.stay is not None and v.stay.start <= packet.index]
                fan_out([packet], profile, present, egress)
        return [packet for packet in packets if packet.index >= self._newest_start]

    def state(self, now: float) -> LayerState:
        """What this layer is, for pages and operators."""
        return LayerState(
            self.rid, self.width, self.height, self.meter.fps, self.meter.bitrate, self.alive(now)
        )

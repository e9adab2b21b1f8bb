"""One RTP stream of a publisher, an encoding of a track, and the viewers it feeds."""

from __future__ import annotations

from collections import Counter, deque
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
from gateway.sfu.packet_cache import HORIZON, NOTHING, PacketCache
from gateway.sfu.ports import Egress
from gateway.sfu.state import LayerState

if TYPE_CHECKING:
    from gateway.sfu.track import PublishedTrack

SILENCE = 1.0
"""Seconds without a packet after which a layer counts as dead; a screen share may pause a little less."""

PATIENCE = 0.3
"""Seconds that a viewer without a picture waits for the keyframe that was asked for."""
SHORT = 0.25
"""Seconds of sending up to which catching up beats asking for a keyframe."""
LONGEST_GROUP = 12.0
"""Seconds that a group of pictures is kept: OBS sends a keyframe every 2 to 10 s, a browser on request."""
GIVE_UP = 3.0
"""Seconds of catching up after which a keyframe is asked for all the same."""
CATCH_UP_FACTOR = 3
"""Times its own bitrate that a layer is caught up with at least, or the live edge would stay out of reach."""

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
        self._gop_timestamp: int | None = None
        self._gop_start = NOTHING
        self._groups_kept: deque[tuple[float, int]] = deque()
        self._gop_octets = 0
        self.catching_up: list[DownTrack] = []

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
            self.keyframes.arrived(now)
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

    @property
    def bitrate(self) -> int:
        """Bits per second of payload over the last second; 0 before that is over."""
        return self.meter.bitrate

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
        if down_track.catch_up is not None:
            down_track.leave()
            self.catching_up.remove(down_track)
            return
        for profile, group in self.groups.items():
            if down_track in group:
                down_track.leave()
                group.remove(down_track)
                if not group:
                    del self.groups[profile]
                return

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
                self._note_group(packet)
        joining = self.waiting or self.catching_up
        start = next((x for x in packets if x.keyframe), None) if joining else None
        overtaken = start is not None and start.index <= self.highest_sent
        if start is not None and not overtaken:
            self._forward([x for x in packets if x.index < start.index], egress)
            self._admit(start)
            self._forward([x for x in packets if x.index >= start.index], egress)
        else:
            self._forward(packets, egress)
        if overtaken:
            self._begin_anew()
        if self.waiting:
            self._spare_waiting(now, overtaken)
        if self.catching_up:
            self._catch_up(egress, now)

    def _note_group(self, packet: MediaPacket) -> None:
        """Keep track of where the current group of pictures starts and what it weighs."""
        if packet.keyframe and packet.timestamp == self._gop_timestamp:
            # Parameter sets and slices of one keyframe, in whatever order they came.
            self._gop_start = min(self._gop_start, packet.index)
        elif packet.keyframe and (packet.index > self._gop_start or self._gop_timestamp is None):
            self._gop_start = packet.index
            self._gop_timestamp = packet.timestamp
            self._gop_octets = 0
            self._groups_kept.append((packet.arrival, packet.index))
            # Not the group before it: somebody may have been caught up on that a moment ago.
            while len(self._groups_kept) > 1 and self._groups_kept[1][0] < packet.arrival - HORIZON:
                self._groups_kept.popleft()
            self.cache.keep_from = self._groups_kept[0][1]
        self._gop_octets += len(packet.payload)
        if self._groups_kept and packet.arrival - self._groups_kept[-1][0] > LONGEST_GROUP:
            self.cache.keep_from = NOTHING

    def _admit(self, packet: MediaPacket) -> None:
        """Feed everybody who waits or still catches up from this keyframe on."""
        waiting, self.waiting = self.waiting + self.catching_up, []
        self.keyframes.satisfied()
        for down_track in waiting:
            profile = self._take_over(down_track)
            if profile is not None:
                down_track.begin(self, profile, packet)
                self.groups.setdefault(profile, []).append(down_track)
        self._newest_start = max(self._newest_start, packet.index)

    def _take_over(self, down_track: DownTrack) -> Profile | None:
        """Take the viewer from whatever feeds it; the shape in which it gets this layer, None for none."""
        if down_track.layer is not None:
            down_track.layer.release(down_track)
        profile = self.track.profile_for(down_track, self)
        if profile is None:
            down_track.waiting_for = None
            self._drops["viewer_lacks_codec"] += 1
        return profile

    def _begin_anew(self) -> None:
        """A newer keyframe is here: who still catches up on the group before it goes on from there."""
        for down_track in [x for x in self.catching_up if not x.caught_up_to(self._gop_start)]:
            self.release(down_track)
            self.admit_at_keyframe(down_track)

    def _spare_waiting(self, now: float, overtaken: bool) -> None:
        """Let those catch up whom a keyframe on request would not serve sooner.

        `overtaken` tells that a keyframe came just now, its first packet after others of it.
        """
        start = self._gop_start
        if start not in self.cache:
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
            light = (down_track.fresh or down_track.urgent) and self._gop_octets * 8 <= self._catch_up_rate(
                down_track
            ) * SHORT
            if overtaken or late or light or not self.keyframes.obeyed:
                self._begin_catch_up(down_track, start, now)
        if not self.waiting:
            self.keyframes.satisfied()

    def _catch_up_rate(self, down_track: DownTrack) -> float:
        return max(down_track.catch_up_rate, CATCH_UP_FACTOR * self.meter.bitrate)

    def _begin_catch_up(self, down_track: DownTrack, start: int, now: float) -> None:
        self.waiting.remove(down_track)
        profile = self._take_over(down_track)
        if profile is not None:
            down_track.begin_catch_up(self, profile, start, now)
            self.catching_up.append(down_track)

    def _catch_up(self, egress: Egress, now: float) -> None:
        """Bring on those who catch up; who has all joins the others."""
        for down_track in self.catching_up[:]:
            catch_up = down_track.catch_up
            assert catch_up is not None
            catch_up.rate = self._catch_up_rate(down_track)
            if catch_up.lasts(now) > GIVE_UP:
                self.keyframes.want()
            if catch_up.step(down_track, self, now, egress):
                self.catching_up.remove(down_track)
                down_track.go_live(now)
                self.groups.setdefault(catch_up.profile, []).append(down_track)
                self._newest_start = self.highest_sent + 1

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
                present = [
                    v for v in viewers if v.stay is not None and v.stay.source.live_from <= packet.index
                ]
                fan_out([packet], profile, present, egress)
        return [packet for packet in packets if packet.index >= self._newest_start]

    def state(self, now: float) -> LayerState:
        """What this layer is, for pages and operators."""
        return LayerState(
            self.rid, self.width, self.height, self.meter.fps, self.meter.bitrate, self.alive(now)
        )

"""One WHIP session as the SFU sees it: which stream is which, and what its sender is told."""

from __future__ import annotations

import secrets
from collections import Counter
from collections.abc import Callable

from gateway.errors import Malformed
from gateway.protocol import extensions
from gateway.protocol.description import Codec, MediaKind, NegotiatedSession
from gateway.protocol.rtcp import Bye, SenderReport, parse_rtcp
from gateway.protocol.rtp import RtpPacket, parse_rtp
from gateway.protocol.sequence import seq_newer
from gateway.protocol.twcc import TransportCcReceiver
from gateway.sfu.feedback import PublisherFeedback
from gateway.sfu.layer import Layer
from gateway.sfu.media_clock import PublisherClock
from gateway.sfu.packet_cache import CAPACITY
from gateway.sfu.ports import MediaLink
from gateway.sfu.state import PublisherState
from gateway.sfu.track import PublishedTrack

TICK = 0.02
"""Seconds between two looks at what is due: retransmission requests, feedback, dead layers."""
MAX_LAYERS = 8
"""Streams that one m-line may bring; browsers and OBS send up to four."""


class Publisher:
    """Takes RTP and RTCP of one session that sends: a technician's, or a customer's microphone.

    `dirty` is told of each layer that has packets to forward; the router flushes them when the socket is
    empty. `layer_cache` bounds in bytes what each layer keeps.
    """

    def __init__(
        self,
        negotiated: NegotiatedSession,
        dirty: Callable[[Layer], None],
        drops: Counter[str],
        layer_cache: int = CAPACITY,
    ) -> None:
        clock = PublisherClock()
        self.tracks: dict[MediaKind, PublishedTrack] = {}
        self._by_mid: dict[str, PublishedTrack] = {}
        self._layers: dict[int, Layer] = {}
        self._repairs: dict[int, Layer] = {}
        self._repair_of: dict[int, int] = {}
        self._drops = drops
        self._dirty = dirty
        for media in negotiated.media:
            if media.kind is None or media.rejected or media.outbound:
                continue
            track = PublishedTrack(media, clock, drops, layer_cache)
            self.tracks[media.kind] = self._by_mid[media.mid] = track
            self._repair_of.update({s.rtx_ssrc: s.ssrc for s in media.ssrcs if s.rtx_ssrc is not None})
        codecs = [codec for track in self.tracks.values() for codec in track.media.codecs]
        self._repair_types = {
            c.rtx_payload_type: c.payload_type for c in codecs if c.rtx_payload_type is not None
        }
        uses_twcc = any("transport-cc" in codec.feedback for codec in codecs)
        self._ids = [track.media.extensions for track in self.tracks.values()]
        self._twcc = TransportCcReceiver(secrets.randbits(32)) if uses_twcc else None
        self._twcc_id = self._extension_id(extensions.TRANSPORT_CC)
        self._feedback: PublisherFeedback | None = None

    def _extension_id(self, uri: str) -> int:
        """The id of an extension, the same on all m-lines of a bundle; 0, which no packet has, for none."""
        return next((ids[uri] for ids in self._ids if uri in ids), 0)

    def connect(self, link: MediaLink) -> None:
        """The peer is connected: feedback can be sent."""
        self._feedback = PublisherFeedback(list(self.tracks.values()), link, self._twcc)

    def on_rtp(self, data: bytes, now: float, wall: float) -> None:
        """Take one decrypted packet; never raises."""
        try:
            packet = parse_rtp(data)
        except Malformed:
            self._drops["rtp_malformed"] += 1
            return
        if self._twcc is not None and packet.extensions:
            sequence = packet.extensions.get(self._twcc_id)
            if sequence is not None:
                self._twcc.add(int.from_bytes(sequence[:2], "big"), now)
        repaired = packet.payload_type in self._repair_types
        layer = self._repaired(packet) if repaired else self._layers.get(packet.ssrc) or self._bind(packet)
        if layer is None:
            return
        if packet.payload_type != layer.codec.payload_type:
            layer = self._change_codec(layer, packet)
            if layer is None:
                return
        if layer.receive(packet, now, wall, repaired=repaired):
            self._dirty(layer)

    def _repaired(self, packet: RtpPacket) -> Layer | None:
        """Turn an RTX packet into the one it repeats (RFC 4588 section 4); None for a probe."""
        layer = self._repairs.get(packet.ssrc) or self._bind_repair(packet)
        if layer is None:
            self._drops["rtx_unknown_ssrc"] += 1
            return None
        if len(packet.payload) <= 2:
            return None
        if self._repair_types[packet.payload_type] != layer.codec.payload_type:
            self._drops["rtx_other_codec"] += 1
            return None
        packet.sequence_number = int.from_bytes(packet.payload[:2], "big")
        packet.payload = packet.payload[2:]
        packet.payload_type = layer.codec.payload_type
        packet.ssrc = layer.ssrc
        return layer

    def _bind_repair(self, packet: RtpPacket) -> Layer | None:
        rid = _text(packet, self._extension_id(extensions.REPAIRED_RID))
        mid = _text(packet, self._extension_id(extensions.MID))
        ssrc = self._repair_of.get(packet.ssrc)
        for layer in self._layers.values():
            same_track = mid is None or layer.track.media.mid == mid
            if layer.ssrc == ssrc or (rid is not None and layer.rid == rid and same_track):
                self._repairs[packet.ssrc] = layer
                return layer
        return None

    def _bind(self, packet: RtpPacket) -> Layer | None:
        """Find out which track and layer a new ssrc is: by mid, by rid, by signalling, by payload type."""
        track = self._track_of(packet)
        if track is None:
            self._drops["rtp_unknown_ssrc"] += 1
            return None
        rid = _text(packet, self._extension_id(extensions.RID))
        rids = track.media.rids
        if rid is None or (rids and rid not in rids):
            signalled = [s.ssrc for s in track.media.ssrcs]
            if rids and packet.ssrc not in signalled:
                self._drops["rtp_unknown_rid"] += 1
                return None
            rid = str(signalled.index(packet.ssrc)) if len(signalled) > 1 and packet.ssrc in signalled else ""
        elif not rids:
            rid = ""  # OBS 32.1 sends a rid that it did not offer
        if len(track.layers) >= MAX_LAYERS:
            self._drops["rtp_too_many_layers"] += 1
            return None
        return self._add_layer(track, packet, rid)

    def _track_of(self, packet: RtpPacket) -> PublishedTrack | None:
        mid = _text(packet, self._extension_id(extensions.MID))
        if mid is not None and mid in self._by_mid:
            return self._by_mid[mid]
        for track in self.tracks.values():
            if any(packet.ssrc == s.ssrc for s in track.media.ssrcs):
                return track
        for track in self.tracks.values():
            if any(packet.payload_type == codec.payload_type for codec in track.media.codecs):
                return track
        return None

    def _add_layer(self, track: PublishedTrack, packet: RtpPacket, rid: str) -> Layer | None:
        layer = track.add_layer(packet.ssrc, rid, packet.payload_type)
        if layer is None:
            self._drops["rtp_unknown_payload_type"] += 1
            return None
        self._forget(lambda known: known.track is track and known.rid == rid)
        self._layers[packet.ssrc] = layer
        if self._twcc is not None:
            self._twcc.media_ssrc = packet.ssrc  # feedback must name a stream that the sender has
        return layer

    def _forget(self, ended: Callable[[Layer], bool]) -> None:
        self._layers = {ssrc: x for ssrc, x in self._layers.items() if not ended(x)}
        self._repairs = {ssrc: x for ssrc, x in self._repairs.items() if not ended(x)}

    def _change_codec(self, layer: Layer, packet: RtpPacket) -> Layer | None:
        """The same stream under another payload type: a browser may change codec in mid-session."""
        if not seq_newer(packet.sequence_number, layer.statistics.highest_sequence & 0xFFFF):
            self._drops["rtp_before_codec_change"] += 1
            return None
        return self._add_layer(layer.track, packet, layer.rid)

    def on_rtcp(self, data: bytes, now: float, wall: float) -> None:
        """Take one decrypted compound packet; never raises."""
        try:
            packets = parse_rtcp(data)
        except Malformed:
            self._drops["rtcp_malformed"] += 1
            return
        for packet in packets:
            if isinstance(packet, SenderReport):
                layer = self._layers.get(packet.ssrc)
                if layer is not None:
                    layer.clock.on_sender_report(packet.ntp, packet.rtp_timestamp, wall)
                    layer.statistics.on_sender_report(packet.ntp, now)
            elif isinstance(packet, Bye):
                for ssrc in packet.ssrcs:
                    if ssrc in self._layers:
                        self._layers[ssrc].last_arrival = float("-inf")

    def on_timer(self, now: float) -> None:
        """Every `TICK`: choose layers, ask for what is missing, report."""
        for track in self.tracks.values():
            track.select(now)
            for layer in track.layers.values():
                if layer.busy:
                    self._dirty(layer)
        if self._feedback is not None:
            self._feedback.poll(now)

    def end(self) -> None:
        """The session is over: let go of the link and the media."""
        self._feedback = None
        self._layers = {}
        self._repairs = {}
        for track in self.tracks.values():
            track.end()

    def live_now(self, now: float) -> bool:
        """Whether media comes at this time."""
        return any(layer.alive(now) for layer in self._layers.values())

    @property
    def live(self) -> bool:
        """Whether any media has come."""
        return bool(self._layers)

    def outline(self, now: float) -> tuple[object, ...]:
        """What of its pictures is worth telling when it changes; bitrates change all the time and are not."""
        video = self.tracks.get(MediaKind.VIDEO)
        layers = video.layers.values() if video else ()
        return tuple((x.rid, x.width, x.height, x.alive(now), x.meter.bitrate > 0) for x in layers)

    def state(self, camera: str, now: float) -> PublisherState:
        """A snapshot for the technician and for operators."""
        layers = [layer for track in self.tracks.values() for layer in track.layers.values()]
        video = self.tracks.get(MediaKind.VIDEO)
        return PublisherState(
            camera,
            sum(layer.meter.bitrate for layer in layers if layer.alive(now)),
            max((layer.statistics.fraction_lost for layer in layers), default=0.0),
            tuple(layer.state(now) for layer in video.layers.values()) if video else (),
        )

    def codecs(self) -> dict[MediaKind, Codec]:
        """What is published, by kind."""
        return {kind: track.codec for kind, track in self.tracks.items()}


def _text(packet: RtpPacket, identifier: int) -> str | None:
    """An extension's value as text (RFC 7941); None when it is absent or no ASCII."""
    value = packet.extensions.get(identifier)
    return value.decode() if value is not None and value.isascii() else None

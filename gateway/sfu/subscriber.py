"""One WHEP session as the SFU sees it: its down tracks, what it asks for, what it is told."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping

from gateway.errors import Malformed
from gateway.protocol.description import Address, MediaKind, NegotiatedSession
from gateway.protocol.rtcp import (
    Bye,
    FullIntraRequest,
    Nack,
    PictureLossIndication,
    ReceiverReport,
    SenderReport,
    SourceDescription,
    ntp_from_unix,
    parse_rtcp,
)
from gateway.protocol.sdp import SenderStream
from gateway.sfu.down_track import DownTrack
from gateway.sfu.ports import MediaLink, OutboundMedia
from gateway.sfu.publisher import Publisher

REPORT_INTERVAL = 1.0
"""Seconds between sender reports; the first follows the first packet within one."""
FIRST_REPORT = 0.1
MAX_NACKS = 256
"""Packets that one RTCP datagram may ask for again."""


class Subscriber:
    """Plays one camera to one viewer.

    Without a link it only waits: `connect` makes its down tracks, `play` binds them to a publisher.
    """

    def __init__(
        self, negotiated: NegotiatedSession, senders: Mapping[str, SenderStream], drops: Counter[str]
    ) -> None:
        self._negotiated = negotiated
        self._senders = senders
        self._drops = drops
        self._publisher: Publisher | None = None
        self._link: MediaLink | None = None
        self._next_report = 0.0
        self._paused = False
        self.down_tracks: list[DownTrack] = []

    @property
    def connected(self) -> bool:
        """Whether media can be sent to it."""
        return self._link is not None and not self._paused

    def connect(self, link: MediaLink, outbound: OutboundMedia, address: Address, now: float) -> None:
        """The peer is connected: begin to play."""
        self._link = link
        self._next_report = now + FIRST_REPORT
        self.down_tracks = [
            DownTrack(media, sender.ssrc, sender.rtx_ssrc, link, outbound, address, self._drops)
            for media in self._negotiated.media
            if not media.rejected and (sender := self._senders.get(media.mid)) is not None
        ]
        self._attach()

    def move(self, address: Address) -> None:
        """The viewer is at another address now."""
        for down_track in self.down_tracks:
            down_track.address = address

    def pause(self) -> None:
        """The viewer is out of reach: send nothing until `resume`."""
        self._detach()
        self._paused = True

    def resume(self) -> None:
        """The viewer is back."""
        self._paused = False
        self._attach()

    def play(self, publisher: Publisher | None) -> None:
        """Play this publisher from now on; None when there is none."""
        self._detach()
        self._publisher = publisher
        self._attach()

    def _attach(self) -> None:
        if self._publisher is None or not self.connected:
            return
        for down_track in self.down_tracks:
            track = self._publisher.tracks.get(down_track.kind)
            if track is not None:
                track.add_down_track(down_track)

    def _detach(self) -> None:
        if self._publisher is None or not self.connected:
            return
        for down_track in self.down_tracks:
            track = self._publisher.tracks.get(down_track.kind)
            if track is not None:
                track.remove_down_track(down_track)

    def on_rtcp(self, data: bytes, now: float, wall: float) -> None:
        """Take one decrypted compound packet; never raises."""
        try:
            packets = parse_rtcp(data)
        except Malformed:
            self._drops["rtcp_malformed"] += 1
            return
        for packet in packets:
            if isinstance(packet, Nack):
                self._resend(packet, now)
            elif isinstance(packet, PictureLossIndication):
                self._want_keyframe(packet.media_ssrc)
            elif isinstance(packet, FullIntraRequest):
                for ssrc, _ in packet.entries:
                    self._want_keyframe(ssrc)
            elif isinstance(packet, ReceiverReport | SenderReport):
                self._note_reception(packet, wall)

    def _down_track(self, ssrc: int) -> DownTrack | None:
        return next((x for x in self.down_tracks if x.ssrc == ssrc), None)

    def _resend(self, nack: Nack, now: float) -> None:
        down_track = self._down_track(nack.media_ssrc)
        if down_track is None:
            self._drops["rtcp_unknown_ssrc"] += 1
        else:
            down_track.resend(nack.lost[:MAX_NACKS], now)

    def _want_keyframe(self, ssrc: int) -> None:
        down_track = self._down_track(ssrc)
        if down_track is None:
            self._drops["rtcp_unknown_ssrc"] += 1
        elif down_track.layer is not None and down_track.kind is MediaKind.VIDEO:
            down_track.layer.keyframes.want()

    def _note_reception(self, packet: ReceiverReport | SenderReport, wall: float) -> None:
        for report in packet.reports:
            down_track = self._down_track(report.ssrc)
            if down_track is not None:
                down_track.fraction_lost = report.fraction_lost / 256
                down_track.rtt = report.round_trip_time(ntp_from_unix(wall)) or down_track.rtt

    def on_timer(self, now: float, wall: float) -> None:
        """Send the sender reports when they are due."""
        if not self.connected or now < self._next_report or self._link is None:
            return
        self._next_report = now + REPORT_INTERVAL
        for down_track in self.down_tracks:
            down_track.forget_ended(now)
        reports = [(x, report) for x in self.down_tracks if (report := x.sender_report(wall)) is not None]
        if not reports:
            self._next_report = now + FIRST_REPORT
            return
        names = {x.ssrc: self._senders[x.media.mid].cname for x, _ in reports}
        compound = b"".join(report.encode() for _, report in reports)
        self._link.send_rtcp(compound + SourceDescription(names).encode())

    def next_timer(self) -> float | None:
        """When `on_timer` has something to do; None while not connected."""
        return self._next_report if self.connected else None

    def leave(self) -> None:
        """Stop playing; tell the viewer that its streams end (RFC 3550 section 6.6)."""
        self._detach()
        if self.connected and self._link is not None and self.down_tracks:
            self._link.send_rtcp(Bye(tuple(x.ssrc for x in self.down_tracks)).encode())
        self._publisher = None
        self._link = None
        self.down_tracks = []

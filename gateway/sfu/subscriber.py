"""One WHEP session as the SFU sees it: its down tracks, what it asks for, what it is told."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

from gateway.errors import Malformed
from gateway.protocol.description import Address, MediaKind, NegotiatedMedia, NegotiatedSession
from gateway.protocol.rtcp import (
    Bye,
    FullIntraRequest,
    Nack,
    PictureLossIndication,
    ReceiverReport,
    Remb,
    SenderReport,
    SourceDescription,
    TransportFeedback,
    ntp_from_unix,
    parse_rtcp,
)
from gateway.protocol.sdp import SenderStream
from gateway.sfu.down_track import DownTrack
from gateway.sfu.estimation import ProbePlan
from gateway.sfu.layer import Layer
from gateway.sfu.layer_choice import RISE_MARGIN, Rung, Wish, next_better
from gateway.sfu.ports import MediaLink, OutboundMedia
from gateway.sfu.publisher import Publisher
from gateway.sfu.state import LineState, ViewerState
from gateway.sfu.track import PublishedTrack
from gateway.sfu.viewer_transport import ViewerTransport

REPORT_INTERVAL = 1.0
"""Seconds between sender reports; the first follows the first packet within one."""
FIRST_REPORT = 0.1
MAX_NACKS = 256
"""Packets that one RTCP datagram may ask for again."""


SPENDING_INTERVAL = 0.5
"""Seconds between two looks at the estimate of a viewer who has all that he wants."""
FALLEN = 0.97
"""Share of the estimate that was spent below which it is looked at at once."""
CALM_MARGIN = 0.3
"""Share of the estimate that is left over on a calm link."""
WATCHED = 3.0
"""Seconds for which a viewer who joins, or misses packets, is watched closely."""
AUDIO_RATE = 64_000
"""Bits per second set aside for a sound track, headers included."""


@dataclass(slots=True)
class Probe:
    """A probe under way: packets left to send, and when the next is due."""

    plan: ProbePlan
    down_track: DownTrack
    left: int
    due: float


class Subscriber:
    """Plays tracks to one viewer, one on each line that goes out to it.

    The first line of each kind is a main line: `play` binds those to a publisher. Without a link it only
    waits: `connect` makes the down tracks. `changed` is called when what it plays, or what it asks for, has
    changed.
    """

    def __init__(
        self,
        negotiated: NegotiatedSession,
        senders: Mapping[str, SenderStream],
        drops: Counter[str],
        changed: Callable[[], None] = lambda: None,
    ) -> None:
        self._negotiated = negotiated
        self._senders = senders
        self._drops = drops
        self._changed = changed
        self._wanted: dict[str, PublishedTrack | None] = {}
        self._wishes: dict[str, Wish] = {}
        self._link: MediaLink | None = None
        self._next_report = 0.0
        self._paused = False
        self._transport = ViewerTransport()
        self._probe: Probe | None = None
        self._content = False
        self._spent = 0.0
        self._next_spending = self._watched_until = float("-inf")
        self.down_tracks: list[DownTrack] = []

    @property
    def connected(self) -> bool:
        """Whether media can be sent to it."""
        return self._link is not None and not self._paused

    def connect(self, link: MediaLink, outbound: OutboundMedia, address: Address, now: float) -> None:
        """The peer is connected: begin to play."""
        self._link = link
        self._next_report = now + FIRST_REPORT
        self._watch_closely(now)
        self.down_tracks = [
            DownTrack(
                media,
                sender.ssrc,
                sender.rtx_ssrc,
                link,
                outbound,
                address,
                self._drops,
                self._transport,
                self._changed,
            )
            for media in self._negotiated.media
            if not media.rejected and (sender := self._senders.get(media.mid)) is not None
        ]
        for down_track in self.down_tracks:
            self._bind(down_track, now)

    @property
    def lines(self) -> Sequence[NegotiatedMedia]:
        """What goes out to the viewer, in the order of the offer."""
        return [media for media in self._negotiated.media if media.mid in self._senders]

    def main_line(self, kind: MediaKind) -> str | None:
        """The mid of the first line of a kind."""
        return next((media.mid for media in self.lines if media.kind is kind), None)

    def move(self, address: Address) -> None:
        """The viewer is at another address now."""
        for down_track in self.down_tracks:
            down_track.address = address

    def pause(self) -> None:
        """The viewer is out of reach: send nothing until `resume`."""
        self._let_go()
        self._paused = True

    def resume(self, now: float) -> None:
        """The viewer is back."""
        self._paused = False
        for down_track in self.down_tracks:
            self._bind(down_track, now)

    def play(self, publisher: Publisher | None, now: float) -> None:
        """Play this publisher on the main lines from now on; None when there is none."""
        for kind in MediaKind:
            mid = self.main_line(kind)
            if mid is not None:
                self.show(mid, publisher.tracks.get(kind) if publisher else None, now)

    def show(self, mid: str, track: PublishedTrack | None, now: float) -> None:
        """Play this track on one line from now on; None for nothing."""
        self._wanted[mid] = track
        for down_track in self.down_tracks:
            if down_track.media.mid == mid and self.connected:
                self._bind(down_track, now)

    def prefer(self, rid: str | None, max_height: int | None, now: float, mid: str | None = None) -> None:
        """What the viewer would like to see on a line, the main one if none is named.

        A layer by rid, or none over a height (pixels); None is no wish.
        """
        mid = mid or self.main_line(MediaKind.VIDEO)
        self._wishes[mid or ""] = Wish(rid, max_height)
        for down_track in self.down_tracks:
            if down_track.media.mid == mid:
                down_track.wish = Wish(rid, max_height)
                down_track.rose_at = float("-inf")  # who asks need not wait
        self._changed()
        self._spend(now)

    def state(
        self, camera: str, now: float, *, wanted: str = "", lines: tuple[LineState, ...] = ()
    ) -> ViewerState:
        """A snapshot for the viewer's page and for operators."""
        video = next((x for x in self.down_tracks if x.kind is MediaKind.VIDEO), None)
        layer, wish = (video.layer, video.wish) if video else (None, Wish())
        return ViewerState(
            camera,
            layer.state(now, video.top) if video and layer else None,
            wish.rid,
            wish.max_height,
            self._transport.estimator.estimate,
            next((x.rtt for x in self.down_tracks if x.rtt is not None), self._transport.estimator.rtt),
            max((x.fraction_lost for x in self.down_tracks), default=0.0),
            wanted or camera,
            lines,
        )

    def _bind(self, down_track: DownTrack, now: float) -> None:
        """Let a line play what it is to play."""
        track, source = self._wanted.get(down_track.media.mid), down_track.source
        if track is source:
            return
        if track is None:
            assert source is not None
            source.remove_down_track(down_track)
            self._changed()
            return
        down_track.wish = self._wishes.get(down_track.media.mid, down_track.wish)
        track.add_down_track(down_track, now)

    def _let_go(self) -> None:
        for down_track in self.down_tracks:
            if down_track.source is not None:
                down_track.source.remove_down_track(down_track)

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
                self._want_keyframe(packet.media_ssrc, now)
            elif isinstance(packet, FullIntraRequest):
                for ssrc, _ in packet.entries:
                    self._want_keyframe(ssrc, now)
            elif isinstance(packet, ReceiverReport | SenderReport):
                self._note_reception(packet, now, wall)
            elif isinstance(packet, TransportFeedback):
                self._transport.estimator.on_feedback(packet, now)
                if self._must_spend(now):
                    self._spend(now)
            elif isinstance(packet, Remb):
                self._transport.estimator.on_remb(packet.bitrate, now)
                self._spend(now)

    def _spend(self, now: float) -> None:
        """Share what the link carries among the tracks: audio first, then the least of every picture.

        The main line has what is left, the others what that does not take.
        """
        if not self.connected:
            return
        estimate = self._spent = self._transport.estimator.estimate
        self._next_spending = now + SPENDING_INTERVAL
        playing = [(x, x.source) for x in self.down_tracks if x.source is not None]
        pictures = [(x, track) for x, track in playing if x.kind is MediaKind.VIDEO]
        left = estimate - AUDIO_RATE * (len(playing) - len(pictures))
        reserved = [_least(track) for _, track in pictures]
        self._content = True
        for place, (down_track, track) in enumerate(pictures):
            down_track.budget = left - sum(reserved[place + 1 :])
            track.aim(down_track, now)
            left -= Rung(down_track.layer, down_track.top).bitrate if down_track.layer else reserved[place]
            better = _next_better(down_track, track)
            if better is not None or down_track.layer is None or down_track.waiting_for is not None:
                self._content = False
            if better is not None and down_track.transport_cc:
                self._consider_probe(down_track, better, now)
        room_to_spare = left > CALM_MARGIN * estimate
        self._transport.calm = (
            self._content
            and room_to_spare
            and now >= self._watched_until
            and self._transport.estimator.calm(now)
        )

    def _must_spend(self, now: float) -> bool:
        """Whether layers may have to follow the estimate: who has all that he wants, seldom."""
        fallen = self._transport.estimator.estimate < FALLEN * self._spent
        return fallen or not self._content or now >= self._next_spending

    def _watch_closely(self, now: float) -> None:
        """Something may be wrong with the link: every packet is to be answered for."""
        self._transport.calm = False
        self._watched_until = now + WATCHED

    def _consider_probe(self, down_track: DownTrack, better: Rung[Layer], now: float) -> None:
        """Find out, if it may be worth it, whether the link carries the next better layer."""
        others = [x for x in self.down_tracks if x.kind is MediaKind.VIDEO and x is not down_track]
        taken = sum(Rung(x.layer, x.top).bitrate for x in others if x.layer is not None)
        wanted = better.bitrate * RISE_MARGIN + taken + AUDIO_RATE
        if self._probe is not None or wanted <= self._transport.estimator.estimate:
            return
        plan = self._transport.estimator.probe(now, wanted)
        if plan is not None:
            self._probe = Probe(plan, down_track, plan.packets, now)

    def _send_probe(self, probe: Probe, now: float) -> None:
        """One packet of a probe; the timer brings the next."""
        if not probe.down_track.probe(probe.plan.cluster, probe.plan.packet_size, now):
            self._probe = None
            return
        probe.left -= 1
        probe.due = now + probe.plan.interval
        if probe.left <= 0:
            self._probe = None

    def _down_track(self, ssrc: int) -> DownTrack | None:
        return next((x for x in self.down_tracks if x.ssrc == ssrc), None)

    def _resend(self, nack: Nack, now: float) -> None:
        self._watch_closely(now)
        down_track = self._down_track(nack.media_ssrc)
        if down_track is None:
            self._drops["rtcp_unknown_ssrc"] += 1
        else:
            down_track.resend(nack.lost[:MAX_NACKS], now)

    def _want_keyframe(self, ssrc: int, now: float) -> None:
        down_track = self._down_track(ssrc)
        if down_track is None:
            self._drops["rtcp_unknown_ssrc"] += 1
        elif down_track.layer is not None and down_track.kind is MediaKind.VIDEO:
            down_track.layer.picture_lost(down_track, now)

    def _note_reception(self, packet: ReceiverReport | SenderReport, now: float, wall: float) -> None:
        for report in packet.reports:
            down_track = self._down_track(report.ssrc)
            if down_track is not None:
                down_track.fraction_lost = report.fraction_lost / 256
                down_track.rtt = report.round_trip_time(ntp_from_unix(wall)) or down_track.rtt
                if down_track.kind is MediaKind.VIDEO:
                    self._transport.estimator.on_report(down_track.fraction_lost, down_track.rtt, now)
                    if self._must_spend(now):
                        self._spend(now)

    def on_timer(self, now: float, wall: float) -> None:
        """Send the probe packets and sender reports that are due."""
        if not self.connected or self._link is None:
            return
        if self._probe is not None and now >= self._probe.due:
            self._send_probe(self._probe, now)
        if now < self._next_report:
            return
        self._transport.estimator.on_timer(now)
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
        if not self.connected:
            return None
        return self._next_report if self._probe is None else min(self._probe.due, self._next_report)

    def leave(self) -> None:
        """Stop playing; tell the viewer that its streams end (RFC 3550 section 6.6)."""
        self._let_go()
        if self.connected and self._link is not None and self.down_tracks:
            self._link.send_rtcp(Bye(tuple(x.ssrc for x in self.down_tracks)).encode())
        self._wanted.clear()
        self._link = None
        self.down_tracks = []


def _next_better(down_track: DownTrack, track: PublishedTrack) -> Rung[Layer] | None:
    """What the viewer would like to have beyond what it plays; None where it plays the best or nothing."""
    if down_track.layer is None:
        return None
    return next_better(track.live_layers, Rung(down_track.layer, down_track.top), down_track.wish)


def _least(track: PublishedTrack) -> int:
    """Bits per second that the poorest picture of a track takes."""
    layers = track.live_layers
    return layers[0].bitrates[0] if layers else 0

"""A layer's way out: its viewers in groups, what each group gets, and who goes from one to another."""

from __future__ import annotations

from typing import TYPE_CHECKING

from gateway.protocol.codecs.pictures import PictureNumbering
from gateway.sfu.fanout import fan_out
from gateway.sfu.meter import Meter
from gateway.sfu.packet import MediaPacket
from gateway.sfu.ports import Egress
from gateway.sfu.sublayer import ALL, Sublayer, TemporalSublayer, Whole
from gateway.sfu.view import Profile, View

if TYPE_CHECKING:
    from gateway.sfu.down_track import DownTrack


FEW = 32
"""Viewers of one group up to which all of them are numbered in the same bursts."""


class Distribution:
    """Sends what a layer forwards to those who play it.

    `newest` is the newest packet forwarded, `numbering` how the layer numbers its pictures. Viewers of one
    view are one group of the fan-out.
    """

    def __init__(self, meter: Meter) -> None:
        self.groups: dict[View, list[DownTrack]] = {}
        self.newest: MediaPacket | None = None
        self.numbering: PictureNumbering | None = None
        self._meter = meter
        self._whole = Whole()
        self._thinned: dict[int, TemporalSublayer] = {}
        self._restless: list[DownTrack] = []
        self._unnumbered: dict[View, View] = {}
        self._newest_start = -1
        self._turn = 0

    @property
    def highest(self) -> int:
        """Index of the newest packet forwarded, -1 before the first."""
        return -1 if self.newest is None else self.newest.index

    def view_for(self, down_track: DownTrack, profile: Profile, packet: MediaPacket, top: int = ALL) -> View:
        """How the viewer is to see this layer from `packet` on, up to temporal layer `top`.

        The group of others, if the viewer's picture numbers can go on with theirs.
        """
        plain = View(profile, self._sublayer(top, packet), self.numbering)
        last, now = down_track.last_picture, plain.picture(packet)
        if last is None or now is None:
            return next((x for x in self.groups if _alike(x, plain)), plain)
        for view in [x for x in self.groups if _alike(x, plain)] + [plain]:
            seen = view.picture(packet)
            if seen is not None and seen.follows(last):
                return view
        return plain.continuing(last, packet)

    def _sublayer(self, top: int, packet: MediaPacket) -> Sublayer:
        if top >= ALL:
            return self._whole
        return self._thinned.setdefault(top, TemporalSublayer(top, packet.index))

    def add(self, view: View, down_track: DownTrack, start: int) -> None:
        """The viewer gets packets from index `start` on."""
        self.groups.setdefault(view, []).append(down_track)
        self._newest_start = max(self._newest_start, start)

    def remove(self, down_track: DownTrack) -> None:
        """The viewer gets nothing any more; it may not have got anything."""
        if down_track in self._restless:
            self._restless.remove(down_track)
        view = next((view for view, group in self.groups.items() if down_track in group), None)
        if view is not None:
            self._take_out(down_track, view)
            self._forget_unused()

    def _take_out(self, down_track: DownTrack, view: View) -> None:
        self.groups[view].remove(down_track)
        if not self.groups[view]:
            del self.groups[view]
            self._unnumbered.pop(view, None)

    def _forget_unused(self) -> None:
        used = {id(view.sublayer) for view in self.groups}
        self._thinned = {top: x for top, x in self._thinned.items() if id(x) in used}

    def settle(self, down_track: DownTrack) -> None:
        """The viewer wants frames up to temporal layer `down_track.top`: as soon as that harms no picture."""
        view = down_track.view
        if down_track in self._restless:
            self._restless.remove(down_track)
        if view is not None and view.sublayer.top != down_track.top:
            self._restless.append(down_track)

    def forward(self, packets: list[MediaPacket], egress: Egress) -> None:
        """Send packets, in order, to everybody."""
        done = 0
        if self._restless:
            previous = self.newest
            for place, packet in enumerate(packets):
                movers = [x for x in self._restless if _may_change(x, previous, packet)]
                if movers:
                    self._send(packets[done:place], egress)
                    done = place
                for down_track in movers:
                    self._change(down_track, packet)
                previous = packet
        self._send(packets[done:], egress)

    def _change(self, down_track: DownTrack, packet: MediaPacket) -> None:
        """From `packet` on the viewer gets more or fewer frames; all its other numbers go on."""
        before = down_track.view
        assert before is not None
        top = down_track.top
        if top > before.sublayer.top and not packet.keyframe:
            top = before.sublayer.top + 1  # one after the other: the next may need what this one brings
        if top >= len(self._meter.bitrates) - 1:
            top = ALL
        view = View(before.profile, self._sublayer(top, packet), self.numbering).resembling(before, packet)
        down_track.change_view(view, packet)
        self._take_out(down_track, before)
        self.add(view, down_track, packet.index)
        self._forget_unused()
        self.settle(down_track)

    def _send(self, packets: list[MediaPacket], egress: Egress) -> None:
        if not packets:
            return
        sublayers: list[Sublayer] = [self._whole, *self._thinned.values()]
        for sublayer in sublayers:
            for packet in packets:
                sublayer.take(packet)
        newest = packets[-1]
        if newest.index > self.highest:
            self.newest = newest
        if packets[0].index < self._newest_start:
            packets = self._send_late(packets, egress)
        turn = self._turn = self._turn + 1
        spacing = egress.load.spacing
        for view, viewers in self.groups.items():
            # Start each sweep at another viewer: the last one of a sweep waits longest.
            start = turn % len(viewers)
            if start:
                viewers = viewers[start:] + viewers[:start]
            if spacing > 1 and view.profile.transport_cc and view.profile.gcm:
                viewers = self._send_unnumbered(packets, view, viewers, spacing, egress)
            fan_out(packets, view, viewers, egress)

    def _send_unnumbered(
        self, packets: list[MediaPacket], view: View, viewers: list[DownTrack], spacing: int, egress: Egress
    ) -> list[DownTrack]:
        """Send a burst without numbers to the calm viewers whose turn to answer it is not; return the others.

        Answers spread over time, unless so few viewers are here that a second layout of the burst would cost
        more than them.
        """
        turn = self._turn
        if len(viewers) < FEW:
            if turn % spacing == 0:
                return viewers
            spared = [x for x in viewers if x.transport.calm]
        else:
            spared = [x for x in viewers if x.transport.calm and (x.ssrc + turn) % spacing]
        if not spared:
            return viewers
        plain = self._unnumbered.get(view)
        if plain is None:
            plain = self._unnumbered[view] = view.unnumbered()
        octets = fan_out(packets, plain, spared, egress)
        for viewer in spared:
            viewer.transport.carry(octets)
        if len(spared) == len(viewers):
            return []
        passed_over = set(map(id, spared))
        return [x for x in viewers if id(x) not in passed_over]

    def _send_late(self, packets: list[MediaPacket], egress: Egress) -> list[MediaPacket]:
        """Send packets from before the newest viewer's start to those who were there; return the others."""
        for packet in packets:
            if packet.index >= self._newest_start:
                continue
            for view, viewers in self.groups.items():
                present = [
                    v for v in viewers if v.stay is not None and v.stay.source.live_from <= packet.index
                ]
                fan_out([packet], view, present, egress)
        return [packet for packet in packets if packet.index >= self._newest_start]


def _alike(view: View, other: View) -> bool:
    return view.profile == other.profile and view.sublayer is other.sublayer


def _may_change(down_track: DownTrack, previous: MediaPacket | None, packet: MediaPacket) -> bool:
    """Whether the viewer may get fewer, or more, frames from this packet on.

    Only where a frame surely begins. Fewer at any frame; more only with one that needs nothing it lacks.
    """
    view = down_track.view
    if view is None or previous is None or packet.picture is None:
        return False
    if packet.index != previous.index + 1 or packet.timestamp == previous.timestamp:
        return False
    top = view.sublayer.top
    return packet.keyframe or down_track.top < top or packet.picture.enters >> top + 1 & 1 == 1

"""Sending packets again: retransmissions that a viewer asks for, and repetitions that probe its link."""

from __future__ import annotations

import secrets
from collections.abc import Sequence
from struct import Struct
from typing import TYPE_CHECKING

from gateway.protocol.rtp import write_rtp
from gateway.sfu.rewriter import Segment

if TYPE_CHECKING:
    from gateway.sfu.down_track import DownTrack, Stay
    from gateway.sfu.packet import MediaPacket

RESEND_INTERVAL = 0.02
"""Seconds in which a packet is resent once at most: players repeat requests faster than a round trip."""
RESEND_SHARE = 0.4
"""Share of the estimate that retransmissions may take: on a full link they only make it fuller."""
RESEND_AT_ONCE = 30_000.0
"""Octets that may always be resent at once."""
TOO_LATE = 2.0
"""Seconds for which a packet may be asked for again; players have gone on by then."""
PROBE_CHOICE = 64
"""Newest packets among which one large enough to probe the link with is sought."""
_MOST_PADDING = 255

_original_sequence_number = Struct("!H").pack
_MASK32 = 0xFFFFFFFF


class Resender:
    """What one down track sends again, within a budget. `count` is how many packets that were.

    It is handed its down track with each call and keeps no reference: the two end together.
    """

    __slots__ = ("_budget", "_checked", "_resent", "_rtx_index", "count")

    def __init__(self) -> None:
        self._rtx_index = secrets.randbits(15)
        self._resent: dict[int, float] = {}
        self._budget = RESEND_AT_ONCE
        self._checked = 0.0
        self.count = 0

    def answer(self, track: DownTrack, lost: Sequence[int], now: float) -> None:
        """Answer a NACK from the layer's cache: as RTX (RFC 4588) where negotiated, else the same bytes."""
        self._refill(track, now)
        newest = track.newest_out()
        for sequence_number in lost:
            if self._budget <= 0:
                track.drops["nack_over_budget"] += 1
                return
            if now - self._resent.get(sequence_number, float("-inf")) < RESEND_INTERVAL:
                continue
            found = track.numbers.find(sequence_number, newest)
            if found and track.layer is not None and found[0].source.layer is not track.layer:
                # What it plays now began with a keyframe: nothing before that is worth its link's room.
                track.drops["nack_former_layer"] += 1
                continue
            packet = found and _cached(*found)
            offset = _timestamp_offset(found[0], packet) if found and packet else None
            if not found or not packet or offset is None:
                track.drops["nack_not_cached"] += 1
                continue
            if now - packet.arrival > TOO_LATE and packet.index >= found[0].source.live_from:
                track.drops["nack_too_late"] += 1
                continue
            self._resent[sequence_number] = now
            self._budget -= len(packet.payload)
            self.count += 1
            self._send_again(track, found[0], packet, offset, now)

    def probe(self, track: DownTrack, cluster: int, size: int, now: float) -> bool:
        """Repeat a recent packet as RTX of about `size` octets, padded where the pictures are small.

        False when there is none to repeat.
        """
        segment = track.stay
        if segment is None or track.catch_up is not None or not track.transport_cc:
            return False
        layer = segment.source.layer
        newest, passes = layer.out.highest, segment.source.view.sublayer.passes
        recent = range(max(segment.source.live_from, newest - PROBE_CHOICE), newest + 1)
        sent = [x for index in recent if (x := layer.cache.get(index)) is not None and passes(x)]
        packet = min(sent, key=lambda x: abs(len(x.payload) - size), default=None)
        offset = _timestamp_offset(segment, packet) if packet else None
        if packet is None or offset is None:
            return False
        padding = min(_MOST_PADDING, max(0, size - len(packet.payload)))
        self._send_again(track, segment, packet, offset, now, cluster, padding)
        return True

    def _refill(self, track: DownTrack, now: float) -> None:
        rate = RESEND_SHARE * track.transport.estimator.estimate / 8
        budget = self._budget + (now - self._checked) * rate
        self._budget = min(max(rate / 2, RESEND_AT_ONCE), budget)
        self._checked = now
        if len(self._resent) > 1_000:
            self._resent = {key: at for key, at in self._resent.items() if now - at < RESEND_INTERVAL}

    def _send_again(
        self,
        track: DownTrack,
        segment: Segment[Stay],
        packet: MediaPacket,
        timestamp_offset: int,
        now: float,
        cluster: int | None = None,
        padding: int = 0,
    ) -> None:
        view = segment.source.view
        slot = view.lay_out(packet)
        out = slot.index + segment.sequence_offset
        rtx = _rtx_payload_type(track, view.profile.payload_type)
        if rtx is None or track.rtx_ssrc is None:
            track.link.send_rtp(slot.packet(out, timestamp_offset, track.ssrc, track.transport), out)
            return
        self._rtx_index += 1
        first = track.transport.sequence
        repeated = write_rtp(
            payload_type=rtx,
            marker=packet.marker,
            sequence_number=self._rtx_index & 0xFFFF,
            timestamp=packet.timestamp + timestamp_offset & _MASK32,
            ssrc=track.rtx_ssrc,
            payload=_original_sequence_number(out & 0xFFFF) + slot.media,
            extensions=slot.numbered_extensions(track.transport),
            padding=padding,
        )
        if track.transport.sequence > first:
            track.transport.sent(first, 1, len(repeated), now, cluster)
        track.link.send_rtp(repeated, self._rtx_index)


def _cached(segment: Segment[Stay], index: int) -> MediaPacket | None:
    """The packet that the viewer got under an index of its stay."""
    stay = segment.source
    return stay.layer.cache.get(stay.view.sublayer.source_of(index))


def _rtx_payload_type(track: DownTrack, payload_type: int) -> int | None:
    return next((c.rtx_payload_type for c in track.accepted if c.payload_type == payload_type), None)


def _timestamp_offset(segment: Segment[Stay], packet: MediaPacket) -> int | None:
    """The offset under which a packet of this stay went out; None when that is forgotten."""
    stay = segment.source
    if packet.index < stay.live_from:
        return stay.offsets.get(packet.timestamp)
    return segment.timestamp_offset

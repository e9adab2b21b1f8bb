"""A track on its way to one viewer: its own numbers, its keys, and what it can send again."""

from __future__ import annotations

import math
import secrets
from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from gateway.protocol import extensions
from gateway.protocol.codecs.pictures import Picture
from gateway.protocol.description import Address, Codec, MediaKind, NegotiatedMedia
from gateway.protocol.rtcp import SenderReport, ntp_from_unix
from gateway.protocol.srtp import Encrypt
from gateway.sfu.catch_up import CatchUp
from gateway.sfu.layer_choice import Wish
from gateway.sfu.packet_cache import HORIZON, NOTHING
from gateway.sfu.ports import MediaLink, OutboundMedia
from gateway.sfu.resender import Resender
from gateway.sfu.rewriter import NumberMap, Segment
from gateway.sfu.sublayer import ALL
from gateway.sfu.tally import Tally
from gateway.sfu.view import View
from gateway.sfu.viewer_transport import ViewerTransport

if TYPE_CHECKING:
    from gateway.sfu.layer import Layer
    from gateway.sfu.packet import MediaPacket
    from gateway.sfu.track import PublishedTrack

CATCH_UP = 2.0
"""Times the estimate of the link at which a viewer catches up; once until its first feedback has come."""
QUEUEING = 0.06
"""Seconds of queue in the network over which catching up keeps within the estimate."""
STEADY = 0.9
CLOCKS_AGREE = {MediaKind.VIDEO: 0.5, MediaKind.AUDIO: 0.1}
"""Seconds by which a sender's clock and arrival times may differ before the clock is not believed.

Timestamps of a browser's microphone stand still while it is off: taken at their word, a listener would hear
all that follows that much later. For pictures the sender's word is worth more than a late packet.
"""
SOUND_LASTS = 0.02
"""Seconds of sound in a packet: what another microphone sends begins no earlier after it, or it is cut."""

_MASK32 = 0xFFFFFFFF


@dataclass(slots=True)
class Stay:
    """The source of a segment: a layer as a view shows it; the segment's indices are the sublayer's.

    Packets of the layer before `live_from` were caught up on; `offsets` holds the timestamp offset of each
    of their frames, by the source's timestamp, as long as they may be asked for again.
    """

    layer: Layer
    view: View
    live_from: int
    live_at: float = float("inf")
    offsets: dict[int, int] = field(default_factory=dict)


def _nobody() -> None:
    """Nobody wants to know."""


class DownTrack:
    """One m-line of a subscriber, fed by one layer at a time.

    `sequence_offset`, `timestamp_offset`, `ssrc`, `encrypt`, `nonce_base` and `address` are what the
    fan-out reads; they change only between bursts.
    """

    __slots__ = (
        "_last_arrival",
        "_last_timestamp",
        "_resender",
        "accepted",
        "address",
        "budget",
        "catch_up",
        "changed",
        "drops",
        "encrypt",
        "fraction_lost",
        "last_picture",
        "layer",
        "link",
        "media",
        "next_top",
        "nonce_base",
        "numbers",
        "outbound",
        "rescued_at",
        "rose_at",
        "rtt",
        "rtx_ssrc",
        "sequence_offset",
        "source",
        "ssrc",
        "tally",
        "timestamp_offset",
        "top",
        "transport",
        "transport_cc",
        "urgent",
        "waiting_for",
        "waiting_since",
        "wish",
    )

    def __init__(
        self,
        media: NegotiatedMedia,
        ssrc: int,
        rtx_ssrc: int | None,
        link: MediaLink,
        outbound: OutboundMedia,
        address: Address,
        drops: Counter[str],
        transport: ViewerTransport | None = None,
        changed: Callable[[], None] = _nobody,
    ) -> None:
        self.media = media
        self.changed = changed
        """To be called when what it plays has changed."""
        self.transport = transport or ViewerTransport()
        self.transport_cc = _transport_cc(media)
        self.accepted: Sequence[Codec] = media.codecs
        self.ssrc = ssrc
        self.rtx_ssrc = rtx_ssrc
        self.link = link
        self.outbound = outbound
        self.address = address
        self.drops = drops
        gcm = outbound.gcm_stream(ssrc)
        self.encrypt: Encrypt = gcm[0] if gcm else _no_cipher
        self.nonce_base = gcm[1] if gcm else 0
        # Indices start in the lower half of the circle, so that no reordering at the start looks like
        # a roll-over that never happened (RFC 3711 section 3.3.1).
        self.numbers: NumberMap[Stay] = NumberMap(secrets.randbits(15))
        self.sequence_offset = 0
        self.timestamp_offset = 0
        self.source: PublishedTrack | None = None
        """The track that it plays or is to play; what feeds it may still be another one's layer."""
        self.layer: Layer | None = None
        self.waiting_for: Layer | None = None
        self.waiting_since: float | None = None
        self.catch_up: CatchUp | None = None
        self.budget = math.inf
        """Bits per second that the layer may have."""
        self.wish = Wish()
        self.top = self.next_top = ALL
        """Highest temporal layer to have, of the layer that feeds it and of the one it waits for."""
        self.last_picture: Picture | None = None
        """The picture that it got last before it left a layer."""
        self.urgent = False
        """Its link does not carry what it gets now."""
        self.rescued_at = float("-inf")
        """When it was last taken back to a keyframe, having lost its picture."""
        self.rose_at = float("-inf")
        """When it last went up to a better layer."""
        self._last_timestamp: int | None = None
        self._last_arrival = 0.0
        self._resender = Resender()
        self.tally = Tally()
        self.rtt: float | None = None
        self.fraction_lost = 0.0

    @property
    def kind(self) -> MediaKind:
        """Audio or video."""
        assert self.media.kind is not None
        return self.media.kind

    @property
    def gcm(self) -> bool:
        """Whether the fan-out can encrypt in place."""
        return self.encrypt is not _no_cipher

    @property
    def stay(self) -> Segment[Stay] | None:
        """Where it is fed from now; None while nothing feeds it."""
        return self.numbers.current if self.layer else None

    @property
    def view(self) -> View | None:
        """How it sees the layer that feeds it; None while nothing does."""
        return segment.source.view if (segment := self.stay) is not None else None

    def begin(self, layer: Layer, view: View, packet: MediaPacket) -> None:
        """Go on with `layer` from `packet`, without a jump in the viewer's numbers.

        The caller has taken the down track out of the layer that fed it before, with `leave`.
        """
        offset = self._continue_timestamps(layer, packet)
        self._stay(Stay(layer, view, packet.index), packet.index, offset)
        self.timestamp_offset = offset
        self._fed_by(layer)

    def _stay(self, stay: Stay, start: int, timestamp_offset: int) -> None:
        """Begin a stay with the layer's packet `start`."""
        sublayer = stay.view.sublayer
        segment = self.numbers.switch(stay, sublayer.index_of(start), timestamp_offset)
        self.sequence_offset = segment.sequence_offset
        self.tally.join(sublayer)

    def change_view(self, view: View, packet: MediaPacket) -> None:
        """See the same layer in another way from `packet` on, with the numbers it would have had."""
        segment = self.numbers.current
        assert segment is not None
        before = segment.source
        self.tally.leave(before.view.sublayer)
        self.numbers.advance(before.view.sublayer.index_of(packet.index) - 1)
        self._stay(Stay(before.layer, view, packet.index), packet.index, segment.timestamp_offset)
        self.changed()

    def begin_catch_up(self, layer: Layer, view: View, start: int, now: float) -> None:
        """Go on with `layer` from its index `start`, which has gone out to others; `go_live` ends it."""
        if self._last_timestamp is None:
            timestamp = secrets.randbits(31)
        else:
            ticks = max(1, round((now - self._last_arrival) * layer.clock.rate))
            timestamp = self._last_timestamp + ticks & _MASK32
        self._stay(Stay(layer, view, NOTHING), start, 0)
        self.catch_up = CatchUp(start, view, timestamp, now)
        self._fed_by(layer)

    @property
    def catch_up_rate(self) -> float:
        """Bits per second at which it may be caught up: fast, unless its link shows that this is too fast."""
        estimator = self.transport.estimator
        if estimator.queue_delay > QUEUEING:
            return STEADY * estimator.estimate
        unproven = self.transport_cc and estimator.acknowledged is None
        return (1.0 if unproven else CATCH_UP) * estimator.estimate

    @property
    def fresh(self) -> bool:
        """Whether the viewer has seen nothing yet: then there is nothing to repeat before its eyes."""
        return self._last_timestamp is None and self.layer is None

    def caught_up_to(self, index: int) -> bool:
        """Whether catching up has reached this index of the layer, or there is none."""
        return self.catch_up is None or self.catch_up.position >= index

    def note_frame(self, timestamp: int) -> None:
        """The frame with this timestamp of the source is caught up on, under the offset of now."""
        segment = self.numbers.current
        assert segment is not None
        segment.source.offsets[timestamp] = self.timestamp_offset

    def go_live(self, now: float) -> None:
        """All that the layer has sent has been sent here as well."""
        layer, segment = self.layer, self.numbers.current
        assert layer is not None
        assert segment is not None
        self.catch_up = None
        segment.source.live_from = layer.out.highest + 1
        segment.source.live_at = now
        self.numbers.retime(self.timestamp_offset)
        self.tally.join(segment.source.view.sublayer)

    def _fed_by(self, layer: Layer) -> None:
        self.layer = layer
        self.waiting_for = self.waiting_since = None
        self.urgent = False
        self.top = self.next_top
        self.changed()

    def thin(self, top: int) -> None:
        """Have frames up to this temporal layer from now on, as soon as that harms no picture."""
        self.top = top
        if self.layer is not None and self.catch_up is None:
            self.layer.out.settle(self)

    def leave(self) -> None:
        """Stop being fed; numbers stand where the last packet left them."""
        layer, segment = self.layer, self.numbers.current
        catch_up, self.catch_up = self.catch_up, None
        self.layer = None
        if layer is None or segment is None:
            return
        if catch_up is not None:
            if catch_up.position > segment.start:
                self.numbers.advance(catch_up.position - 1)
                self._last_timestamp, self._last_arrival = catch_up.newest
                self.numbers.retime(self.timestamp_offset)
                self._note_picture(segment.source.view, catch_up.sent)
            segment.source.live_from = catch_up.position
            return
        view, newest = segment.source.view, layer.out.newest
        if newest is None or view.sublayer.highest < segment.start:
            return
        self.numbers.advance(view.sublayer.highest)
        self._last_timestamp = newest.timestamp + self.timestamp_offset & _MASK32
        self._last_arrival = newest.arrival
        self._note_picture(view, newest)
        self.tally.leave(view.sublayer)

    def _note_picture(self, view: View, packet: MediaPacket | None) -> None:
        picture = view.picture(packet) if packet is not None else None
        if picture is not None:
            self.last_picture = picture

    def _continue_timestamps(self, layer: Layer, packet: MediaPacket) -> int:
        """The offset that puts `packet` as far behind the last one as it was captured after it."""
        if self._last_timestamp is None:
            return secrets.randbits(31) - packet.timestamp & _MASK32
        elapsed = packet.arrival - self._last_arrival
        if self.kind is MediaKind.AUDIO:
            elapsed = max(SOUND_LASTS, elapsed)
        previous = self.numbers.current
        if previous is not None and previous.source.layer.track is layer.track:
            told = layer.clock.seconds_between(
                previous.source.layer.clock,
                self._last_timestamp - previous.timestamp_offset & _MASK32,
                packet.timestamp,
            )
            if told is not None and abs(told - elapsed) < CLOCKS_AGREE[self.kind]:
                elapsed = told
        ticks = max(1, round(elapsed * layer.clock.rate))
        return self._last_timestamp + ticks - packet.timestamp & _MASK32

    def newest_out(self) -> int:
        """The highest index sent so far."""
        if self.layer is None:
            return self.numbers.next_out - 1
        if self.catch_up is not None:
            return self.catch_up.position - 1 + self.sequence_offset
        assert self.view is not None
        return max(self.numbers.next_out - 1, self.view.sublayer.highest + self.sequence_offset)

    def resend(self, lost: Sequence[int], now: float) -> None:
        """Answer a NACK."""
        self._resender.answer(self, lost, now)

    def probe(self, cluster: int, size: int, now: float) -> bool:
        """Send about `size` octets as RTX for what their arrival tells; False when none can be repeated."""
        return self._resender.probe(self, cluster, size, now)

    def forget_ended(self, now: float) -> None:
        """Let go of what cannot be resent any more: layers that fed it once, frames it was caught up on."""
        self.numbers.forget(
            lambda stay: stay.layer is not self.layer and now - stay.layer.last_arrival > HORIZON
        )
        if (segment := self.stay) is not None and now - segment.source.live_at > HORIZON:
            segment.source.offsets.clear()

    def counts(self) -> tuple[int, int]:
        """Packets and payload octets sent, retransmissions left out."""
        view = self.view if self.catch_up is None else None
        return self.tally.total(view.sublayer if view is not None else None)

    def sender_report(self, wall: float) -> SenderReport | None:
        """Maps the viewer's timestamps to wall-clock time, so that picture and sound meet; None before media.

        `wall` is the gateway's time in Unix seconds; both tracks of a publisher are on one time scale.
        """
        if self.layer is None or self.catch_up is not None:
            return None
        timestamp = self.layer.clock.timestamp_at(wall)
        if timestamp is None:
            return None
        packets, octets = self.counts()
        return SenderReport(
            ssrc=self.ssrc,
            ntp=ntp_from_unix(wall),
            rtp_timestamp=timestamp + self.timestamp_offset & _MASK32,
            packet_count=packets & _MASK32,
            octet_count=octets & _MASK32,
            reports=(),
        )


def _transport_cc(media: NegotiatedMedia) -> int:
    """The id of the transport-wide sequence number; 0 where it cannot be used.

    Only with RTX for every codec: a plain retransmission bears the same bytes, old number included, or one
    nonce would encrypt two texts; and the number's second arrival would be taken for the first.
    """
    usable = all("transport-cc" in c.feedback and c.rtx_payload_type is not None for c in media.codecs)
    return media.extensions.get(extensions.TRANSPORT_CC, 0) if usable else 0


def _no_cipher(*_: object) -> int:
    raise AssertionError("a CM-SHA1-80 down track has no in-place cipher")

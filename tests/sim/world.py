"""A world in virtual time: publishers, the real SFU, viewers, and bad networks between them.

Nothing is mocked inside: publishers send RTP bytes, the SFU forwards them through its real fan-out and
SRTP, viewers decrypt with libsrtp and check every number they see.
"""

from __future__ import annotations

import heapq
import itertools
import random
import struct
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass, field, replace

from gateway.protocol import extensions
from gateway.protocol.description import (
    Codec,
    DtlsRole,
    IceCredentials,
    MediaKind,
    NegotiatedMedia,
    NegotiatedSession,
)
from gateway.protocol.rtcp import Nack, PictureLossIndication, SenderReport, parse_rtcp
from gateway.protocol.rtp import RtpPacket, encode_extensions, parse_rtp, write_rtp
from gateway.protocol.sdp import SenderStream
from gateway.protocol.sequence import SequenceUnwrapper
from gateway.protocol.srtp import InboundSrtp, MasterKey, OutboundSrtp, SrtpProfile
from gateway.protocol.twcc import TransportCcReceiver
from gateway.sfu.load import Load
from gateway.sfu.publisher import TICK, Publisher
from gateway.sfu.room import Rooms
from gateway.sfu.subscriber import Subscriber

VIDEO = Codec(
    MediaKind.VIDEO, "VP8", 96, 90_000, feedback=frozenset({"nack", "nack pli"}), rtx_payload_type=97
)
AUDIO = Codec(MediaKind.AUDIO, "opus", 111, 48_000, channels=2)
RID_ID = 2
TRANSPORT_ID = 5
WIDTHS = {"l": 320, "h": 640, "f": 1280}
"""Picture widths of the layers by rid."""
EPOCH = 1_790_000_000.0


def negotiated(*media: NegotiatedMedia) -> NegotiatedSession:
    return NegotiatedSession(
        media=media,
        remote_ice=IceCredentials("peer", "p" * 22),
        remote_fingerprints=(),
        dtls_role=DtlsRole.SERVER,
    )


def video_media(rids: tuple[str, ...] = (), codecs: tuple[Codec, ...] = (VIDEO,)) -> NegotiatedMedia:
    ids = {extensions.RID: RID_ID} if rids else {}
    return NegotiatedMedia("0", MediaKind.VIDEO, codecs=codecs, rids=rids, extensions=ids)


def viewer_media(codec: Codec, transport_cc: bool) -> NegotiatedMedia:
    if not transport_cc:
        return video_media(codecs=(codec,))
    codec = replace(codec, feedback=codec.feedback | {"transport-cc"})
    ids = {extensions.TRANSPORT_CC: TRANSPORT_ID}
    return NegotiatedMedia("0", MediaKind.VIDEO, codecs=(codec,), extensions=ids)


class Agenda:
    """Virtual time: callbacks in order."""

    def __init__(self) -> None:
        self.now = 1_000.0
        self._due: list[tuple[float, int, Callable[[], None]]] = []
        self._count = itertools.count()

    def at(self, when: float, call: Callable[[], None]) -> None:
        heapq.heappush(self._due, (when, next(self._count), call))

    def after(self, delay: float, call: Callable[[], None]) -> None:
        self.at(self.now + delay, call)

    def run(self, seconds: float) -> None:
        end = self.now + seconds
        while self._due and self._due[0][0] <= end:
            self.now, _, call = heapq.heappop(self._due)
            call()
        self.now = end

    @property
    def wall(self) -> float:
        return EPOCH + self.now


@dataclass
class Network:
    """One direction of a link: seeded loss, duplication, jitter that reorders."""

    agenda: Agenda
    random: random.Random
    delay: float = 0.02
    jitter: float = 0.0
    loss: float = 0.0
    duplication: float = 0.0

    def carry(self, deliver: Callable[[], None]) -> None:
        copies = 2 if self.random.random() < self.duplication else 1
        for _ in range(copies):
            if self.random.random() >= self.loss:
                self.agenda.after(self.delay + self.random.random() * self.jitter, deliver)


@dataclass
class SentFrame:
    """What the publisher knows of a packet, for the viewer's checks."""

    layer: str
    order: int
    captured: float
    keyframe: bool
    starts: bool
    """Whether it is the first packet of its frame."""
    ends: bool


@dataclass
class Encoder:
    """A layer of a publisher: numbers wherever the test wants them to start."""

    rid: str
    ssrc: int
    sequence: int
    timestamp: int
    packets_per_frame: int = 4
    packet_octets: int = 1000
    """Octets of payload in a packet, nearly."""
    keyframe_factor: int = 1
    """How many times larger a keyframe is."""
    wants_keyframe: bool = True
    paused: bool = False
    sent: dict[int, bytes] = field(default_factory=dict)
    frames: int = 0


class SimulatedPublisher:
    """Sends VP8-like frames and answers NACK and PLI as a browser does."""

    FPS = 25

    def __init__(
        self,
        world: World,
        uplink: Network,
        encoders: list[Encoder],
        keyframe_interval: int = 0,
        obeys: bool = True,
    ) -> None:
        rids = tuple(e.rid for e in encoders) if len(encoders) > 1 else ()
        self.world = world
        self.uplink = uplink
        self.encoders = {e.ssrc: e for e in encoders}
        self.keyframe_interval = keyframe_interval
        self.obeys = obeys
        self.plis = self.nacks = 0
        self.stopped = False
        self.sfu = Publisher(negotiated(video_media(rids)), world.rooms.mark_dirty, world.drops)
        self.sfu.connect(self)
        self.with_rid = bool(rids)
        world.camera.publish(self.sfu, world.agenda.now)
        world.agenda.after(0, self._frame)
        world.agenda.after(TICK, self._tick)

    def _tick(self) -> None:
        if not self.stopped:
            self.sfu.on_timer(self.world.agenda.now)
            self.world.rooms.flush(self.world.agenda.now)
            self.world.agenda.after(TICK, self._tick)

    def stop(self) -> None:
        self.stopped = True
        self.world.camera.unpublish(self.sfu, self.world.agenda.now)
        self.sfu.end()

    def _frame(self) -> None:
        if self.stopped:
            return
        for encoder in self.encoders.values():
            if not encoder.paused:
                self._encode(encoder)
        self.world.agenda.after(1 / self.FPS, self._frame)

    def _encode(self, encoder: Encoder) -> None:
        keyframe = encoder.wants_keyframe or (
            self.keyframe_interval > 0 and encoder.frames % self.keyframe_interval == 0
        )
        encoder.wants_keyframe = False
        encoder.frames += 1
        now = self.world.agenda.now
        packets = encoder.packets_per_frame * (encoder.keyframe_factor if keyframe else 1)
        for position in range(packets):
            self._send(encoder, keyframe, position, position == packets - 1, now)
        encoder.timestamp = encoder.timestamp + 90_000 // self.FPS & 0xFFFFFFFF

    def _send(self, encoder: Encoder, keyframe: bool, position: int, last: bool, now: float) -> None:
        first = position == 0
        identity = self.world.note(SentFrame(encoder.rid, encoder.frames, now, keyframe, first, last))
        descriptor = b"\x10" if first else b"\x00"
        size = WIDTHS.get(encoder.rid, 320)
        # VP8 payload header (RFC 7741 section 4.3): the P bit is zero in keyframes, then start code and size.
        header = (
            b"\x00\x00\x00\x9d\x01\x2a" + struct.pack("<HH", size, size // 2) if keyframe else b"\x01" * 10
        )
        body = (header if first else b"\x02" * 10) + struct.pack("!I", identity)
        filler = encoder.packet_octets - 10 + self.world.random.randrange(10)
        packet = write_rtp(
            payload_type=96,
            marker=last,
            sequence_number=encoder.sequence,
            timestamp=encoder.timestamp,
            ssrc=encoder.ssrc,
            payload=descriptor + body + bytes(filler),
            extensions=encode_extensions({RID_ID: encoder.rid.encode()} if self.with_rid else {}),
        )
        encoder.sent[encoder.sequence] = packet
        encoder.sequence = encoder.sequence + 1 & 0xFFFF
        self.uplink.carry(lambda: self._arrive(packet))

    def _arrive(self, packet: bytes) -> None:
        if self.stopped:
            return
        self.sfu.on_rtp(packet, self.world.agenda.now, self.world.agenda.wall)
        self.world.flush_soon()

    # MediaLink: what the SFU sends back.
    def send_rtcp(self, packet: bytes) -> None:
        for message in parse_rtcp(packet):
            if isinstance(message, Nack):
                self.nacks += 1
                self.uplink.carry(lambda m=message: self._resend(m))
            elif isinstance(message, PictureLossIndication):
                self.plis += 1
                if self.obeys:
                    self.uplink.carry(lambda m=message: self._refresh(m))

    def send_rtp(self, packet: bytes, index: int) -> None:
        raise AssertionError("nobody sends media to a publisher")

    def close(self, reason: str) -> None:
        raise AssertionError(reason)

    def _resend(self, nack: Nack) -> None:
        for sequence in nack.lost:
            packet = self.encoders[nack.media_ssrc].sent.get(sequence)
            if packet is not None:
                self.uplink.carry(lambda p=packet: self._arrive(p))

    def _refresh(self, pli: PictureLossIndication) -> None:
        self.encoders[pli.media_ssrc].wants_keyframe = True


class SimulatedViewer:
    """Decrypts, asks again for what is missing, and keeps every number for `check`."""

    def __init__(
        self,
        world: World,
        downlink: Network,
        profile: SrtpProfile = SrtpProfile.AEAD_AES_128_GCM,
        rtx: bool = True,
        transport_cc: bool = False,
    ) -> None:
        self.world = world
        self.downlink = downlink
        self.twcc = TransportCcReceiver(1, 2) if transport_cc else None
        key = MasterKey(
            profile, world.random.randbytes(profile.key_length), world.random.randbytes(profile.salt_length)
        )
        self.outbound = OutboundSrtp(key)
        self.inbound = InboundSrtp(key)
        codec = VIDEO if rtx else Codec(MediaKind.VIDEO, "VP8", 100, 90_000, feedback=VIDEO.feedback)
        self.stream = SenderStream(
            mid="0",
            ssrc=world.random.getrandbits(32),
            rtx_ssrc=world.random.getrandbits(32) if rtx else None,
            cname="c",
            msid="m",
            track_id="t",
        )
        self.payload_type = codec.payload_type
        self.address = ("10.0.0.1", next(world.ports))
        self.unwrap = SequenceUnwrapper().unwrap
        self.got: dict[int, tuple[int, int]] = {}
        """Extended sequence number to (timestamp, identity of the publisher's packet)."""
        self.arrivals: list[tuple[float, int]] = []
        self.missing: dict[int, float] = {}
        self.first: int | None = None
        self.highest: int | None = None
        self.resent = 0
        self.reports: list[tuple[float, SenderReport]] = []
        self.subscriber = Subscriber(
            negotiated(viewer_media(codec, transport_cc)), {"0": self.stream}, world.drops
        )
        world.viewers[self.address] = self
        self.left = False
        world.camera.subscribe(self.subscriber, world.agenda.now)
        self.subscriber.connect(self, self.outbound, self.address, world.agenda.now)
        world.agenda.after(0.01, self._tick)
        world.agenda.after(0.1, self._feed_back)

    def leave(self) -> None:
        """Go, and take nothing of what is still on its way."""
        self.world.camera.unsubscribe(self.subscriber)
        del self.world.viewers[self.address]
        self.left = True

    def _tick(self) -> None:
        if self.left:
            return
        now = self.world.agenda.now
        self.subscriber.on_timer(now, self.world.agenda.wall)
        due = self._requests(now)
        if due:
            self._tell(Nack(1, self.stream.ssrc, tuple(s & 0xFFFF for s in sorted(due)[:200])).encode())
        self.world.agenda.after(0.01, self._tick)

    def _requests(self, now: float) -> list[int]:
        """Numbers to ask for again now."""
        due = [s for s, at in self.missing.items() if at <= now]
        for sequence in due:
            self.missing[sequence] = now + 0.08
        return due

    def _tell(self, rtcp: bytes) -> None:
        """Send RTCP to the gateway, over the same link."""
        self.downlink.carry(lambda: self._told(rtcp))

    def _told(self, rtcp: bytes) -> None:
        if not self.left:
            self.subscriber.on_rtcp(rtcp, self.world.agenda.now, self.world.agenda.wall)
            self._be_punctual()

    def receive(self, datagram: bytes) -> None:
        """What the fan-out or a retransmission sent, over the bad link."""
        self.downlink.carry(lambda: self._take(datagram))

    def _feed_back(self) -> None:
        """Transport-wide feedback ten times a second."""
        if self.left or self.twcc is None:
            return
        while (feedback := self.twcc.build(self.world.agenda.now)) is not None:
            self._tell(feedback)
        self.world.agenda.after(0.1, self._feed_back)

    def _be_punctual(self) -> None:
        """What is due before the next tick, as probes are, has a timer of its own."""
        due = None if self.left else self.subscriber.next_timer()
        if due is not None and due < self.world.agenda.now + 0.01:
            self.world.agenda.at(max(due, self.world.agenda.now), self._on_time)

    def _on_time(self) -> None:
        if not self.left:
            self.subscriber.on_timer(self.world.agenda.now, self.world.agenda.wall)
            self._be_punctual()

    def _take(self, datagram: bytes) -> None:
        if self.left:
            return
        try:
            packet = parse_rtp(self.inbound.unprotect_rtp(datagram))
        except Exception as error:
            assert getattr(error, "reason", "") == "replay", error  # duplicates of the link
            return
        if self.twcc is not None and (number := packet.extensions.get(TRANSPORT_ID)) is not None:
            self.twcc.add(int.from_bytes(number, "big"), self.world.agenda.now)
        sequence, payload = packet.sequence_number, packet.payload
        if packet.ssrc == self.stream.rtx_ssrc:
            sequence, payload = int.from_bytes(payload[:2], "big"), payload[2:]
            self.resent += 1
            assert packet.payload_type == 97
        else:
            assert packet.ssrc == self.stream.ssrc
            assert packet.payload_type == self.payload_type
        self._number(packet, sequence, payload)

    def _number(self, packet: RtpPacket, sequence: int, payload: bytes) -> None:
        """Take a packet that is new, under its own number."""
        out = self.unwrap(sequence)
        identity = struct.unpack_from("!I", payload, 11)[0]
        seen = self.got.setdefault(out, (packet.timestamp, identity))
        assert seen == (packet.timestamp, identity), "one number, two packets"
        self.arrivals.append((self.world.agenda.now, identity))
        self._note(out)

    def _note(self, out: int) -> None:
        """A packet with this number came."""
        self.missing.pop(out, None)
        if self.highest is None:
            self.first = self.highest = out
        elif out > self.highest:
            for lost in range(self.highest + 1, out):
                self.missing[lost] = self.world.agenda.now + 0.02
            self.highest = out

    # MediaLink
    def send_rtcp(self, packet: bytes) -> None:
        for message in parse_rtcp(packet):
            if isinstance(message, SenderReport):
                self.reports.append((self.world.agenda.now, message))

    def send_rtp(self, packet: bytes, index: int) -> None:
        self.receive(self.outbound.protect_rtp(packet, index))

    def close(self, reason: str) -> None:
        raise AssertionError(reason)

    def check_numbers(self, *, jump: float = 1.0) -> list[int]:
        """Timestamps follow sequence numbers without a jump over `jump` seconds; the numbers, ascending."""
        assert self.got, "nothing arrived"
        numbers = sorted(self.got)
        for earlier, later in itertools.pairwise(numbers):
            step = self._step(earlier, later)
            assert 0 <= step <= jump * 90_000, f"timestamp step of {step / 90_000} s"
        return numbers

    def _step(self, earlier: int, later: int) -> int:
        """Ticks between the timestamps of two numbers."""
        return (self.got[later][0] - self.got[earlier][0] + 0x80000000 & 0xFFFFFFFF) - 0x80000000

    def check(self, *, jump: float = 1.0, replays: int = 0) -> None:
        """No repeated or reversed number, no timestamp jump, media in the publisher's order.

        `jump` is the largest step in seconds that two neighbouring packets' timestamps may make, `replays`
        how often the viewer may have been taken back to a keyframe because its layer had died or was left.
        """
        numbers = self.check_numbers(jump=jump)
        taken_back = 0
        for earlier, later in itertools.pairwise(numbers):
            before = self.world.sent[self.got[earlier][1]]
            after = self.world.sent[self.got[later][1]]
            if before.captured > after.captured + 0.1:
                taken_back += 1
                assert after.keyframe, "media out of order"
            elif before.layer == after.layer:
                assert self.got[earlier][1] < self.got[later][1] or after.keyframe
                if before.order == after.order:
                    assert self._step(earlier, later) == 0
            else:
                assert after.keyframe, "a switch of layers not at a keyframe"
        assert taken_back <= replays
        identities = [self.got[n][1] for n in numbers]
        assert replays or len(set(identities)) == len(identities), "a packet was forwarded under two numbers"

    @property
    def holes(self) -> int:
        """Numbers that never came since the first that did.

        Not the last few: the publisher may have stopped before it repeated those.
        """
        assert self.first is not None
        settled = max(self.got) - 40
        return sum(1 for number in range(self.first, settled) if number not in self.got)


class World:
    """One room, its SFU, and the kernel that cuts segmented bursts into datagrams."""

    def __init__(self, seed: int) -> None:
        self.random = random.Random(seed)
        self.agenda = Agenda()
        self.drops: Counter[str] = Counter()
        self.max_segments = 64
        self.load = Load()
        self.bursts = 0
        self.viewers: dict[tuple[str, int], SimulatedViewer] = {}
        self.ports = itertools.count(5000)
        self.clock = lambda: self.agenda.now
        self.rooms = Rooms(self, lambda _: None)
        self.camera = self.rooms.enter("order", "main")
        self.sent: list[SentFrame] = []
        self._flush_due = False

    def network(self, **conditions: float) -> Network:
        return Network(self.agenda, random.Random(self.random.getrandbits(32)), **conditions)

    def note(self, frame: SentFrame) -> int:
        self.sent.append(frame)
        return len(self.sent) - 1

    def flush_soon(self) -> None:
        """Packets within a millisecond are one wake-up's batch."""
        if not self._flush_due:
            self._flush_due = True
            self.agenda.after(0.001, self._flush)

    def _flush(self) -> None:
        self._flush_due = False
        self.rooms.flush(self.agenda.now)

    # Egress
    def segmentation(self, segment_size: int) -> list[tuple[int, int, bytes]]:
        return [(17, 103, struct.pack("H", segment_size))]

    def sendmsg(self, buffers, ancillary, flags, address) -> int:
        burst = b"".join(bytes(b) for b in buffers)
        assert len(burst) <= 65_507
        size = struct.unpack("H", ancillary[0][2])[0] if ancillary else len(burst)
        assert -(-len(burst) // size) <= 64
        self.bursts += 1
        for start in range(0, len(burst), size):
            self.viewers[address].receive(burst[start : start + size])
        return len(burst)

    def refused(self, error, burst, segment_size, address) -> None:
        raise AssertionError(error)

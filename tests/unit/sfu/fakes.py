"""A socket and a peer that only remember, and media to send: what the SFU's tests are made of.

SRTP is real: what the fan-out sent is decrypted with libsrtp before a test looks at it.
"""

from __future__ import annotations

import itertools
import struct
from collections import Counter
from collections.abc import Mapping, Sequence
from typing import Any

from gateway.protocol import extensions
from gateway.protocol.description import (
    Address,
    Codec,
    DtlsRole,
    IceCredentials,
    MediaKind,
    NegotiatedMedia,
    NegotiatedSession,
)
from gateway.protocol.rtcp import RtcpPacket, parse_rtcp
from gateway.protocol.rtp import RtpPacket, encode_extensions, parse_rtp, write_rtp
from gateway.protocol.sdp import SenderStream
from gateway.protocol.srtp import InboundSrtp, MasterKey, OutboundSrtp, SrtpProfile
from gateway.sfu.down_track import DownTrack
from gateway.sfu.layer import Layer
from gateway.sfu.load import Load
from gateway.sfu.media_clock import PublisherClock
from gateway.sfu.packet import MediaPacket
from gateway.sfu.publisher import Publisher
from gateway.sfu.subscriber import Subscriber
from gateway.sfu.track import PublishedTrack

GCM = SrtpProfile.AEAD_AES_128_GCM
CM = SrtpProfile.AES128_CM_SHA1_80
NACK_PLI = frozenset({"nack", "nack pli"})
VP8 = Codec(MediaKind.VIDEO, "VP8", 96, 90_000, feedback=NACK_PLI, rtx_payload_type=97)
VP9 = Codec(MediaKind.VIDEO, "VP9", 98, 90_000, feedback=NACK_PLI, rtx_payload_type=99)
OPUS = Codec(MediaKind.AUDIO, "opus", 111, 48_000, channels=2)
MID_ID, RID_ID, REPAIRED_ID, TWCC_ID, LEVEL_ID = 1, 2, 3, 4, 5
SSRC = 0x5EED

_ports = itertools.count(5_000)


def video_media(codecs: Sequence[Codec] = (VP8,), mid: str = "v", **more: Any) -> NegotiatedMedia:
    return NegotiatedMedia(mid, MediaKind.VIDEO, codecs=tuple(codecs), **more)


def audio_media(mid: str = "a", **more: Any) -> NegotiatedMedia:
    return NegotiatedMedia(mid, MediaKind.AUDIO, codecs=(OPUS,), **more)


def session(*media: NegotiatedMedia) -> NegotiatedSession:
    return NegotiatedSession(media, IceCredentials("peer", "p" * 22), (), DtlsRole.SERVER)


def vp8(
    sequence: int,
    timestamp: int | None = None,
    *,
    keyframe: bool = False,
    ssrc: int = SSRC,
    payload_type: int = 96,
    size: int = 100,
    marker: bool = False,
    tags: Mapping[int, bytes] | None = None,
    width: int = 640,
) -> bytes:
    """An RTP packet with VP8 payload (RFC 7741 section 4.3); a frame each when no timestamp is given."""
    header = b"\x10" + (
        b"\x00\x00\x00\x9d\x01\x2a" + struct.pack("<HH", width, width // 2) if keyframe else b"\x01" * 10
    )
    return write_rtp(
        payload_type=payload_type,
        marker=marker,
        sequence_number=sequence & 0xFFFF,
        timestamp=sequence * 3_000 & 0xFFFFFFFF if timestamp is None else timestamp,
        ssrc=ssrc,
        payload=header + struct.pack("!I", sequence) + bytes(size - 15),
        extensions=encode_extensions(dict(tags or {})),
    )


def opus(sequence: int, timestamp: int | None = None, *, ssrc: int = SSRC + 1, **more: Any) -> bytes:
    return write_rtp(
        payload_type=more.pop("payload_type", 111),
        marker=False,
        sequence_number=sequence & 0xFFFF,
        timestamp=sequence * 960 & 0xFFFFFFFF if timestamp is None else timestamp,
        ssrc=ssrc,
        payload=b"\xfcsound" + bytes(60),
        extensions=encode_extensions(dict(more.pop("tags", {}))),
    )


def rtx(original: bytes, sequence: int, ssrc: int, payload_type: int = 97, tags: Any = None) -> bytes:
    """The retransmission of a packet (RFC 4588 section 4)."""
    packet = parse_rtp(original)
    return write_rtp(
        payload_type=payload_type,
        marker=packet.marker,
        sequence_number=sequence,
        timestamp=packet.timestamp,
        ssrc=ssrc,
        payload=packet.sequence_number.to_bytes(2, "big") + packet.payload,
        extensions=encode_extensions(dict(tags or {})),
    )


def media_packet(index: int, size: int = 100, *, arrival: float = 0.0, **more: Any) -> MediaPacket:
    keyframe = more.pop("keyframe", False)
    return MediaPacket(parse_rtp(vp8(index, size=size, **more)), index, keyframe, arrival)


class FakeEgress:
    """Remembers each call and cuts it into datagrams as the kernel does."""

    def __init__(self, max_segments: int = 64) -> None:
        self.max_segments = max_segments
        self.clock = lambda: 100.0
        self.load = Load()
        self.calls: list[tuple[Address, list[bytes]]] = []
        self.refusing: dict[Address, OSError] = {}
        self.refusals: list[tuple[OSError, bytes, int, Address]] = []

    def segmentation(self, segment_size: int) -> Sequence[tuple[int, int, bytes]]:
        return [(17, 103, struct.pack("H", segment_size))]

    def sendmsg(
        self,
        buffers: Sequence[Any],
        ancillary: Sequence[tuple[int, int, bytes]],
        flags: int,
        address: Address,
        /,
    ) -> int:
        if address in self.refusing:
            raise self.refusing[address]
        burst = b"".join(bytes(buffer) for buffer in buffers)
        size = struct.unpack("H", ancillary[0][2])[0] if ancillary else len(burst)
        cut = [burst[start : start + size] for start in range(0, len(burst), size)]
        assert len(burst) <= 65_507, "EMSGSIZE"
        assert len(cut) <= self.max_segments, "EMSGSIZE"
        self.calls.append((address, cut))
        return len(burst)

    def refused(self, error: OSError, burst: memoryview, segment_size: int, address: Address) -> None:
        self.refusals.append((error, bytes(burst), segment_size, address))

    def datagrams(self, address: Address) -> list[bytes]:
        return [datagram for to, cut in self.calls if to == address for datagram in cut]


class FakeLink:
    """What a peer would have been sent, before encryption."""

    def __init__(self) -> None:
        self.compounds: list[bytes] = []
        self.rtp: list[tuple[bytes, int]] = []
        self.closed: list[str] = []

    def send_rtcp(self, packet: bytes) -> None:
        self.compounds.append(packet)

    def send_rtp(self, packet: bytes, index: int) -> None:
        self.rtp.append((packet, index))

    def close(self, reason: str) -> None:
        self.closed.append(reason)

    def rtcp(self, kind: type) -> list[Any]:
        return [x for compound in self.compounds for x in parse_rtcp(compound) if isinstance(x, kind)]

    def take_rtcp(self) -> list[RtcpPacket]:
        taken, self.compounds = self.compounds, []
        return [packet for compound in taken for packet in parse_rtcp(compound)]


def keys(profile: SrtpProfile = GCM, seed: int = 1) -> MasterKey:
    return MasterKey(profile, bytes([seed]) * profile.key_length, bytes([seed]) * profile.salt_length)


class Viewer:
    """One peer that watches: its address, keys, and what it makes of what was sent to it."""

    def __init__(self, profile: SrtpProfile = GCM) -> None:
        port = next(_ports)
        self.address: Address = ("192.0.2.1", port)
        master = keys(profile, port % 251)
        self.outbound = OutboundSrtp(master)
        self.inbound = InboundSrtp(master)
        self.link = FakeLink()
        self.drops: Counter[str] = Counter()

    def down_track(
        self,
        media: NegotiatedMedia | None = None,
        *,
        ssrc: int = 0xD0D0,
        rtx_ssrc: int | None = None,
    ) -> DownTrack:
        media = media or video_media()
        return DownTrack(media, ssrc, rtx_ssrc, self.link, self.outbound, self.address, self.drops)

    def subscriber(self, *media: NegotiatedMedia) -> Subscriber:
        media = media or (video_media(), audio_media())
        senders = {m.mid: sender(m.mid, 0x1000 + place) for place, m in enumerate(media)}
        return Subscriber(session(*media), senders, self.drops)

    def received(self, egress: FakeEgress) -> list[RtpPacket]:
        """Everything sent by the fan-out, decrypted; fails on anything repeated."""
        packets = [parse_rtp(self.inbound.unprotect_rtp(d)) for d in egress.datagrams(self.address)]
        egress.calls = [call for call in egress.calls if call[0] != self.address]
        return packets

    def resent(self) -> list[bytes]:
        """Retransmissions, encrypted."""
        taken, self.link.rtp = self.link.rtp, []
        return [self.outbound.protect_rtp(packet, index) for packet, index in taken]


def sender(mid: str, ssrc: int, rtx_ssrc: int | None = None) -> SenderStream:
    return SenderStream(mid=mid, ssrc=ssrc, rtx_ssrc=rtx_ssrc, cname="cname", msid="m", track_id=f"t{mid}")


def marks(packets: Sequence[RtpPacket]) -> list[int]:
    """The publisher's sequence numbers that `vp8` wrote into the payloads."""
    return [struct.unpack_from("!I", packet.payload, 11)[0] for packet in packets]


class Studio:
    """A publisher and its camera-less surroundings: feed it packets, flush, tick."""

    def __init__(self, *media: NegotiatedMedia, connected: bool = True, **more: int) -> None:
        self.drops: Counter[str] = Counter()
        self.egress = FakeEgress()
        self.link = FakeLink()
        self.now = 100.0
        self._dirty: dict[Layer, None] = {}
        self.publisher = Publisher(
            session(*(media or (video_media(), audio_media()))), self._mark, self.drops, **more
        )
        if connected:
            self.publisher.connect(self.link)

    def _mark(self, layer: Layer) -> None:
        self._dirty[layer] = None

    @property
    def wall(self) -> float:
        return 1_790_000_000.0 + self.now

    @property
    def video(self) -> PublishedTrack:
        return self.publisher.tracks[MediaKind.VIDEO]

    @property
    def audio(self) -> PublishedTrack:
        return self.publisher.tracks[MediaKind.AUDIO]

    @property
    def layer(self) -> Layer:
        """The only layer of the video."""
        (layer,) = self.video.layers.values()
        return layer

    def send(self, *packets: bytes) -> None:
        """One batch: all packets, then the flush."""
        for packet in packets:
            self.publisher.on_rtp(packet, self.now, self.wall)
        self.flush()

    def flush(self) -> None:
        dirty, self._dirty = self._dirty, {}
        for layer in dirty:
            layer.flush(self.egress, self.now)

    def tick(self, seconds: float = 0.02) -> None:
        self.now += seconds
        self.publisher.on_timer(self.now)

    def rtcp(self, *packets: Any) -> None:
        self.publisher.on_rtcp(b"".join(packet.encode() for packet in packets), self.now, self.wall)


def lone_layer(codec: Codec = VP8, drops: Counter[str] | None = None) -> Layer:
    """A layer of a track of its own."""
    drops = Counter() if drops is None else drops
    kind = MediaKind.VIDEO if codec.kind is MediaKind.VIDEO else MediaKind.AUDIO
    media = NegotiatedMedia("v", kind, codecs=(codec,), extensions={extensions.AUDIO_LEVEL: LEVEL_ID})
    track = PublishedTrack(media, PublisherClock(), drops)
    layer = track.add_layer(SSRC, "", codec.payload_type)
    assert layer is not None
    return layer

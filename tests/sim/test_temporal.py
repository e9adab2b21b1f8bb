"""Temporal layers and picture numbers: what a VP8 decoder would make of it when frames are left out."""

from __future__ import annotations

import itertools
import math
import random
import struct
from collections.abc import Callable
from dataclasses import dataclass, replace

import pytest

from gateway.protocol.codecs import vp8
from gateway.protocol.rtp import RtpPacket, encode_extensions, write_rtp
from gateway.protocol.srtp import SrtpProfile
from gateway.sfu.down_track import DownTrack
from gateway.sfu.sublayer import ALL
from tests.sim.bottleneck import Link
from tests.sim.test_forwarding import encoder
from tests.sim.world import RID_ID, WIDTHS, Encoder, SentFrame, SimulatedPublisher, SimulatedViewer, World

CYCLE = (0, 2, 1, 2, 0, 2, 1, 2)
NEEDS = ((0,), (0,), (0,), (0, 1, 2), (0,), (0, 1, 2), (0, 1), (0, 1, 2))
"""Three temporal layers as libvpx has them, and the layers whose newest frames each frame needs."""


@dataclass(frozen=True)
class Frame:
    """What the publisher knows of a frame."""

    layer: str
    order: int
    temporal: int
    needs: tuple[int, ...]
    """Orders of the frames that a decoder must have."""
    keyframe: bool


class TemporalPublisher(SimulatedPublisher):
    """Three temporal layers a stream, with picture ids and TL0PICIDX that begin anywhere."""

    def __init__(self, world: World, *args: object, **more: object) -> None:
        self.frames: dict[int, Frame] = {}
        self.newest: dict[tuple[str, int], int] = {}
        """Order of the newest frame of a temporal layer."""
        self.since_keyframe: dict[str, int] = {}
        self.tl0: dict[str, int] = {}
        self.offset: dict[str, int] = {}
        super().__init__(world, *args, **more)  # type: ignore[arg-type]

    def _begin(self, encoder: Encoder, keyframe: bool) -> Frame:
        rid, order = encoder.rid, encoder.frames
        if keyframe:
            self.since_keyframe[rid] = 0
        place = self.since_keyframe.setdefault(rid, 0)
        self.since_keyframe[rid] += 1
        temporal = CYCLE[place % 8]
        self.offset.setdefault(rid, self.world.random.getrandbits(15))
        self.tl0.setdefault(rid, self.world.random.getrandbits(8))
        needs = () if keyframe else tuple(self.newest[rid, layer] for layer in NEEDS[place % 8])
        if temporal == 0:
            self.tl0[rid] = self.tl0[rid] + 1 & 0xFF
        self.newest[rid, temporal] = order
        return Frame(rid, order, temporal, needs, keyframe)

    def _send(self, encoder: Encoder, keyframe: bool, position: int, last: bool, now: float) -> None:
        first = position == 0
        if first:
            self.current = self._begin(encoder, keyframe)
        frame, rid = self.current, encoder.rid
        identity = self.world.note(SentFrame(rid, encoder.frames, now, keyframe, first, last))
        self.frames[identity] = frame
        sync = frame.temporal > 0 and frame.needs == (self.newest[rid, 0],)
        descriptor = struct.pack(
            "!BBHBB",
            0x90 if first else 0x80,
            0xE0,
            0x8000 | self.offset[rid] + frame.order & 0x7FFF,
            self.tl0[rid],
            frame.temporal << 6 | sync << 5,
        )
        size = WIDTHS[rid]
        header = b"\0\0\0\x9d\x01\x2a" + struct.pack("<HH", size, size // 2) if keyframe else b"\x01" * 10
        packet = write_rtp(
            payload_type=96,
            marker=last,
            sequence_number=encoder.sequence,
            timestamp=encoder.timestamp,
            ssrc=encoder.ssrc,
            payload=descriptor
            + (header if first else b"\x02" * 10)
            + struct.pack("!I", identity)
            + bytes(990),
            extensions=encode_extensions({RID_ID: rid.encode()} if self.with_rid else {}),
        )
        encoder.sent[encoder.sequence] = packet
        encoder.sequence = encoder.sequence + 1 & 0xFFFF
        self.uplink.carry(lambda: self._arrive(packet))


@dataclass
class Got:
    """A packet as the viewer got it: None for one without media."""

    timestamp: int
    marker: bool
    descriptor: vp8.Descriptor | None
    identity: int
    empty_before: int = 0


class TemporalViewer(SimulatedViewer):
    """Keeps every packet by its number; `link` may be a bottleneck."""

    def __init__(self, world: World, link: Link | None = None, **more: object) -> None:
        self.packets: dict[int, Got] = {}
        self.link = link
        super().__init__(world, world.network(delay=0.02), **more)  # type: ignore[arg-type]

    @property
    def down_track(self) -> DownTrack:
        return self.subscriber.down_tracks[0]

    def thin(self, top: int) -> None:
        """Have frames up to a temporal layer; the SFU does not raise it again."""
        self.down_track.rose_at = math.inf
        self.down_track.thin(top)

    def receive(self, datagram: bytes) -> None:
        if self.link is None:
            super().receive(datagram)
        else:
            self.link.carry(len(datagram) - 16, lambda: self._take(datagram))

    def _number(self, packet: RtpPacket, sequence: int, payload: bytes) -> None:
        out = self.unwrap(sequence)
        descriptor = vp8.parse_descriptor(payload)
        identity = struct.unpack_from("!I", payload, 16)[0] if payload else -1
        got = Got(packet.timestamp, packet.marker, descriptor, identity)
        before = self.packets.setdefault(out, got)
        assert before == got, "one number, two packets"
        self.arrivals.append((self.world.agenda.now, identity))
        self.missing.pop(out, None)
        if self.highest is None:
            self.first = self.highest = out
        for lost in range(self.highest + 1, out):
            self.missing[lost] = self.world.agenda.now + 0.02
        self.highest = max(self.highest, out)

    def decode(self, publisher: TemporalPublisher, tail: int = 60) -> list[Frame]:
        """Frames in the order of their numbers; fails where a VP8 receiver would lose its way.

        The last `tail` packets are left out: some may still be on their way again.
        """
        assert self.first is not None
        assert self.highest is not None
        numbers = range(self.first, max(self.first, self.highest - tail))
        assert all(n in self.packets for n in numbers), "numbers that nothing came under"
        frames: list[Frame] = []
        empty = 0
        before: vp8.Descriptor | None = None
        held: set[tuple[str, int]] = set()
        packets, empty = [], 0
        for packet in (self.packets[n] for n in numbers):
            if packet.descriptor is None:
                empty += 1
            else:
                packets.append(replace(packet, empty_before=empty))
        for _, group in itertools.groupby(packets, key=lambda x: x.timestamp):
            whole = list(group)
            frame, descriptor = publisher.frames[whole[0].identity], whole[0].descriptor
            assert descriptor is not None
            assert descriptor.starts_frame
            assert {publisher.frames[x.identity] for x in whole} == {frame}
            assert (
                len({(x.descriptor.picture_id, x.descriptor.tl0picidx) for x in whole if x.descriptor}) == 1
            )
            _check_order(before, descriptor, frame, whole[0].empty_before - empty)
            empty = whole[0].empty_before
            held = {(frame.layer, frame.order)} if frame.keyframe else held | {(frame.layer, frame.order)}
            assert all((frame.layer, order) in held for order in frame.needs), (
                f"{frame} without what it needs"
            )
            frames.append(frame)
            before = descriptor
        return frames


def _check_order(before: vp8.Descriptor | None, now: vp8.Descriptor, frame: Frame, empty: int) -> None:
    """As libwebrtc's reference finder sees it: pictures are counted, base pictures are counted.

    `empty` packets just before stand for parts of frames that came too late to leave them out unnoticed.
    """
    if before is None:
        assert frame.keyframe
        return
    assert before.picture_id is not None
    assert now.picture_id is not None
    assert before.tl0picidx is not None
    assert now.tl0picidx is not None
    pictures, base = (now.picture_id - before.picture_id) % 32768, (now.tl0picidx - before.tl0picidx) % 256
    if frame.keyframe:
        assert 0 < pictures < 16384
        assert 0 < base < 128
    else:
        assert 1 <= pictures <= 1 + empty, "a picture seems to be missing"
        assert base == (frame.temporal == 0)


def simulcast(world: World) -> list[Encoder]:
    layers = [encoder(world.random, rid) for rid in ("l", "h", "f")]
    for layer, packets in zip(layers, (1, 4, 8), strict=True):
        layer.packets_per_frame = packets
    return layers


def tops(frames: list[Frame]) -> set[int]:
    return {frame.temporal for frame in frames}


@pytest.mark.parametrize("seed", range(10))
@pytest.mark.parametrize("profile", [SrtpProfile.AEAD_AES_128_GCM, SrtpProfile.AES128_CM_SHA1_80])
def test_frames_left_out_at_any_time_on_bad_networks_never_confuse_a_decoder(
    seed: int, profile: SrtpProfile
) -> None:
    world = World(seed)
    uplink = world.network(loss=0.02, jitter=0.02)
    publisher = TemporalPublisher(world, uplink, [encoder(world.random, "f")])
    world.agenda.run(1.0)
    viewers = [TemporalViewer(world, profile=profile, rtx=seed % 2 == 0) for _ in range(3)]
    world.agenda.run(0.5)  # nobody can know of packets lost before the first that came
    for viewer in viewers:
        viewer.downlink.loss = 0.02
    for _ in range(60):
        world.agenda.run(world.random.random() / 2)
        viewer = world.random.choice(viewers)
        viewer.thin(world.random.choice((0, 1, ALL)))
    for viewer in viewers:
        viewer.thin(ALL)
    uplink.loss = uplink.jitter = 0.0
    world.agenda.run(3.0)
    for viewer in viewers:
        viewer.downlink.loss = 0.0
    world.agenda.run(2.0)
    for viewer in viewers:
        frames = viewer.decode(publisher)
        assert len(frames) > 200
        assert tops(frames[-40:]) == {0, 1, 2}, "did not come back to all frames"


def test_what_is_left_out_is_what_was_asked_for() -> None:
    world = World(1)
    publisher = TemporalPublisher(world, world.network(), [encoder(world.random, "f")])
    world.agenda.run(1.0)
    viewer, other = TemporalViewer(world), TemporalViewer(world)
    world.agenda.run(2.0)
    for top, seen in ((1, {0, 1}), (0, {0}), (1, {0, 1}), (ALL, {0, 1, 2})):
        viewer.thin(top)
        world.agenda.run(1.5)
        before = len(viewer.decode(publisher, tail=4))
        world.agenda.run(2.0)
        assert tops(viewer.decode(publisher, tail=4)[before:]) == seen
    assert len(other.decode(publisher, tail=4)) > 250, "another viewer's frames were left out"
    groups = publisher.sfu.tracks[viewer.down_track.kind].live_layers[0].out.groups
    assert len(groups) == 2, "each has its own numbers by now"


@pytest.mark.parametrize("seed", range(4))
def test_picture_numbers_go_on_through_changes_of_layer_and_publisher(seed: int) -> None:
    world = World(seed)
    publisher = TemporalPublisher(world, world.network(), simulcast(world))
    world.agenda.run(2.0)
    viewers = [TemporalViewer(world) for _ in range(4)]
    for viewer in viewers * 3:
        viewer.subscriber.prefer(world.random.choice(("l", "h", "f")), None, world.agenda.now)
        world.agenda.run(world.random.uniform(0.3, 2.0))
    for viewer in viewers:
        frames = viewer.decode(publisher)
        assert len(frames) > 50
    assert len({f.layer for viewer in viewers for f in viewer.decode(publisher)}) == 3
    last = {id(viewer): viewer.highest for viewer in viewers}
    publisher.stop()
    again = TemporalPublisher(world, world.network(), simulcast(world))
    again.frames.update(publisher.frames)
    world.agenda.run(4.0)
    for viewer in viewers:
        viewer.decode(again)
        assert viewer.highest is not None
        assert viewer.highest > (last[id(viewer)] or 0) + 80


def narrow(world: World, rates: list[tuple[float, float]]) -> TemporalViewer:
    link = Link(world.agenda, random.Random(world.random.getrandbits(32)), rates)
    return TemporalViewer(world, link, transport_cc=True)


def seen_since(
    world: World, viewer: TemporalViewer, publisher: TemporalPublisher, run: Callable[[], None]
) -> set[str]:
    before = len(viewer.decode(publisher))
    run()
    return {f"{frame.layer}{frame.temporal}" for frame in viewer.decode(publisher)[before:]}


@pytest.mark.parametrize("seed", range(4))
def test_frames_are_dropped_before_the_picture_shrinks(seed: int) -> None:
    """1.7 Mbit/s have 0.4 in the base layer, 0.85 with the next: 1.3 Mbit/s carry that at full size."""
    world = World(seed)
    publisher = TemporalPublisher(world, world.network(), simulcast(world))
    world.agenda.run(2.0)
    viewer = narrow(world, [(0.0, 4_000_000), (6.0, 1_300_000)])
    world.agenda.run(5.0)
    assert viewer.down_track.top == ALL
    world.agenda.run(9.0)
    seen = seen_since(world, viewer, publisher, lambda: world.agenda.run(10.0))
    assert seen <= {"f0", "f1"}
    assert "f1" in seen

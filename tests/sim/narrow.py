"""Viewers behind a narrow link, in front of the whole SFU: what came, and what a browser could show of it."""

from __future__ import annotations

import itertools
import random
from math import ceil

from gateway.protocol.rtcp import PictureLossIndication
from tests.sim.bottleneck import Link, percentile
from tests.sim.test_forwarding import encoder
from tests.sim.world import Encoder, SentFrame, SimulatedPublisher, SimulatedViewer, World

EPOCH = 1_000.0
"""When the agenda begins."""
FIRST_FRAMES = 0.2
"""Seconds between a browser's requests for a keyframe while it has none to begin with."""
NO_FRAME = 3.0
"""Seconds without a decodable frame after which libwebrtc asks for a keyframe."""
NACK_RETRY = 0.1
"""Seconds between requests for one packet: libwebrtc's round trip where nobody tells it the true one."""
NACK_TRIES = 10
PAYLOAD_HEADER = 15
"""Octets of payload header and identity before a packet's filling, whose size is drawn from the ten below."""
MAX_PAYLOAD = 1_100
"""Octets of a packet's payload at most."""


def simulcast(world: World, rates: dict[str, int], keyframe_factor: int = 1) -> list[Encoder]:
    """Layers by rid, with so many bits of payload a second each; 25 frames a second."""
    layers = [encoder(world.random, rid) for rid in rates]
    for layer in layers:
        octets = rates[layer.rid] / 8 / SimulatedPublisher.FPS
        layer.packets_per_frame = ceil(octets / MAX_PAYLOAD)
        layer.packet_octets = round(octets / layer.packets_per_frame) - PAYLOAD_HEADER + 5
        layer.keyframe_factor = keyframe_factor
    return layers


def share(layers: list[str], rid: str) -> float:
    """How much of what came is of this layer."""
    return layers.count(rid) / len(layers)


class NarrowViewer(SimulatedViewer):
    """A viewer whose media comes through a bottleneck. Instants are in seconds since the world began."""

    def __init__(
        self,
        world: World,
        rates: list[tuple[float, float]],
        back: dict[str, float] | None = None,
        **conditions: object,
    ) -> None:
        self.link = Link(world.agenda, random.Random(world.random.getrandbits(32)), rates, **conditions)
        super().__init__(world, world.network(**(back or {"delay": 0.02})), transport_cc=True)

    def receive(self, datagram: bytes) -> None:
        self.link.carry(len(datagram) - 16, lambda: self._take(datagram))

    def layers(self, start: float, end: float) -> list[str]:
        """The layer of each packet that came between two instants."""
        return [self.world.sent[i].layer for at, i in self.arrivals if start <= at - EPOCH < end]

    def longest_gap(self, start: float) -> float:
        """Seconds without any packet, at most, from `start` on."""
        times = [at for at, _ in self.arrivals if at - EPOCH >= start]
        return max(b - a for a, b in itertools.pairwise(times))

    def utilisation(self, start: float, end: float) -> float:
        """Share of the link's capacity that our packets took between two instants."""
        return self.link.utilisation(start + EPOCH, end + EPOCH)

    def waited(self, start: float, end: float) -> float:
        """The 95th percentile of the queue's delay in seconds between two instants."""
        return percentile([wait for at, wait in self.link.waits if start <= at - EPOCH < end], 0.95)


class FrameBuffer:
    """Which frames a decoder could take, and when.

    As libwebrtc does for VP8 without picture ids: a keyframe once it is complete, any other frame when the
    frame that ends right before it was decodable. A complete keyframe ends the wait for what is missing.
    """

    def __init__(self) -> None:
        self._packets: dict[int, SentFrame] = {}
        self.newest: int | None = None
        """The last number of the newest frame decoded."""
        self.frames: list[tuple[float, SentFrame]] = []
        """When each frame became decodable."""

    def insert(self, number: int, packet: SentFrame, now: float) -> bool:
        """Take a packet; True when a frame became decodable."""
        if self.newest is not None and number <= self.newest:
            return False
        self._packets[number] = packet
        count = len(self.frames)
        if packet.keyframe and (frame := self._frame_around(number)) is not None:
            self._decode(frame, now)
        while self.newest is not None and (frame := self._frame_around(self.newest + 1)) is not None:
            self._decode(frame, now)
        return len(self.frames) > count

    def _frame_around(self, number: int) -> range | None:
        """The numbers of a complete frame; None while one is missing."""
        packets = self._packets
        start = end = number
        while start in packets and not packets[start].starts:
            start -= 1
        while end in packets and not packets[end].ends:
            end += 1
        if start not in packets or end not in packets:
            return None
        first, last = packets[start], packets[end]
        if (first.layer, first.order) != (last.layer, last.order):
            return None  # a frame that a switch of layers cut off, and the keyframe after it
        return range(start, end + 1)

    def _decode(self, frame: range, now: float) -> None:
        self.frames.append((now, self._packets[frame[0]]))
        self.newest = frame[-1]
        self._packets = {n: packet for n, packet in self._packets.items() if n > self.newest}


class BrowserViewer(NarrowViewer):
    """Shows frames and asks for packets and keyframes as libwebrtc does, so that a freeze can be measured."""

    def __init__(self, world: World, rates: list[tuple[float, float]], **conditions: object) -> None:
        self.buffer = FrameBuffer()
        self._tries: dict[int, int] = {}
        self._keyframe_due = world.agenda.now + FIRST_FRAMES
        super().__init__(world, rates, **conditions)

    def _note(self, out: int) -> None:
        super()._note(out)
        now = self.world.agenda.now
        if self.buffer.insert(out, self.world.sent[self.got[out][1]], now):
            assert self.buffer.newest is not None
            self._keyframe_due = now + NO_FRAME
            self.missing = {n: at for n, at in self.missing.items() if n > self.buffer.newest}

    def _requests(self, now: float) -> list[int]:
        self._ask_for_keyframe(now)
        due = [number for number, at in self.missing.items() if at <= now]
        for number in due:
            self.missing[number] = now + NACK_RETRY
            self._tries[number] = self._tries.get(number, 0) + 1
            if self._tries[number] > NACK_TRIES:
                del self.missing[number]
        self._tries = {n: tries for n, tries in self._tries.items() if n in self.missing}
        return [number for number in due if number in self.missing]

    def _ask_for_keyframe(self, now: float) -> None:
        if now >= self._keyframe_due:
            self._keyframe_due = now + FIRST_FRAMES
            self._tell(PictureLossIndication(1, self.stream.ssrc).encode())

    def freezes(self, start: float, end: float, longer: float = 1.0) -> list[tuple[float, float]]:
        """When between two instants no frame became decodable, and for how long, if `longer` than allowed."""
        times = [start, *(at - EPOCH for at, _ in self.buffer.frames if start <= at - EPOCH < end), end]
        return [(round(a, 2), round(b - a, 2)) for a, b in itertools.pairwise(times) if b - a > longer]

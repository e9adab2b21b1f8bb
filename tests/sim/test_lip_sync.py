"""Sound and picture of a publisher whose clock is wrong: captured together is told to be together."""

from __future__ import annotations

import random
import struct
from collections import Counter
from collections.abc import Callable

import pytest

from gateway.protocol.rtcp import SenderReport, ntp_from_unix, unix_from_ntp
from gateway.protocol.rtp import RtpPacket, parse_rtp, write_rtp
from gateway.sfu.publisher import TICK, Publisher
from gateway.sfu.room import Rooms
from tests.sim.world import Agenda
from tests.unit.sfu.fakes import FakeEgress, FakeLink, Viewer, audio_media, session, video_media

VP8_KEYFRAME = b"\x10\x00\x00\x00\x9d\x01\x2a" + struct.pack("<HH", 640, 360)
RATES = {0x1000: 90_000, 0x1001: 48_000}


class Technician:
    """Sends sound and picture, each with its own sender reports, over a jittery uplink."""

    def __init__(self, room: Room, seed: int, clock_offset: float, skew: float) -> None:
        self.room = room
        self.random = random.Random(seed)
        self.clock_offset = clock_offset
        self.skew = skew
        self.sfu = Publisher(session(video_media(), audio_media()), room.rooms.mark_dirty, room.drops)
        self.sfu.connect(FakeLink())
        self.stopped = False
        self.numbers = {"v": self.random.getrandbits(16), "a": self.random.getrandbits(16)}
        self.bases = {"v": self.random.getrandbits(32), "a": self.random.getrandbits(32)}
        room.camera.publish(self.sfu, room.agenda.now)
        self.every(0.04, lambda: self.send("v"))
        self.every(0.02, lambda: self.send("a"))
        for kind in "va":  # at different times, as browsers do
            room.agenda.after(self.random.random(), lambda k=kind: self.every(1.0, lambda: self.report(k)))
        self.every(TICK, lambda: self.sfu.on_timer(room.agenda.now))

    def every(self, seconds: float, call: Callable[[], None]) -> None:
        def again() -> None:
            if not self.stopped:
                call()
                self.room.agenda.after(seconds, again)

        again()

    def timestamp(self, kind: str) -> int:
        ticks = round(self.own_time() * (90_000 if kind == "v" else 48_000))
        return self.bases[kind] + ticks & 0xFFFFFFFF

    def own_time(self) -> float:
        return self.room.agenda.wall * (1 + self.skew) + self.clock_offset

    def send(self, kind: str) -> None:
        captured = struct.pack("!d", self.room.agenda.now)
        body = VP8_KEYFRAME + captured if kind == "v" else b"\xfc" + captured
        packet = write_rtp(
            payload_type=96 if kind == "v" else 111,
            marker=True,
            sequence_number=self.numbers[kind],
            timestamp=self.timestamp(kind),
            ssrc=0xBEEF + (kind == "a"),
            payload=body,
        )
        self.numbers[kind] = self.numbers[kind] + 1 & 0xFFFF
        self.carry(lambda: self.sfu.on_rtp(packet, self.room.agenda.now, self.room.agenda.wall))

    def report(self, kind: str) -> None:
        ntp = ntp_from_unix(self.own_time())
        report = SenderReport(0xBEEF + (kind == "a"), ntp, self.timestamp(kind), 0, 0, ()).encode()
        self.carry(lambda: self.sfu.on_rtcp(report, self.room.agenda.now, self.room.agenda.wall))

    def carry(self, deliver: Callable[[], None]) -> None:
        def arrive() -> None:
            if not self.stopped:
                deliver()
                self.room.rooms.flush(self.room.agenda.now)

        self.room.agenda.after(0.01 + self.random.random() * 0.07, arrive)

    def stop(self) -> None:
        self.stopped = True
        self.room.camera.unpublish(self.sfu, self.room.agenda.now)
        self.sfu.end()


class Room:
    """One camera, one viewer who keeps the newest packet and report of each stream."""

    def __init__(self) -> None:
        self.agenda = Agenda()
        self.drops: Counter[str] = Counter()
        self.egress = FakeEgress()
        self.rooms = Rooms(self.egress, lambda _: None)
        self.camera = self.rooms.enter("order", "main")
        self.viewer = Viewer()
        self.subscriber = self.viewer.subscriber()
        self.camera.subscribe(self.subscriber, self.agenda.now)
        self.subscriber.connect(self.viewer.link, self.viewer.outbound, self.viewer.address, self.agenda.now)
        self.newest: dict[int, RtpPacket] = {}
        self.reports: dict[int, SenderReport] = {}
        self.agenda.after(0.05, self._listen)

    def _listen(self) -> None:
        self.subscriber.on_timer(self.agenda.now, self.agenda.wall)
        for datagram in self.egress.datagrams(self.viewer.address):
            packet = parse_rtp(self.viewer.inbound.unprotect_rtp(datagram))
            self.newest[packet.ssrc] = packet
        self.egress.calls.clear()
        for message in self.viewer.link.take_rtcp():
            if isinstance(message, SenderReport):
                self.reports[message.ssrc] = message
        self.agenda.after(0.05, self._listen)

    def told_late(self, ssrc: int) -> float:
        """By how many seconds a player puts the newest packet behind the instant of its capture."""
        packet, report = self.newest[ssrc], self.reports[ssrc]
        ticks = (packet.timestamp - report.rtp_timestamp + 0x80000000 & 0xFFFFFFFF) - 0x80000000
        told = unix_from_ntp(report.ntp) + ticks / RATES[ssrc]
        (captured,) = struct.unpack("!d", packet.payload[-8:])
        return told - (captured + self.agenda.wall - self.agenda.now)

    def lips(self) -> float:
        """Seconds by which picture and sound of one instant are told apart."""
        return self.told_late(0x1000) - self.told_late(0x1001)


@pytest.mark.parametrize("seed", range(6))
@pytest.mark.parametrize("clock_offset", [0.0, -86_400.0 * 300, 3_600.0])
def test_lips_meet_also_after_the_publisher_came_back(seed: int, clock_offset: float) -> None:
    room = Room()
    for round_ in range(3):
        technician = Technician(room, 10 * seed + round_, clock_offset * (round_ + 1), skew=1e-4)
        room.agenda.run(3.0)
        for _ in range(30):
            room.agenda.run(0.1)
            assert abs(room.lips()) < 0.005
            assert abs(room.told_late(0x1000)) < 0.2
        technician.stop()
        room.agenda.run(1.3)
    assert set(room.reports) == set(RATES)


def test_lips_meet_again_after_the_publishers_clock_was_set() -> None:
    room = Room()
    technician = Technician(room, 1, 0.0, skew=0.0)
    room.agenda.run(4.0)
    bases, step = technician.bases, 7_200.0
    technician.clock_offset += step
    # Media timestamps run on a clock of their own: only the wall clock in the reports jumps.
    technician.bases = {k: v - round(step * (90_000 if k == "v" else 48_000)) for k, v in bases.items()}
    room.agenda.run(3.0)
    assert abs(room.lips()) < 0.005
    assert abs(room.told_late(0x1000)) < 0.2

"""Viewers and publishers of the engine against a real transport on loopback."""

from __future__ import annotations

import asyncio
import itertools
import json
import socket
import struct
import sys
import threading
import time
from collections.abc import AsyncIterator
from pathlib import Path

import aiohttp
import pytest
import pytest_asyncio

from gateway.protocol import extensions
from gateway.protocol.codecs import vp8
from gateway.protocol.rtcp import (
    Bye,
    Nack,
    PictureLossIndication,
    ReceiverReport,
    SenderReport,
    TransportFeedback,
)
from gateway.protocol.rtp import encode_extensions, write_rtp
from loadtest.engine import clip
from loadtest.engine.crowd import Crowd
from loadtest.engine.meter import Meter
from loadtest.engine.stamp import write_stamp
from loadtest.engine.studio import Studio
from loadtest.messages import Command, Endpoint, Layer, PublishJob, WatchJob, command_line, job_line
from tests.unit.client.loopback import (
    AUDIO_SSRC,
    TOKEN,
    VIDEO_RTX_SSRC,
    VIDEO_SSRC,
    LoopbackServer,
)

UDP_SEGMENT = 103
VP8, VP8_RTX, OPUS = 96, 97, 111
KEY = b"\x10\x10\x00\x00\x9d\x01\x2a" + bytes(80)
DELTA = b"\x10\x11\x00\x00" + bytes(83)


@pytest_asyncio.fixture
async def server() -> AsyncIterator[LoopbackServer]:
    async with LoopbackServer() as running:
        yield running


@pytest_asyncio.fixture
async def http() -> AsyncIterator[aiohttp.ClientSession]:
    async with aiohttp.ClientSession() as session:
        yield session


def endpoint(server: LoopbackServer) -> Endpoint:
    return Endpoint(server.url("whip"), server.url("whep"), TOKEN, TOKEN)


class Camera:
    """Sends a viewer numbered frames of three packets each, one train a frame, as the gateway does."""

    def __init__(self, server: LoopbackServer) -> None:
        self._server = server
        self.sequence = 65_530
        self.number = 65_500
        self.frame_number = 0

    def packet(self, *, key: bool, marker: bool) -> bytes:
        """The next packet, protected."""
        assert self._server.negotiated is not None
        assert self._server.peer is not None
        assert self._server.peer.outbound is not None
        ids = next(line.extensions for line in self._server.negotiated.media if line.kind == "video")
        payload = KEY if key else DELTA
        data = write_rtp(
            payload_type=VP8,
            marker=marker,
            sequence_number=self.sequence & 0xFFFF,
            timestamp=self.frame_number * 3_600,
            ssrc=VIDEO_SSRC,
            payload=payload + write_stamp(time.time() - 0.01),
            extensions=encode_extensions({ids[extensions.TRANSPORT_CC]: struct.pack("!H", self.number)}),
        )
        index, self.sequence = self.sequence, self.sequence + 1
        self.number = self.number + 1 & 0xFFFF
        return self._server.peer.outbound.protect_rtp(data, index)

    def frame(self, *, key: bool = False, leave_out: int | None = None) -> None:
        """A frame, perhaps without one of its packets."""
        packets = [self.packet(key=key and place == 0, marker=place == 2) for place in range(3)]
        self.frame_number += 1
        if leave_out is not None:
            del packets[leave_out]
        assert self._server.peer is not None
        assert self._server._transport is not None
        raw: socket.socket = self._server._transport.get_extra_info("socket")._sock
        size = struct.pack("@H", len(packets[0]))
        address = self._server.peer.address
        raw.sendmsg([b"".join(packets)], [(socket.IPPROTO_UDP, UDP_SEGMENT, size)], 0, address)

    def repeat(self, sequence: int) -> None:
        """The packet again, by RTX."""
        data = write_rtp(
            payload_type=VP8_RTX,
            marker=False,
            sequence_number=1,
            timestamp=(self.frame_number - 1) * 3_600,
            ssrc=VIDEO_RTX_SSRC,
            payload=struct.pack("!H", sequence) + DELTA,
        )
        self._server.send_rtp(data, 1)


@pytest_asyncio.fixture
async def crowd(server: LoopbackServer, http: aiohttp.ClientSession) -> AsyncIterator[tuple[Crowd, Meter]]:
    meter = Meter(time.time())
    watching = Crowd(WatchJob((endpoint(server),)), http, meter)
    await watching.start()
    yield watching, meter
    await watching.close()


async def joined(server: LoopbackServer, crowd: Crowd, meter: Meter) -> Camera:
    crowd.want(1)
    await server.until(lambda: crowd.sessions == 1)
    camera = Camera(server)
    camera.frame(key=True)
    await server.until(lambda: meter.join)
    return camera


async def test_a_viewer_counts_joins_reports_and_leaves(
    server: LoopbackServer, crowd: tuple[Crowd, Meter]
) -> None:
    watching, meter = crowd
    camera = await joined(server, watching, meter)
    for _ in range(100):
        camera.frame()
        await asyncio.sleep(0.002)
    await server.until(lambda: meter.packets == 303)
    assert (meter.missing, meter.lost, dict(meter.failed)) == (0, 0, {})
    assert sum(meter.gap.values()) == 100
    tick = meter.take(time.time(), watching.sessions, watching.opening)
    assert (tick.opened, tick.sessions, tick.opening) == (1, 1, 0)
    assert tick.latency.count >= 1
    median = tick.latency.percentile(0.5)
    assert median is not None
    assert median >= 10  # what the stamps pretend
    camera.frame()  # feedback goes out after a packet
    await asyncio.sleep(0.11)
    camera.frame()
    await server.until(lambda: told(server) >= set(range(65_500, 65_536)) | set(range(200)))
    await server.until(lambda: any(isinstance(report, ReceiverReport) for report in server.rtcp))
    watching.want(0)
    await server.until(lambda: server.deleted == 1)
    assert watching.sessions == 0


def told(server: LoopbackServer) -> set[int]:
    """The numbers of which feedback said that they arrived."""
    return {
        report.base_sequence + place & 0xFFFF
        for report in server.rtcp
        if isinstance(report, TransportFeedback)
        for place, arrival in enumerate(report.arrivals)
        if arrival is not None
    }


async def test_a_viewer_asks_for_what_is_missing(server: LoopbackServer, crowd: tuple[Crowd, Meter]) -> None:
    watching, meter = crowd
    camera = await joined(server, watching, meter)
    camera.frame(leave_out=1)
    await server.until(lambda: any(isinstance(report, Nack) for report in server.rtcp))
    nack = next(report for report in server.rtcp if isinstance(report, Nack))
    assert nack.lost == (camera.sequence - 2 & 0xFFFF,)
    assert not meter.gap
    camera.repeat(nack.lost[0])
    await server.until(lambda: meter.gap)
    assert (meter.missing, meter.lost, meter.packets) == (1, 0, 5)


async def test_what_is_not_repaired_is_lost_and_a_keyframe_asked_for(
    server: LoopbackServer, crowd: tuple[Crowd, Meter]
) -> None:
    watching, meter = crowd
    camera = await joined(server, watching, meter)
    camera.frame(leave_out=1)
    await server.until(lambda: meter.lost)
    await server.until(lambda: any(isinstance(report, PictureLossIndication) for report in server.rtcp))
    camera.frame()
    camera.frame(key=True)
    await server.until(lambda: meter.freezes)
    assert meter.missing == 1


async def test_a_reader_that_was_late_blames_nobody(
    server: LoopbackServer, crowd: tuple[Crowd, Meter]
) -> None:
    watching, meter = crowd
    camera = await joined(server, watching, meter)

    def film() -> None:
        for _ in range(30):
            camera.frame()
            time.sleep(0.04)

    thread = threading.Thread(target=film)
    thread.start()
    thread.join()  # the loop stands still, the sockets fill
    await server.until(lambda: meter.packets == 93)
    assert (meter.freezes, meter.lost) == (0, 0)
    assert meter.lag > 1


async def test_a_forged_packet_is_an_error(server: LoopbackServer, crowd: tuple[Crowd, Meter]) -> None:
    watching, meter = crowd
    await joined(server, watching, meter)
    assert server._transport is not None
    assert server.peer is not None
    for number in range(100):
        header = struct.pack("!BBHII", 0x80, OPUS, number, number * 960, AUDIO_SSRC)
        server._transport.sendto(header + bytes(60), server.peer.address)
    await server.until(lambda: meter.failed["packet not authentic"])


async def test_a_server_that_ends_the_session_is_told_by_reason(
    server: LoopbackServer, crowd: tuple[Crowd, Meter]
) -> None:
    watching, meter = crowd
    await joined(server, watching, meter)
    server.hang_up()
    await server.until(lambda: meter.failed["closed_by_peer"])
    await server.until(lambda: watching.sessions == 1)  # another came in its place


async def test_refusals_are_counted_by_status(server: LoopbackServer, http: aiohttp.ClientSession) -> None:
    meter = Meter(time.time())
    wrong = Endpoint(server.url("whip"), server.url("whep"), "", "wrong")
    watching = Crowd(WatchJob((wrong,)), http, meter)
    await watching.start()
    watching.want(1)
    await server.until(lambda: meter.failed["HTTP 401"])
    assert watching.opening == 1
    await watching.close()


async def test_viewers_come_and_go(server: LoopbackServer, http: aiohttp.ClientSession) -> None:
    meter = Meter(time.time())
    watching = Crowd(WatchJob((endpoint(server),), stay=0.05), http, meter)
    await watching.start()
    watching.want(1)
    await server.until(lambda: meter.opened >= 3)
    await watching.close()
    assert server.deleted >= 3
    assert not meter.failed


@pytest_asyncio.fixture
async def studio(
    server: LoopbackServer, http: aiohttp.ClientSession, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> AsyncIterator[Studio]:
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path))
    monkeypatch.setattr(clip, "LOOP_SECONDS", 4.0)
    layers = (Layer("l", 150, 160, 90), Layer("h", 400, 320, 180))
    job = PublishJob((endpoint(server),), "vp8", layers, keyframe_seconds=4.0)
    publishing = Studio(job, http, Meter(time.time()))
    await publishing.start()
    yield publishing
    await publishing.close()


async def test_a_publisher_sends_layers_and_sound_and_obeys(server: LoopbackServer, studio: Studio) -> None:
    assert studio.sessions == 1
    assert studio.opening == 0
    await server.until(lambda: any(isinstance(report, SenderReport) for report in server.rtcp))
    assert server.negotiated is not None
    video = next(line for line in server.negotiated.media if line.kind == "video")
    streams: dict[str, list[int]] = {}
    for packet in server.rtp:
        rid = packet.extensions.get(video.extensions[extensions.RID])
        streams.setdefault(rid.decode() if rid else "", []).append(packet.sequence_number)
    assert set(streams) == {"", "l", "h"}
    for numbers in streams.values():
        assert all(b - a & 0xFFFF == 1 for a, b in itertools.pairwise(numbers))
    wanted = next(p for p in server.rtp if p.extensions.get(video.extensions[extensions.RID]) == b"h")
    server.send_rtcp(Nack(1, wanted.ssrc, (wanted.sequence_number,)).encode())
    await server.until(lambda: any(repeats(p, wanted.sequence_number) for p in server.rtp))
    before = len(server.rtp)
    server.send_rtcp(PictureLossIndication(1, wanted.ssrc).encode())
    await server.until(
        lambda: any(p.ssrc == wanted.ssrc and vp8.is_keyframe(p.payload) for p in server.rtp[before:])
    )
    await studio.close()
    assert server.deleted == 1
    await server.until(lambda: any(isinstance(report, Bye) for report in server.rtcp))


def repeats(packet: object, sequence: int) -> bool:
    payload_type, payload = getattr(packet, "payload_type", 0), getattr(packet, "payload", b"")
    return payload_type == VP8_RTX and payload[:2] == struct.pack("!H", sequence)


async def worker() -> asyncio.subprocess.Process:
    return await asyncio.create_subprocess_exec(
        sys.executable,
        "-m",
        "loadtest.engine",
        stdin=asyncio.subprocess.PIPE,
        stdout=asyncio.subprocess.PIPE,
    )


async def test_a_worker_is_ready_ticks_and_stops(server: LoopbackServer) -> None:
    process = await worker()
    assert process.stdin is not None
    assert process.stdout is not None
    process.stdin.write(job_line(WatchJob((endpoint(server),))).encode() + b"\n")
    assert json.loads(await process.stdout.readline()) == {"event": "ready", "obeys": ["loss"]}
    process.stdin.write(command_line(Command("sessions", 1)).encode() + b"\n")
    opened = 0
    while not opened:
        tick = json.loads(await process.stdout.readline())
        assert tick["event"] == "tick"
        opened += tick["opened"]
    process.stdin.write(command_line(Command("stop")).encode() + b"\n")
    rest, _ = await process.communicate()
    assert process.returncode == 0
    assert json.loads(rest.splitlines()[-1])["sessions"] == 0
    assert server.deleted == 1


async def test_a_worker_ends_with_its_input(server: LoopbackServer) -> None:
    process = await worker()
    rest, _ = await process.communicate(job_line(WatchJob((endpoint(server),))).encode() + b"\n")
    assert process.returncode == 0
    assert json.loads(rest.splitlines()[0])["event"] == "ready"


async def test_a_job_that_cannot_be_read_is_an_error() -> None:
    process = await worker()
    rest, _ = await process.communicate(b'{"role": "sing"}\n')
    assert process.returncode == 1
    assert json.loads(rest)["event"] == "error"

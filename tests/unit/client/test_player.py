"""The player against a real transport on loopback."""

from __future__ import annotations

import time
from collections.abc import AsyncIterator

import aiohttp
import pytest
import pytest_asyncio

from gateway.client.player import Player, PlayRequest
from gateway.protocol import extensions
from gateway.protocol.rtcp import (
    Nack,
    PictureLossIndication,
    ReceiverReport,
    SenderReport,
    TransportFeedback,
)
from gateway.protocol.rtp import RtpPacket, encode_extensions, write_rtp
from tests.unit.client.loopback import TOKEN, VIDEO_SSRC, LoopbackServer


@pytest_asyncio.fixture
async def server() -> AsyncIterator[LoopbackServer]:
    async with LoopbackServer() as running:
        yield running


@pytest_asyncio.fixture
async def http() -> AsyncIterator[aiohttp.ClientSession]:
    async with aiohttp.ClientSession() as session:
        yield session


def send_video(server: LoopbackServer, *sequences: int, numbers: dict[int, int] | None = None) -> None:
    """`numbers` are the transport-wide ones, by sequence number."""
    for sequence in sequences:
        packet = write_rtp(
            payload_type=96,
            marker=True,
            sequence_number=sequence,
            timestamp=sequence * 3_000,
            ssrc=VIDEO_SSRC,
            payload=b"x" * 100,
            extensions=_numbered(server, numbers[sequence]) if numbers else b"",
        )
        server.send_rtp(packet, sequence)


def told(server: LoopbackServer) -> dict[int, bool]:
    """Whether the packet with this transport-wide number arrived, as the feedback has it."""
    arrived: dict[int, bool] = {}
    for feedback in (report for report in server.rtcp if isinstance(report, TransportFeedback)):
        assert feedback.media_ssrc == VIDEO_SSRC
        for place, arrival in enumerate(feedback.arrivals):
            arrived[feedback.base_sequence + place & 0xFFFF] = arrival is not None
    return arrived


def _numbered(server: LoopbackServer, number: int) -> bytes:
    assert server.negotiated is not None
    ids = next(line.extensions for line in server.negotiated.media if line.kind == "video")
    return encode_extensions({ids[extensions.TRANSPORT_CC]: number.to_bytes(2, "big")})


async def test_packets_are_counted_gaps_asked_for_and_reported(
    server: LoopbackServer, http: aiohttp.ClientSession
) -> None:
    player = Player(PlayRequest(server.url("whep"), TOKEN), http)
    await player.open()
    send_video(server, 10, 11, 14)
    server.send_rtcp(SenderReport(VIDEO_SSRC, 1 << 32, 5, 3, 300).encode())
    await server.until(lambda: any(isinstance(report, Nack) for report in server.rtcp))
    [nack] = [report for report in server.rtcp if isinstance(report, Nack)]
    assert (nack.media_ssrc, nack.lost) == (VIDEO_SSRC, (12, 13))
    send_video(server, 12)
    await server.until(lambda: any(isinstance(report, ReceiverReport) for report in server.rtcp))
    [report] = next(report for report in server.rtcp if isinstance(report, ReceiverReport)).reports
    assert (report.ssrc, report.cumulative_lost, report.last_sr) == (VIDEO_SSRC, 1, 1 << 16)
    stream = player.streams[VIDEO_SSRC]
    assert (stream.packets, stream.bytes, stream.lost) == (4, 400, 1)
    player.request_keyframe()
    await server.until(lambda: any(isinstance(report, PictureLossIndication) for report in server.rtcp))
    await player.close()
    await player.close()
    assert (server.deleted, await player.closed) == (1, "closed")


@pytest.mark.parametrize("timestamps", [False, True])
async def test_each_packet_is_handed_over_with_its_arrival(
    server: LoopbackServer, http: aiohttp.ClientSession, timestamps: bool
) -> None:
    seen: list[tuple[RtpPacket, float]] = []
    player = Player(
        PlayRequest(server.url("whep"), TOKEN, timestamps=timestamps),
        http,
        lambda packet, arrived: seen.append((packet, arrived)),
    )
    await player.open()
    send_video(server, 1)
    await server.until(lambda: seen)
    packet, arrived = seen[0]
    assert packet.payload == b"x" * 100
    assert arrived == pytest.approx(time.time() if timestamps else time.monotonic(), abs=5)
    await player.close()


@pytest.mark.parametrize("timestamps", [False, True])
async def test_the_server_is_told_what_arrived_and_what_did_not(
    server: LoopbackServer, http: aiohttp.ClientSession, timestamps: bool
) -> None:
    request = PlayRequest(server.url("whep"), TOKEN, timestamps=timestamps, transport_cc=True)
    player = Player(request, http)
    await player.open()
    send_video(server, 1, 2, 3, numbers={1: 65_534, 2: 65_535, 3: 2})
    await server.until(lambda: 2 in told(server))
    assert told(server) == {65_534: True, 65_535: True, 0: False, 1: False, 2: True}
    await player.close()


async def test_garbage_from_the_server_is_counted_and_changes_nothing(
    server: LoopbackServer, http: aiohttp.ClientSession
) -> None:
    player = Player(PlayRequest(server.url("whep"), TOKEN), http)
    await player.open()
    server._send(b"\x80" + bytes(40))
    server._send(b"\xff" * 40)
    server._send(b"\x00" * 40)
    send_video(server, 1)
    await server.until(lambda: player.streams)
    assert player.session.drops == {
        "client_srtp_auth": 1,
        "client_unknown_datagram": 1,
        "client_stun_malformed": 1,
    }
    await player.close()

"""The publisher against a real transport on loopback."""

from __future__ import annotations

from collections.abc import AsyncIterator

import aiohttp
import pytest
import pytest_asyncio
from aiohttp import web

from gateway.client.errors import ClientError, Refused
from gateway.client.offer import H264, OPUS
from gateway.client.publisher import Publisher, PublishRequest
from gateway.protocol import extensions as uri
from gateway.protocol.description import MediaKind
from gateway.protocol.rtcp import (
    Bye,
    FullIntraRequest,
    Nack,
    PictureLossIndication,
    SenderReport,
    SourceDescription,
)
from gateway.protocol.srtp import SrtpProfile
from tests.unit.client.loopback import TOKEN, LoopbackServer

RIDS = ("l", "m", "h")


@pytest_asyncio.fixture
async def http() -> AsyncIterator[aiohttp.ClientSession]:
    async with aiohttp.ClientSession() as session:
        yield session


@pytest_asyncio.fixture
async def server() -> AsyncIterator[LoopbackServer]:
    async with LoopbackServer() as running:
        yield running


def request(server: LoopbackServer, **changes: object) -> PublishRequest:
    return PublishRequest(server.url("whip"), TOKEN, **{"rids": RIDS, **changes})  # type: ignore[arg-type]


async def test_layers_and_sound_arrive_tagged_and_protected(
    server: LoopbackServer, http: aiohttp.ClientSession
) -> None:
    publisher = Publisher(request(server), http, lambda _: None)
    await publisher.open()
    assert publisher.session.connection.profile is SrtpProfile.AEAD_AES_128_GCM
    assert publisher.rids == RIDS
    for rid in RIDS:
        publisher.send_video(rid, [b"\x41" + rid.encode()], 1_790_000_000.0)
    publisher.send_audio(b"opus", 1_790_000_000.0)
    await server.until(lambda: len(server.rtp) == 4)
    assert server.negotiated is not None
    video = server.negotiated.first(MediaKind.VIDEO)
    assert video is not None
    assert video.rids == RIDS
    rid_id, mid_id = video.extensions[uri.RID], video.extensions[uri.MID]
    assert [packet.payload for packet in server.rtp] == [b"\x41l", b"\x41m", b"\x41h", b"opus"]
    assert [packet.extensions.get(rid_id) for packet in server.rtp] == [b"l", b"m", b"h", None]
    assert [packet.extensions[mid_id] for packet in server.rtp] == [b"1", b"1", b"1", b"0"]
    assert [packet.payload_type for packet in server.rtp] == [H264.payload_type] * 3 + [OPUS.payload_type]
    assert len({packet.ssrc for packet in server.rtp}) == 4
    await publisher.close()


async def test_reports_carry_a_common_cname_and_leaving_says_goodbye(
    server: LoopbackServer, http: aiohttp.ClientSession
) -> None:
    publisher = Publisher(request(server, rids=()), http, lambda _: None)
    await publisher.open()
    publisher.send_video(None, [b"\x41"], 1.0)
    publisher.send_audio(b"opus", 1.0)
    await server.until(lambda: sum(isinstance(report, SenderReport) for report in server.rtcp) == 2)
    names = [report for report in server.rtcp if isinstance(report, SourceDescription)]
    assert len({name for report in names for name in report.chunks.values()}) == 1
    await publisher.close()
    await publisher.close()
    assert await publisher.closed == "closed"
    await server.until(lambda: any(isinstance(report, Bye) for report in server.rtcp))
    assert server.deleted == 1
    await server.until(lambda: server.peer is not None and server.peer.state == "closed")


async def test_a_nack_is_answered_and_keyframe_requests_name_their_layer(
    server: LoopbackServer, http: aiohttp.ClientSession
) -> None:
    asked: list[str | None] = []
    publisher = Publisher(request(server), http, asked.append)
    await publisher.open()
    publisher.send_video("l", [b"low"], 1.0)
    publisher.send_video("h", [b"one", b"two"], 1.0)
    await server.until(lambda: len(server.rtp) == 3)
    low, _, high = server.rtp
    server.send_rtcp(Nack(9, high.ssrc, (high.sequence_number,)).encode())
    server.send_rtcp(
        PictureLossIndication(9, high.ssrc).encode() + FullIntraRequest(9, ((low.ssrc, 1),)).encode()
    )
    server.send_rtcp(PictureLossIndication(9, 4_242).encode())
    await server.until(lambda: len(server.rtp) == 4 and len(asked) == 2)
    assert asked == ["h", "l"]
    assert server.rtp[3].payload == high.sequence_number.to_bytes(2, "big") + b"two"
    assert server.rtp[3].payload_type == H264.rtx_payload_type
    await publisher.close()


async def test_the_servers_hanging_up_ends_the_session(
    server: LoopbackServer, http: aiohttp.ClientSession
) -> None:
    publisher = Publisher(request(server), http, lambda _: None)
    await publisher.open()
    server.hang_up()
    assert await publisher.closed == "closed_by_peer"
    publisher.send_video("l", [b"late"], 1.0)
    await publisher.close()
    assert server.rtp == []


@pytest.mark.parametrize(
    ("response", "status", "retry_after"),
    [
        (lambda: web.json_response({"detail": "taken"}, status=409, headers={"Retry-After": "3"}), 409, 3.0),
        (lambda: web.Response(status=503, text="<html>"), 503, None),
        (lambda: web.Response(status=200, text="v=0"), 200, None),
    ],
)
async def test_a_refusal_is_told_with_its_status(
    server: LoopbackServer, http: aiohttp.ClientSession, response, status: int, retry_after: float | None
) -> None:  # type: ignore[no-untyped-def]
    server.answer_with = response()
    with pytest.raises(Refused) as refusal:
        await Publisher(request(server), http, lambda _: None).open()
    assert (refusal.value.status, refusal.value.retry_after) == (status, retry_after)


@pytest.mark.parametrize("text", ["", "v=0\r\n", "no sdp"])
async def test_an_unusable_answer_is_an_error_and_the_resource_is_given_back(
    server: LoopbackServer, http: aiohttp.ClientSession, text: str
) -> None:
    server.answer_with = web.Response(status=201, text=text, headers={"Location": "/session/1"})
    publisher = Publisher(request(server), http, lambda _: None)
    with pytest.raises(ClientError):
        await publisher.open()
    assert server.deleted == 1
    assert publisher.closed.done()


async def test_no_location_and_no_server_are_errors(
    server: LoopbackServer, http: aiohttp.ClientSession
) -> None:
    server.location = None
    with pytest.raises(ClientError, match="Location"):
        await Publisher(request(server), http, lambda _: None).open()
    nobody = PublishRequest("http://127.0.0.1:1/whip", TOKEN)
    with pytest.raises(ClientError, match="no answer"):
        await Publisher(nobody, http, lambda _: None).open()


def test_the_token_is_in_no_representation() -> None:
    assert "s3cret" not in repr(PublishRequest("http://127.0.0.1/", "s3cret"))

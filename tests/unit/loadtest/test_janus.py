"""The adapter for Janus, on a server that speaks its protocol, and the offers that meet."""

from __future__ import annotations

import json
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

import aiohttp
import pytest
from aiohttp import web

from gateway.client.answer import read_answer
from gateway.client.errors import ClientError, Refused
from gateway.client.offer import Offer, play_offer
from gateway.protocol.description import DtlsRole, Fingerprint, IceCredentials, MediaKind
from gateway.protocol.sdp.parser import parse
from loadtest import adapters
from loadtest.janus import turned

OUR_PRINT = ":".join(["CC"] * 32)
THEIR_OFFER = """v=0
o=- 1 1 IN IP4 127.0.0.1
s=VideoRoom 1234
t=0 0
a=group:BUNDLE a v d
a=ice-options:trickle
a=fingerprint:sha-256 PRINT
a=msid-semantic: WMS *
a=ice-lite
m=audio 9 UDP/TLS/RTP/SAVPF 111
c=IN IP4 127.0.0.1
a=sendonly
a=mid:a
a=rtcp-mux
a=ice-ufrag:theirs
a=ice-pwd:their-password-of-janus
a=setup:actpass
a=rtpmap:111 opus/48000/2
a=extmap:7 urn:ietf:params:rtp-hdrext:sdes:mid
a=candidate:1 1 udp 2130706431 127.0.0.1 30000 typ host
a=end-of-candidates
m=video 9 UDP/TLS/RTP/SAVPF 96 97 50
c=IN IP4 127.0.0.1
a=sendonly
a=mid:v
a=rtcp-mux
a=ice-ufrag:theirs
a=ice-pwd:their-password-of-janus
a=setup:actpass
a=rtpmap:96 VP8/90000
a=rtcp-fb:96 nack
a=rtpmap:97 rtx/90000
a=fmtp:97 apt=96
a=rtpmap:50 strange/90000
a=extmap:7 urn:ietf:params:rtp-hdrext:sdes:mid
a=extmap:9 urn:3gpp:video-orientation
a=candidate:1 1 udp 2130706431 127.0.0.1 30000 typ host
m=application 9 UDP/DTLS/SCTP webrtc-datachannel
c=IN IP4 127.0.0.1
a=mid:d
""".replace("PRINT", ":".join(["AA"] * 32))


def our_offer() -> Offer:
    ice, fingerprint = IceCredentials("ours", "our-password-of-viewers"), Fingerprint("sha-256", OUR_PRINT)
    return play_offer(ice=ice, fingerprint=fingerprint)


def test_their_offer_answers_ours() -> None:
    offer = our_offer()
    answer = read_answer(offer, turned(offer.text, THEIR_OFFER)[0])
    assert answer.remote.ice == IceCredentials("theirs", "their-password-of-janus")
    assert answer.remote.addresses == (("127.0.0.1", 30000),)
    assert answer.remote.our_role is DtlsRole.CLIENT  # Janus waits for our handshake
    video = answer.first(MediaKind.VIDEO)
    assert video is not None
    assert [(c.name, c.payload_type, c.rtx_payload_type) for c in video.codecs] == [("VP8", 96, 97)]
    assert video.extensions == {"urn:ietf:params:rtp-hdrext:sdes:mid": 7}
    assert answer.first(MediaKind.AUDIO) is not None


def test_our_offer_answers_theirs() -> None:
    reply = parse(turned(our_offer().text, THEIR_OFFER)[1])
    audio, video, data = reply.media
    assert (audio.mid, video.mid, data.mid) == ("a", "v", "d")
    assert video.formats == ("96", "97")
    assert not data.enabled
    transport = reply.transport_of(video)
    assert (transport.ice_ufrag, transport.setup) == ("ours", "active")
    assert transport.fingerprints[0].value == OUR_PRINT


def test_nothing_in_common_is_an_error() -> None:
    offer = play_offer(ice=IceCredentials("u", "p"), fingerprint=Fingerprint("sha-256", "AA"), audio=())
    with pytest.raises(ClientError, match="nothing that the viewers know"):
        turned(offer.text, THEIR_OFFER.replace("VP8", "VP7").replace("rtx", "fec"))


class Room:
    """A VideoRoom as far as the adapter uses it."""

    def __init__(self) -> None:
        self.asked: list[str] = []
        self.publishers: list[dict[str, Any]] = []
        self.replies: list[str] = []
        self.exists = False

    async def serve(self, request: web.Request) -> web.WebSocketResponse:
        socket = web.WebSocketResponse(protocols=("janus-protocol",))
        await socket.prepare(request)
        async for message in socket:
            asked = json.loads(message.data)
            for answer in self.answers(asked):
                await socket.send_json(answer | {"transaction": asked["transaction"]})
        return socket

    def answers(self, asked: dict[str, Any]) -> list[dict[str, Any]]:
        if asked["janus"] != "message":
            self.asked.append(asked["janus"])
            return [{"janus": "success", "data": {"id": 5}}]
        assert (asked["session_id"], asked["handle_id"]) == (5, 5)
        body = asked["body"]
        self.asked.append(body["request"])
        data: dict[str, Any] = {}
        jsep: dict[str, Any] = {}
        match body["request"]:
            case "create" if self.exists:
                data = {"error_code": 427, "error": "exists"}
            case "joinandconfigure":
                self.publishers.append({"id": 77, "publisher": True, "display": body["display"]})
                jsep = {"jsep": {"type": "answer", "sdp": "their answer"}}
            case "listparticipants":
                data = {"participants": self.publishers}
            case "join":
                assert body["streams"] == [{"feed": 77}]
                jsep = {"jsep": {"type": "offer", "sdp": THEIR_OFFER}}
            case "start":
                self.replies.append(asked["jsep"]["sdp"])
        event = {"janus": "event", "plugindata": {"data": data}, **jsep}
        return [{"janus": "ack"}, event]


@asynccontextmanager
async def janus(room: Room) -> AsyncIterator[tuple[str, aiohttp.ClientSession]]:
    app = web.Application()
    app.router.add_get("/", room.serve)
    runner = web.AppRunner(app, shutdown_timeout=1)
    await runner.setup()
    await web.TCPSite(runner, "127.0.0.1", 0).start()
    try:
        async with aiohttp.ClientSession() as http:
            yield f"http://127.0.0.1:{runner.addresses[0][1]}", http
    finally:
        await runner.cleanup()


@pytest.mark.parametrize("exists", [False, True])
async def test_a_room_is_published_to_and_watched(exists: bool) -> None:
    room = Room()
    room.exists = exists
    async with janus(room) as (url, http):
        endpoint = adapters.find("janus").endpoint(url, "1234", "main", "", "")
        answer, leave = await adapters.open("publish", endpoint, "offer", http)
        assert answer == "their answer"
        answer, close = await adapters.open("watch", endpoint, our_offer().text, http)
        assert "a=setup:passive" in answer
        assert "a=setup:active" in room.replies[0]
        for end in (close, close, leave):
            await end()
    assert room.asked == [
        *("create", "attach", "create", "joinandconfigure"),
        *("create", "attach", "listparticipants", "join", "start", "destroy", "destroy"),
    ]


async def test_an_empty_room_refuses_and_nothing_stays_open() -> None:
    room = Room()
    async with janus(room) as (url, http):
        endpoint = adapters.find("janus").endpoint(url, "1234", "main", "", "")
        with pytest.raises(Refused) as caught:
            await adapters.open("watch", endpoint, our_offer().text, http)
        assert caught.value.status == 409
        named = adapters.find("janus").endpoint(url, "workshop", "main", "", "")
        with pytest.raises(ClientError, match="numbers"):
            await adapters.open("publish", named, "offer", http)
    assert room.asked[-1] == "destroy"

"""A WHIP and WHEP endpoint on loopback for one session at a time: real ICE-lite, DTLS and SRTP, no SFU."""

from __future__ import annotations

import asyncio
from collections import Counter
from collections.abc import Callable
from typing import cast

from aiohttp import web
from aiohttp.test_utils import TestServer

from gateway.clock import SystemClock
from gateway.protocol.datagram import DatagramKind, classify
from gateway.protocol.description import Address, Candidate, NegotiatedSession
from gateway.protocol.dtls import Certificate
from gateway.protocol.ice import new_ice_credentials
from gateway.protocol.peer import PeerConnection, PeerState
from gateway.protocol.rtcp import RtcpPacket, parse_rtcp
from gateway.protocol.rtp import RtpPacket, parse_rtp
from gateway.protocol.sdp import (
    LocalDescription,
    PlayPolicy,
    PublishPolicy,
    SenderStream,
    negotiate_play,
    negotiate_publish,
    parse,
    write_answer,
)

TOKEN = "token"
VIDEO_SSRC, VIDEO_RTX_SSRC, AUDIO_SSRC = 1_001, 1_002, 1_003


class LoopbackServer(asyncio.DatagramProtocol):
    """`url("whip")` and `url("whep")` take offers; `rtp` and `rtcp` hold what came in."""

    def __init__(self) -> None:
        self.rtp: list[RtpPacket] = []
        self.rtcp: list[RtcpPacket] = []
        self.deleted = 0
        self.negotiated: NegotiatedSession | None = None
        self.peer: PeerConnection | None = None
        self.drops: Counter[str] = Counter()
        self.location: str | None = "/session/1"
        self.answer_with: web.Response | None = None
        self._certificate = Certificate.generate()
        self._transport: asyncio.DatagramTransport | None = None
        self._clock = SystemClock()
        app = web.Application()
        app.router.add_post("/{kind:whip|whep}", self._post)
        app.router.add_delete("/session/1", self._delete)
        self._server = TestServer(app)

    async def __aenter__(self) -> LoopbackServer:
        await self._server.start_server()
        loop = asyncio.get_running_loop()
        self._transport, _ = await loop.create_datagram_endpoint(lambda: self, ("127.0.0.1", 0))
        return self

    async def __aexit__(self, *_: object) -> None:
        assert self._transport is not None
        self._transport.close()
        await self._server.close()

    def url(self, kind: str) -> str:
        return str(self._server.make_url(f"/{kind}"))

    async def until(self, condition: Callable[[], object]) -> None:
        """Wait up to 10 s for `condition()` to hold."""
        for _ in range(2_000):
            if condition():
                return
            await asyncio.sleep(0.005)
        raise AssertionError("it did not happen")

    def send_rtp(self, packet: bytes, index: int) -> None:
        assert self.peer is not None
        assert self.peer.outbound is not None
        self._send(self.peer.outbound.protect_rtp(packet, index))

    def send_rtcp(self, packet: bytes) -> None:
        assert self.peer is not None
        assert self.peer.outbound is not None
        self._send(self.peer.outbound.protect_rtcp(packet))

    def hang_up(self) -> None:
        assert self.peer is not None
        self.peer.close()
        self._drain()

    def vanish(self) -> None:
        self.peer = None

    def datagram_received(self, data: bytes, addr: Address) -> None:
        peer, now = self.peer, self._clock.monotonic()
        if peer is None or peer.state in (PeerState.CLOSED, PeerState.FAILED):
            return
        kind = classify(data)
        if kind is DatagramKind.RTP:
            if packet := peer.unprotect_rtp(data, addr, now):
                self.rtp.append(parse_rtp(packet))
        elif kind is DatagramKind.RTCP:
            if packet := peer.unprotect_rtcp(data, addr, now):
                self.rtcp += parse_rtcp(packet)
        else:
            peer.receive(data, addr, now)
        self._drain()

    def _drain(self) -> None:
        assert self.peer is not None
        assert self._transport is not None
        for data, address in self.peer.take_datagrams():
            self._transport.sendto(data, address)

    def _send(self, data: bytes) -> None:
        assert self.peer is not None
        assert self._transport is not None
        self._transport.sendto(data, self.peer.address)

    async def _post(self, request: web.Request) -> web.Response:
        if self.answer_with is not None:
            return self.answer_with
        if request.headers["Authorization"] != f"Bearer {TOKEN}":
            return web.json_response({"detail": "no"}, status=401)
        offer = parse(await request.text())
        publish = request.match_info["kind"] == "whip"
        negotiated = (
            negotiate_publish(offer, PublishPolicy()) if publish else negotiate_play(offer, PlayPolicy())
        )
        ice = new_ice_credentials()
        self.negotiated = negotiated
        self.peer = PeerConnection(
            certificate=self._certificate,
            local_ice=ice,
            remote_ice=negotiated.remote_ice,
            dtls_role=negotiated.dtls_role,
            remote_fingerprints=negotiated.remote_fingerprints,
            now=self._clock.monotonic(),
            drops=self.drops,
        )
        assert self._transport is not None
        host, port = cast("Address", self._transport.get_extra_info("sockname"))
        local = LocalDescription(
            ice, self._certificate.fingerprint, (Candidate("1", 1, "udp", 1, host, port),), 1
        )
        answer = write_answer(offer, negotiated, local, {} if publish else self._streams(negotiated))
        headers = {"Location": self.location} if self.location else {}
        return web.Response(status=201, text=answer, content_type="application/sdp", headers=headers)

    @staticmethod
    def _streams(negotiated: NegotiatedSession) -> dict[str, SenderStream]:
        ssrcs = {"audio": (AUDIO_SSRC, None), "video": (VIDEO_SSRC, VIDEO_RTX_SSRC)}
        return {
            media.mid: SenderStream(
                media.mid, *ssrcs[str(media.kind)], "cname", "stream", f"track{media.mid}"
            )
            for media in negotiated.media
        }

    async def _delete(self, request: web.Request) -> web.Response:
        self.deleted += 1
        return web.Response()

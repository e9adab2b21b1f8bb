"""Publishes pre-packetised media with WHIP: simulcast layers, retransmission, sender reports.

Knows nothing of encoders: frames come in as RTP payloads, keyframe requests go out by callback.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field

import aiohttp

from gateway.client.answer import Answer
from gateway.client.offer import H264, OPUS, publish_offer
from gateway.client.rtp_sender import RtpSender, TransportSequence
from gateway.client.session import ClientSession
from gateway.clock import SystemClock
from gateway.errors import Malformed
from gateway.protocol.datagram import DatagramKind
from gateway.protocol.description import Codec, MediaKind
from gateway.protocol.ice import new_ice_credentials
from gateway.protocol.rtcp import (
    Bye,
    FullIntraRequest,
    Nack,
    PictureLossIndication,
    RtcpPacket,
    SourceDescription,
    parse_rtcp,
)

REPORT_INTERVAL = 1.0
_CNAME = "camera"


@dataclass(frozen=True, slots=True)
class PublishRequest:
    """Where to and what. `rids` makes the video simulcast; without them it is one stream, rid None."""

    url: str
    token: str = field(repr=False)
    video: Codec | None = H264
    audio: Codec | None = OPUS
    rids: tuple[str, ...] = ()


class Publisher:
    """One WHIP session. `closed` resolves with the reason when it ends."""

    def __init__(
        self,
        request: PublishRequest,
        http: aiohttp.ClientSession,
        on_keyframe_request: Callable[[str | None], None],
    ) -> None:
        self.session = ClientSession(request.url, request.token, http, self._on_packet)
        self.keyframe_requests = 0
        self._request = request
        self._on_keyframe_request = on_keyframe_request
        self._clock = SystemClock()
        self._video: dict[str | None, RtpSender] = {}
        self._audio: RtpSender | None = None
        self._by_ssrc: dict[int, RtpSender] = {}
        self._reports: asyncio.Task[None] | None = None

    @property
    def closed(self) -> asyncio.Future[str]:
        """Resolves with the reason when the session ends."""
        return self.session.closed

    @property
    def rids(self) -> tuple[str | None, ...]:
        """The layers that the server accepted; (None,) without simulcast."""
        return tuple(self._video)

    async def open(self) -> None:
        """Connect. Raises Refused or another ClientError."""
        offer = publish_offer(
            video=self._request.video,
            audio=self._request.audio,
            rids=self._request.rids,
            ice=new_ice_credentials(),
            fingerprint=self.session.certificate.fingerprint,
        )
        answer = await self.session.open(offer)
        self._make_senders(answer)
        self._reports = asyncio.create_task(self._report(), name="publisher reports")

    def send_video(
        self, rid: str | None, payloads: Sequence[bytes], captured: float, *, last: bool = True
    ) -> None:
        """Send payloads of a frame of a layer, captured at Unix time `captured`; `last` ends the frame.

        A layer that the server did not accept is ignored.
        """
        sender = self._video.get(rid)
        if sender is not None:
            self._send(sender.frame(payloads, captured, marker=last))

    def send_audio(self, payload: bytes, captured: float) -> None:
        """Send one audio packet whose first sample was taken at Unix time `captured`."""
        if self._audio is not None:
            self._send(self._audio.frame((payload,), captured, marker=False))

    async def close(self) -> None:
        """Say goodbye (RTCP BYE, close_notify, DELETE). May be called again."""
        if self._reports is not None:
            self._reports.cancel()
            self._reports = None
            if not self.closed.done():
                self.session.send_rtcp(Bye(tuple(self._by_ssrc)).encode())
        await self.session.close()

    def _make_senders(self, answer: Answer) -> None:
        transport = TransportSequence()
        audio = answer.first(MediaKind.AUDIO)
        if audio is not None:
            self._audio = RtpSender(
                audio.codecs[0], audio.ssrcs[0], audio.extensions, transport, mid=audio.mid
            )
            self._by_ssrc[self._audio.ssrc] = self._audio
        video = answer.first(MediaKind.VIDEO)
        if video is None:
            return
        for rid, ssrcs in zip(video.rids or (None,), video.ssrcs, strict=False):
            sender = RtpSender(video.codecs[0], ssrcs, video.extensions, transport, mid=video.mid, rid=rid)
            self._video[rid] = sender
            self._by_ssrc[sender.ssrc] = sender

    def _send(self, packets: Sequence[tuple[bytes, int]]) -> None:
        if not self.closed.done():
            for packet, index in packets:
                self.session.send_rtp(packet, index)

    async def _report(self) -> None:
        """Sender reports on one common NTP time base: receivers align sound and picture by them."""
        while not self.closed.done():
            now = self._clock.time()
            for sender in self._by_ssrc.values():
                report = sender.report(now)
                if report is not None:
                    cname = SourceDescription({sender.ssrc: _CNAME})
                    self.session.send_rtcp(report.encode() + cname.encode())
            await asyncio.sleep(REPORT_INTERVAL)

    def _on_packet(self, kind: DatagramKind, packet: bytes, now: float) -> None:
        if kind is not DatagramKind.RTCP:
            return
        try:
            reports = parse_rtcp(packet)
        except Malformed:
            self.session.drops["client_rtcp_malformed"] += 1
            return
        for report in reports:
            self._on_rtcp(report)

    def _on_rtcp(self, report: RtcpPacket) -> None:
        if isinstance(report, Nack):
            sender = self._by_ssrc.get(report.media_ssrc)
            if sender is not None:
                self._send(sender.retransmit(report.lost))
        elif isinstance(report, PictureLossIndication):
            self._request_keyframe(report.media_ssrc)
        elif isinstance(report, FullIntraRequest):
            for ssrc, _ in report.entries:
                self._request_keyframe(ssrc)

    def _request_keyframe(self, ssrc: int) -> None:
        sender = self._by_ssrc.get(ssrc)
        if sender is not None and sender is not self._audio:
            self.keyframe_requests += 1
            self._on_keyframe_request(sender.rid)

"""Watches with WHEP without decoding: counts, reports, asks again for what is missing.

Lean enough for hundreds in one process; the load test and the benchmarks are made of these.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from dataclasses import dataclass, field

import aiohttp

from gateway.client.answer import Answer
from gateway.client.offer import play_offer
from gateway.client.rtp_receiver import RtpReceiver
from gateway.client.session import ClientSession
from gateway.clock import SystemClock
from gateway.errors import Malformed
from gateway.protocol import extensions
from gateway.protocol.datagram import DatagramKind
from gateway.protocol.description import Codec
from gateway.protocol.ice import new_ice_credentials
from gateway.protocol.rtcp import (
    Nack,
    PictureLossIndication,
    ReceiverReport,
    SenderReport,
    parse_rtcp,
)
from gateway.protocol.rtp import RtpPacket, parse_rtp
from gateway.protocol.twcc import TransportCcReceiver

REPORT_INTERVAL = 1.0
FEEDBACK_INTERVAL = 0.05
"""Seconds between two transport-wide feedbacks: libwebrtc's, from 220 kbit/s on."""


@dataclass(frozen=True, slots=True)
class PlayRequest:
    """Where from and how.

    `nack` asks again for gaps, `timestamps` takes arrival times from the kernel, `transport_cc` tells the
    server of every arrival, as browsers do.
    """

    url: str
    token: str = field(repr=False)
    nack: bool = True
    timestamps: bool = False
    transport_cc: bool = False


class Player:
    """One WHEP session. `closed` resolves with the reason when it ends.

    `on_rtp(packet, arrived)` sees every media packet; `arrived` is Unix time with `timestamps`, else
    monotonic seconds.
    """

    def __init__(
        self,
        request: PlayRequest,
        http: aiohttp.ClientSession,
        on_rtp: Callable[[RtpPacket, float], None] | None = None,
    ) -> None:
        self.session = ClientSession(
            request.url, request.token, http, self._on_packet, timestamps=request.timestamps
        )
        self.streams: dict[int, RtpReceiver] = {}
        """By ssrc; retransmissions are streams of their own."""
        self.codecs: dict[int, Codec] = {}
        """By payload type, as the answer has them."""
        self._nack = request.nack
        self._on_rtp = on_rtp
        self._clock = SystemClock()
        self._rtx: set[int] = set()
        self._arrivals = TransportCcReceiver(1) if request.transport_cc else None
        self._number_id = 0
        self._tasks: list[asyncio.Task[None]] = []

    @property
    def closed(self) -> asyncio.Future[str]:
        """Resolves with the reason when the session ends."""
        return self.session.closed

    async def open(self) -> None:
        """Connect. Raises Refused (409 while nobody publishes) or another ClientError."""
        offer = play_offer(ice=new_ice_credentials(), fingerprint=self.session.certificate.fingerprint)
        answer = await self.session.open(offer)
        self._read_codecs(answer)
        self._tasks = [asyncio.create_task(self._report(), name="player reports")]
        if self._arrivals is not None:
            feedback = self._tell_arrivals(self._arrivals)
            self._tasks.append(asyncio.create_task(feedback, name="player feedback"))

    def request_keyframe(self) -> None:
        """Send a PLI for every video stream."""
        for stream in self.streams.values():
            if stream.clock_rate == 90_000:
                self.session.send_rtcp(PictureLossIndication(1, stream.ssrc).encode())

    async def close(self) -> None:
        """Leave. May be called again."""
        for task in self._tasks:
            task.cancel()
        self._tasks = []
        await self.session.close()

    def _read_codecs(self, answer: Answer) -> None:
        for line in answer.media:
            self._number_id = line.extensions.get(extensions.TRANSPORT_CC, self._number_id)
            for codec in line.codecs:
                self.codecs[codec.payload_type] = codec
                if codec.rtx_payload_type is not None:
                    self._rtx.add(codec.rtx_payload_type)

    def _on_packet(self, kind: DatagramKind, packet: bytes, now: float) -> None:
        try:
            if kind is DatagramKind.RTP:
                self._on_media(parse_rtp(packet), now)
            else:
                self._on_reports(packet, now)
        except Malformed:
            self.session.drops["client_media_malformed"] += 1

    def _on_media(self, packet: RtpPacket, now: float) -> None:
        stream = self.streams.get(packet.ssrc)
        if stream is None:
            codec = self.codecs.get(packet.payload_type)
            stream = RtpReceiver(packet.ssrc, codec.clock_rate if codec else 90_000)
            self.streams[packet.ssrc] = stream
        missing = stream.add(packet.sequence_number, packet.timestamp, len(packet.payload), now)
        if missing and self._nack and packet.payload_type not in self._rtx:
            self.session.send_rtcp(Nack(1, packet.ssrc, tuple(missing)).encode())
        arrived = self.session.arrived_at or now
        if self._arrivals is not None:
            number = packet.extensions.get(self._number_id)
            if number is not None:
                self._arrivals.media_ssrc = packet.ssrc
                self._arrivals.add(int.from_bytes(number[:2], "big"), arrived)
        if self._on_rtp is not None:
            self._on_rtp(packet, arrived)

    def _on_reports(self, packet: bytes, now: float) -> None:
        for report in parse_rtcp(packet):
            if isinstance(report, SenderReport) and report.ssrc in self.streams:
                self.streams[report.ssrc].sender_report(report.ntp, now)

    async def _report(self) -> None:
        while not self.closed.done():
            await asyncio.sleep(REPORT_INTERVAL)
            now = self._clock.monotonic()
            reports = [report for stream in self.streams.values() if (report := stream.report(now))]
            if reports and not self.closed.done():
                self.session.send_rtcp(ReceiverReport(1, tuple(reports[:31])).encode())

    async def _tell_arrivals(self, arrivals: TransportCcReceiver) -> None:
        while not self.closed.done():
            await asyncio.sleep(FEEDBACK_INTERVAL)
            now = self._clock.monotonic() if self.session.arrived_at is None else self._clock.time()
            while (feedback := arrivals.build(now)) is not None and not self.closed.done():
                self.session.send_rtcp(feedback)

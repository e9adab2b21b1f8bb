"""What a publisher is told: reports, transport-wide feedback, missing packets, keyframes wanted."""

from __future__ import annotations

import secrets
from collections.abc import Sequence

from gateway.protocol.description import MediaKind
from gateway.protocol.rtcp import (
    FullIntraRequest,
    Nack,
    PictureLossIndication,
    ReceiverReport,
    Remb,
    SourceDescription,
)
from gateway.protocol.twcc import TransportCcReceiver
from gateway.sfu.layer import Layer
from gateway.sfu.ports import MediaLink
from gateway.sfu.remb import RembEstimator
from gateway.sfu.track import PublishedTrack

REPORT_INTERVAL = 1.0
"""Seconds between receiver reports."""
TWCC_INTERVAL = 0.1
"""Seconds between transport-wide feedback packets; libwebrtc sends between 50 and 250 ms."""


class PublisherFeedback:
    """Sends RTCP to one publisher through its link; `poll` does what is due."""

    def __init__(
        self, tracks: Sequence[PublishedTrack], link: MediaLink, twcc: TransportCcReceiver | None
    ) -> None:
        self._tracks = tracks
        self._link = link
        self._twcc = twcc
        self._ssrc = secrets.randbits(32)
        self._remb = None if twcc or not self._offers("goog-remb") else RembEstimator()
        self._fir_sequence = 0
        self._next_report = self._next_twcc = 0.0
        self._cname = f"gateway-{self._ssrc:08x}"

    def _offers(self, value: str) -> bool:
        return any(value in codec.feedback for track in self._tracks for codec in track.media.codecs)

    def poll(self, now: float) -> None:
        """Send everything that is due."""
        for track in self._tracks:
            for layer in track.layers.values():
                self._ask_for_missing(layer, now)
                self._ask_for_keyframe(layer, now)
                layer.meter.roll(now)
        if self._twcc is not None and now >= self._next_twcc:
            self._next_twcc = now + TWCC_INTERVAL
            while (packet := self._twcc.build(now)) is not None:
                self._link.send_rtcp(packet)
        if now >= self._next_report:
            self._next_report = now + REPORT_INTERVAL
            self._report(now)

    def _ask_for_missing(self, layer: Layer, now: float) -> None:
        before = layer.gaps.abandoned
        missing = layer.gaps.due(now)
        if "nack" not in layer.codec.feedback:
            layer.gaps.give_up(missing)
            missing = []
        if layer.gaps.abandoned > before and layer.out.groups and layer.codec.kind is MediaKind.VIDEO:
            layer.keyframes.want()
        if missing:
            # Alone, not compound: FFmpeg's WHIP muxer reads no other form.
            numbers = tuple(index & 0xFFFF for index in missing)
            self._link.send_rtcp(Nack(self._ssrc, layer.ssrc, numbers).encode())

    def _ask_for_keyframe(self, layer: Layer, now: float) -> None:
        if not layer.keyframes.poll(now):
            return
        if "nack pli" not in layer.codec.feedback and "ccm fir" in layer.codec.feedback:
            self._fir_sequence = self._fir_sequence + 1 & 0xFF
            request = FullIntraRequest(self._ssrc, ((layer.ssrc, self._fir_sequence),)).encode()
        else:
            request = PictureLossIndication(self._ssrc, layer.ssrc).encode()
        self._link.send_rtcp(request)

    def _report(self, now: float) -> None:
        layers = [layer for track in self._tracks for layer in track.layers.values()]
        reports = tuple(layer.statistics.report(now) for layer in layers)
        if not reports:
            return
        # RFC 3550 section 6.4: a compound begins with a report and names its source.
        compound = ReceiverReport(self._ssrc, reports[:31]).encode()
        compound += SourceDescription({self._ssrc: self._cname}).encode()
        if self._remb is not None:
            rate = sum(layer.meter.bitrate for layer in layers)
            loss = max(report.fraction_lost for report in reports) / 256
            ssrcs = tuple(layer.ssrc for layer in layers)
            compound += Remb(self._ssrc, self._remb.update(rate, loss), ssrcs).encode()
        self._link.send_rtcp(compound)

"""One outgoing RTP stream: numbers, header extensions, a history for retransmission, sender reports. Pure."""

from __future__ import annotations

import random
from collections import OrderedDict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from gateway.protocol import extensions as uri
from gateway.protocol.description import Codec, SignalledSsrc
from gateway.protocol.rtcp import SenderReport, ntp_from_unix
from gateway.protocol.rtp import encode_extensions, write_rtp

HISTORY = 1_024
"""Packets kept for retransmission."""

_random = random.SystemRandom()


@dataclass(frozen=True, slots=True)
class _Sent:
    """A packet as it went out, before protection."""

    packet: bytes
    extended: int
    marker: bool
    timestamp: int
    payload: bytes


class TransportSequence:
    """The transport-wide sequence number that all streams of a session share."""

    def __init__(self) -> None:
        self._next = 0

    def take(self) -> bytes:
        """The next number, as the extension carries it."""
        value = self._next & 0xFFFF
        self._next += 1
        return value.to_bytes(2, "big")


class RtpSender:
    """A stream of one ssrc, and of its RTX companion where that was negotiated (RFC 4588).

    `extensions` maps URI to id as negotiated. Packets come out unprotected, each with its extended
    sequence number, since SRTP counts the roll-overs.
    """

    def __init__(
        self,
        codec: Codec,
        ssrcs: SignalledSsrc,
        extensions: Mapping[str, int],
        transport: TransportSequence,
        *,
        mid: str = "",
        rid: str | None = None,
    ) -> None:
        self.codec = codec
        self.ssrc = ssrcs.ssrc
        self.rtx_ssrc = ssrcs.rtx_ssrc if codec.rtx_payload_type is not None else None
        self.rid = rid
        self.packets = 0
        self.payload_bytes = 0
        self.retransmitted = 0
        self._transport = transport
        self._transport_id = extensions.get(uri.TRANSPORT_CC)
        self._tags = _tags(extensions, mid, rid, uri.RID)
        self._rtx_tags = _tags(extensions, mid, rid, uri.REPAIRED_RID)
        self._next_sequence = _random.randrange(32_768)
        self._next_rtx_sequence = _random.randrange(32_768)
        self._timestamp_offset = _random.getrandbits(32)
        self._history: OrderedDict[int, _Sent] = OrderedDict()

    def timestamp(self, captured: float) -> int:
        """The RTP timestamp of a Unix time in seconds: all streams of a session share that time base."""
        return (self._timestamp_offset + round(captured * self.codec.clock_rate)) & 0xFFFFFFFF

    def frame(self, payloads: Sequence[bytes], captured: float, *, marker: bool) -> list[tuple[bytes, int]]:
        """The packets of one frame captured at Unix time `captured`, each with its extended sequence."""
        timestamp = self.timestamp(captured)
        packets = []
        for number, payload in enumerate(payloads, 1):
            extended = self._next_sequence
            self._next_sequence += 1
            last = marker and number == len(payloads)
            packet = self._write(extended, last, timestamp, payload)
            self._remember(extended, _Sent(packet, extended, last, timestamp, payload))
            packets.append((packet, extended))
            self.packets += 1
            self.payload_bytes += len(payload)
        return packets

    def retransmit(self, lost: Sequence[int]) -> list[tuple[bytes, int]]:
        """Answer a NACK from the history, as RTX where negotiated; what is no longer kept is left out."""
        kept = [self._history[sequence] for sequence in lost if sequence in self._history]
        self.retransmitted += len(kept)
        if self.rtx_ssrc is None or self.codec.rtx_payload_type is None:
            return [(sent.packet, sent.extended) for sent in kept]
        packets = []
        for sent in kept:
            extended = self._next_rtx_sequence
            self._next_rtx_sequence += 1
            packet = write_rtp(
                payload_type=self.codec.rtx_payload_type,
                marker=sent.marker,
                sequence_number=extended & 0xFFFF,
                timestamp=sent.timestamp,
                ssrc=self.rtx_ssrc,
                payload=(sent.extended & 0xFFFF).to_bytes(2, "big") + sent.payload,
                extensions=self._extensions(self._rtx_tags),
            )
            packets.append((packet, extended))
        return packets

    def report(self, unix_time: float) -> SenderReport | None:
        """The sender report for this moment; None before the first packet."""
        if not self.packets:
            return None
        return SenderReport(
            ssrc=self.ssrc,
            ntp=ntp_from_unix(unix_time),
            rtp_timestamp=self.timestamp(unix_time),
            packet_count=self.packets & 0xFFFFFFFF,
            octet_count=self.payload_bytes & 0xFFFFFFFF,
            reports=(),
        )

    def _remember(self, extended: int, sent: _Sent) -> None:
        self._history[extended & 0xFFFF] = sent
        if len(self._history) > HISTORY:
            self._history.popitem(last=False)

    def _write(self, extended: int, marker: bool, timestamp: int, payload: bytes) -> bytes:
        return write_rtp(
            payload_type=self.codec.payload_type,
            marker=marker,
            sequence_number=extended & 0xFFFF,
            timestamp=timestamp,
            ssrc=self.ssrc,
            payload=payload,
            extensions=self._extensions(self._tags),
        )

    def _extensions(self, tags: Mapping[int, bytes]) -> bytes:
        if self._transport_id is None:
            return encode_extensions(tags)
        return encode_extensions({**tags, self._transport_id: self._transport.take()})


def _tags(extensions: Mapping[str, int], mid: str, rid: str | None, rid_uri: str) -> dict[int, bytes]:
    tags = {}
    if mid and uri.MID in extensions:
        tags[extensions[uri.MID]] = mid.encode()
    if rid is not None and rid_uri in extensions:
        tags[extensions[rid_uri]] = rid.encode()
    return tags

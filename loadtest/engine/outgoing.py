"""One stream that we send: numbers and extensions per packet, protected and sent a frame at a time."""

from __future__ import annotations

import random
from collections.abc import Iterator, Mapping, Sequence
from itertools import count
from struct import Struct
from typing import Final

from gateway.protocol import extensions
from gateway.protocol.description import Codec, SignalledSsrc
from gateway.protocol.rtcp import SenderReport, SourceDescription, ntp_from_unix
from gateway.protocol.rtp import encode_extensions
from loadtest.engine.link import Link
from loadtest.engine.stamp import SIZE, write_stamp

HISTORY: Final = 1_024
"""Packets kept for retransmission; a power of two."""
_CNAME: Final = "camera"
_HEADER: Final = Struct("!BBHII")
_NUMBER: Final = Struct("!H")
_random = random.SystemRandom()


class Outgoing:
    """A stream of one ssrc with its RTX companion. `numbers` counts all packets of the session."""

    def __init__(
        self,
        link: Link,
        codec: Codec,
        ssrcs: SignalledSsrc,
        ids: Mapping[str, int],
        numbers: count[int],
        mid: str,
        rid: str | None = None,
    ) -> None:
        self.ssrc = ssrcs.ssrc
        self._link = link
        self._codec = codec
        self._rtx_ssrc = ssrcs.rtx_ssrc if codec.rtx_payload_type is not None else None
        self._numbers = numbers if extensions.TRANSPORT_CC in ids else None
        self._extensions = _block(ids, mid, rid, extensions.RID)
        self._rtx_extensions = _block(ids, mid, rid, extensions.REPAIRED_RID)
        self._sequence = _random.randrange(32_768)
        self._rtx_sequence = _random.randrange(32_768)
        self._offset = _random.getrandbits(32)
        self._history: list[tuple[int, int, bool, bytes] | None] = [None] * HISTORY
        self._packets = self._octets = 0

    def send(
        self, payloads: Sequence[bytes], captured: float, now: float, *, marker: bool, ends: bool = True
    ) -> None:
        """Send a frame captured at Unix time `captured`, or a part of it; `now` is stamped into its end."""
        timestamp = self._timestamp(captured)
        last = len(payloads) - 1 if ends else -1
        packets = []
        for place, payload in enumerate(payloads):
            if place == last:
                payload = payload[:-SIZE] + write_stamp(now)
            index = self._sequence
            self._sequence += 1
            ends = marker and place == last
            self._history[index & HISTORY - 1] = (index, timestamp, ends, payload)
            packet = self._write(
                self._codec.payload_type, ends, index, timestamp, self.ssrc, self._extensions
            )
            protected = self._link.connection.protect_rtp(packet + payload, index)
            if protected is not None:
                packets.append(protected)
            self._octets += len(payload)
        self._packets += len(payloads)
        for run in runs(packets):
            self._link.send_run(run)

    def repeat(self, lost: Sequence[int]) -> None:
        """Answer a NACK from what is kept."""
        for number in lost:
            kept = self._history[number & HISTORY - 1]
            if kept is None or kept[0] & 0xFFFF != number:
                continue
            index, timestamp, ends, payload = kept
            if self._rtx_ssrc is None or self._codec.rtx_payload_type is None:
                continue
            sequence = self._rtx_sequence
            self._rtx_sequence += 1
            kind, block = self._codec.rtx_payload_type, self._rtx_extensions
            packet = self._write(kind, ends, sequence, timestamp, self._rtx_ssrc, block)
            packet += _NUMBER.pack(index & 0xFFFF) + payload
            protected = self._link.connection.protect_rtp(packet, sequence)
            if protected is not None:
                self._link.send(protected)

    def report(self, now: float) -> bytes:
        """The sender report of Unix time `now`, with the name that is common to all streams."""
        report = SenderReport(
            ssrc=self.ssrc,
            ntp=ntp_from_unix(now),
            rtp_timestamp=self._timestamp(now),
            packet_count=self._packets & 0xFFFFFFFF,
            octet_count=self._octets & 0xFFFFFFFF,
        )
        return report.encode() + SourceDescription({self.ssrc: _CNAME}).encode()

    def _timestamp(self, captured: float) -> int:
        return (self._offset + round(captured * self._codec.clock_rate)) & 0xFFFFFFFF

    def _write(
        self, payload_type: int, marker: bool, sequence: int, timestamp: int, ssrc: int, block: bytes
    ) -> bytes:
        second = payload_type | 0x80 if marker else payload_type
        header = _HEADER.pack(0x90 if block else 0x80, second, sequence & 0xFFFF, timestamp, ssrc)
        if self._numbers is None:
            return header + block
        return header + block[:5] + _NUMBER.pack(next(self._numbers) & 0xFFFF) + block[7:]


def runs(packets: Sequence[bytes]) -> Iterator[list[bytes]]:
    """Parts in which all packets are equally long but the last, which may be shorter."""
    run: list[bytes] = []
    for packet in packets:
        if run and (len(packet) > len(run[0]) or len(run[-1]) < len(run[0])):
            yield run
            run = []
        run.append(packet)
    if run:
        yield run


def _block(ids: Mapping[str, int], mid: str, rid: str | None, rid_uri: str) -> bytes:
    """The extension block; the transport-wide number comes first, so that its place is known."""
    values = {}
    if extensions.TRANSPORT_CC in ids:
        values[ids[extensions.TRANSPORT_CC]] = b"\0\0"
    if extensions.MID in ids:
        values[ids[extensions.MID]] = mid.encode()
    if rid is not None and rid_uri in ids:
        values[ids[rid_uri]] = rid.encode()
    return encode_extensions(values) if values else b""

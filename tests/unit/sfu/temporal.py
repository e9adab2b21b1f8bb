"""VP8 packets with picture numbers and temporal layers, for several tests."""

from __future__ import annotations

import struct

from gateway.protocol.rtp import write_rtp
from tests.unit.sfu.fakes import SSRC


def picture(
    sequence: int,
    number: int,
    temporal: int = 0,
    *,
    tl0: int = 0,
    sync: bool = False,
    keyframe: bool = False,
    ssrc: int = SSRC,
    width: int = 640,
) -> bytes:
    """One picture in one packet (RFC 7741 section 4.2); `sequence` is written where `marks` does not look."""
    descriptor = struct.pack(
        "!BBHBB", 0x90, 0xE0, 0x8000 | number & 0x7FFF, tl0 & 0xFF, temporal << 6 | sync << 5
    )
    header = b"\0\0\0\x9d\x01\x2a" + struct.pack("<HH", width, width // 2) if keyframe else b"\x01" * 10
    return write_rtp(
        payload_type=96,
        marker=True,
        sequence_number=sequence & 0xFFFF,
        timestamp=sequence * 3_000 & 0xFFFFFFFF,
        ssrc=ssrc,
        payload=descriptor + header + bytes(60),
    )

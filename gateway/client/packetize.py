"""Encoded frames to RTP payloads: H264 (RFC 6184, packetization-mode 1) and VP8 (RFC 7741).

Fragments of one frame are of equal size as far as they go, the last shorter: a burst of them can leave
a forwarding server as one segmented datagram.
"""

from __future__ import annotations

from collections.abc import Iterator

MAX_PAYLOAD = 1_150
"""Bytes; leaves room for RTP, extensions, SRTP, UDP, IPv6 and a tunnel in 1,280."""

_STAP_A = 24
_FU_A = 28
_SLICE_TYPES = (1, 5)


def split_annex_b(stream: bytes) -> Iterator[bytes]:
    """The NAL units of a byte stream (ITU-T H.264 annex B), without start codes; empty ones left out."""
    start = stream.find(b"\x00\x00\x01")
    while start != -1:
        start += 3
        following = stream.find(b"\x00\x00\x01", start)
        unit = stream[start : None if following == -1 else following].rstrip(b"\x00")
        if unit:
            yield unit
        start = following


def packetize_h264(frame: bytes, max_payload: int = MAX_PAYLOAD) -> list[bytes]:
    """An access unit in annex B form to payloads.

    Small units in a row (SPS, PPS, SEI) travel with each other as STAP-A, large ones as FU-A. The
    marker bit belongs on the last payload.
    """
    payloads: list[bytes] = []
    small: list[bytes] = []
    for unit in split_annex_b(frame):
        fits = sum(len(other) + 2 for other in small) + len(unit) + 3 <= max_payload
        if small and not (fits and unit[0] & 0x1F not in _SLICE_TYPES):
            payloads.append(_aggregate(small))
            small = []
        if unit[0] & 0x1F in _SLICE_TYPES or len(unit) > max_payload:
            payloads.extend(_fragment(unit, max_payload))
        else:
            small.append(unit)
    if small:
        payloads.append(_aggregate(small))
    return payloads


def packetize_vp8(frame: bytes, picture_id: int, max_payload: int = MAX_PAYLOAD) -> list[bytes]:
    """A VP8 frame to payloads with a 15-bit picture id; the S bit marks the first."""
    tail = b"\x80" + (0x8000 | (picture_id & 0x7FFF)).to_bytes(2, "big")
    size = max_payload - 1 - len(tail)
    return [
        (b"\x90" if offset == 0 else b"\x80") + tail + frame[offset : offset + size]
        for offset in range(0, len(frame), size)
    ]


def _aggregate(units: list[bytes]) -> bytes:
    if len(units) == 1:
        return units[0]
    # RFC 6184 section 5.7: F is the OR, NRI the maximum over the units.
    forbidden = 0x80 if any(unit[0] & 0x80 for unit in units) else 0
    importance = max(unit[0] & 0x60 for unit in units)
    body = b"".join(len(unit).to_bytes(2, "big") + unit for unit in units)
    return bytes((forbidden | importance | _STAP_A,)) + body


def _fragment(unit: bytes, max_payload: int) -> Iterator[bytes]:
    if len(unit) <= max_payload:
        yield unit
        return
    indicator = unit[0] & 0xE0 | _FU_A
    kind = unit[0] & 0x1F
    size = max_payload - 2
    for offset in range(1, len(unit), size):
        start = 0x80 if offset == 1 else 0
        end = 0x40 if offset + size >= len(unit) else 0
        yield bytes((indicator, start | end | kind)) + unit[offset : offset + size]

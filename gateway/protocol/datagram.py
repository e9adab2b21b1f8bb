"""What kind of packet a datagram on the one shared port is (RFC 7983 section 7, RFC 5761 section 4).

Only the first two bytes and the length decide; whether the packet is any good is for its own parser.
"""

from __future__ import annotations

from enum import IntEnum


class DatagramKind(IntEnum):
    UNKNOWN = 0
    STUN = 1
    DTLS = 2
    RTP = 3
    RTCP = 4


_STUN_HEADER = 20
_DTLS_RECORD_HEADER = 13
_RTP_HEADER = 12
_RTCP_HEADER = 8

# RFC 7983: 0..3 STUN, 20..63 DTLS, 128..191 RTP or RTCP. ZRTP, TURN channels and QUIC are not for us.
_KIND_BY_FIRST_BYTE = tuple(
    DatagramKind.STUN
    if first <= 3
    else DatagramKind.DTLS
    if 20 <= first <= 63
    else DatagramKind.RTP
    if 128 <= first <= 191
    else DatagramKind.UNKNOWN
    for first in range(256)
)
_MINIMUM_LENGTH = (0, _STUN_HEADER, _DTLS_RECORD_HEADER, _RTP_HEADER)


def classify(data: bytes) -> DatagramKind:
    """Tell the protocol of `data`; UNKNOWN also for packets shorter than their protocol's header."""
    length = len(data)
    if length < _RTCP_HEADER:
        return DatagramKind.UNKNOWN
    kind = _KIND_BY_FIRST_BYTE[data[0]]
    # RFC 5761 section 4: packet types 192..223 are RTCP, RTP never uses 64..95 with the marker bit.
    if kind is DatagramKind.RTP and 192 <= data[1] <= 223:
        return DatagramKind.RTCP
    if length < _MINIMUM_LENGTH[kind]:
        return DatagramKind.UNKNOWN
    return kind

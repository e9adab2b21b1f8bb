from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gateway.protocol.datagram import DatagramKind, classify


@pytest.mark.parametrize(
    ("first", "second", "kind"),
    [
        (0, 1, DatagramKind.STUN),
        (3, 1, DatagramKind.STUN),
        (4, 0, DatagramKind.UNKNOWN),
        (19, 0, DatagramKind.UNKNOWN),
        (20, 254, DatagramKind.DTLS),
        (63, 254, DatagramKind.DTLS),
        (64, 0, DatagramKind.UNKNOWN),
        (127, 0, DatagramKind.UNKNOWN),
        (128, 96, DatagramKind.RTP),
        (191, 111, DatagramKind.RTP),
        (192, 0, DatagramKind.UNKNOWN),
        (128, 191, DatagramKind.RTP),
        (128, 192, DatagramKind.RTCP),
        (129, 200, DatagramKind.RTCP),
        (129, 223, DatagramKind.RTCP),
        (129, 224, DatagramKind.RTP),
    ],
)
def test_first_two_bytes_decide(first: int, second: int, kind: DatagramKind) -> None:
    assert classify(bytes([first, second]) + bytes(30)) is kind


@pytest.mark.parametrize(
    ("first", "second", "minimum", "kind"),
    [
        (0, 1, 20, DatagramKind.STUN),
        (22, 254, 13, DatagramKind.DTLS),
        (128, 96, 12, DatagramKind.RTP),
        (128, 200, 8, DatagramKind.RTCP),
    ],
)
def test_shorter_than_the_header_is_unknown(
    first: int, second: int, minimum: int, kind: DatagramKind
) -> None:
    packet = bytes([first, second]) + bytes(minimum - 2)
    assert classify(packet) is kind
    assert classify(packet[:-1]) is DatagramKind.UNKNOWN


@given(st.binary(max_size=40))
def test_never_raises(data: bytes) -> None:
    assert classify(data) in DatagramKind

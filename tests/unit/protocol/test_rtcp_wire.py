"""What all RTCP packets share on the wire."""

from __future__ import annotations

import pytest

from gateway.protocol.rtcp_wire import RtcpError, pack_packet, read_ssrc_pair


def test_the_header_counts_32_bit_words_less_one() -> None:
    # A receiver report without reports: only the sender's ssrc follows the header.
    assert pack_packet(0, 201, b"\x01\x02\x03\x04") == bytes.fromhex("80c9000101020304")


def test_the_last_padding_byte_tells_how_much_there_is() -> None:
    packet = pack_packet(15, 205, b"\xaa\xbb", padding=2)
    assert packet == bytes.fromhex("afcd0001aabb0002")


@pytest.mark.parametrize(("count", "size"), [(32, 0), (0, 4 * 0x10000)])
def test_what_the_header_cannot_express_is_refused(count: int, size: int) -> None:
    with pytest.raises(RtcpError):
        pack_packet(count, 200, bytes(size))


def test_the_largest_count_and_length_fit() -> None:
    packet = pack_packet(31, 200, bytes(4 * 0xFFFF))
    assert packet[:4] == bytes.fromhex("9fc8ffff")


def test_a_pair_of_ssrcs_is_read_from_the_start() -> None:
    assert read_ssrc_pair(bytes.fromhex("0000000a fffffff0 77")) == (10, 0xFFFFFFF0)


@pytest.mark.parametrize("size", range(8))
def test_half_a_pair_is_refused(size: int) -> None:
    with pytest.raises(RtcpError):
        read_ssrc_pair(bytes(size))

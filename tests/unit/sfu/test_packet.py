"""The padding plan: neighbours become equal, nothing larger than the padding limit is spent."""

from __future__ import annotations

import pytest

from gateway.protocol.rtp import parse_rtp, write_rtp
from gateway.sfu.packet import MAX_PADDING, even_out
from tests.unit.sfu.fakes import media_packet


@pytest.mark.parametrize(
    ("sizes", "padding"),
    [
        ([], []),
        ([100], [0]),
        ([100, 100], [0, 0]),
        ([99, 100], [1, 0]),
        ([100, 99], [0, 0]),
        ([92, 100], [8, 0]),
        ([91, 100], [0, 0]),
        ([98, 99, 100, 50], [2, 1, 0, 0]),
        ([100, 50, 52], [0, 2, 0]),
        ([95, 103, 104], [0, 1, 0]),
    ],
)
def test_packets_are_padded_up_to_what_follows(sizes: list[int], padding: list[int]) -> None:
    packets = [media_packet(index, size) for index, size in enumerate(sizes)]
    even_out(packets)
    assert [packet.padding for packet in packets] == padding
    assert max(padding, default=0) <= MAX_PADDING


@pytest.mark.parametrize("padding", [0, 1, 2, MAX_PADDING])
def test_padding_is_rtp_padding_and_vanishes_at_the_receiver(padding: int) -> None:
    packet = media_packet(7, 100)
    packet.padding = padding
    padded = packet.padded_payload()
    assert len(padded) == 100 + padding
    wire = write_rtp(
        payload_type=96,
        marker=False,
        sequence_number=7,
        timestamp=0,
        ssrc=1,
        payload=packet.payload,
        padding=padding,
    )
    assert wire[12:] == padded
    assert parse_rtp(wire).payload == packet.payload

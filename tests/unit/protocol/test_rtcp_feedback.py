"""NACK packing, REMB's float and the other feedback messages."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gateway.protocol.rtcp import FullIntraRequest, Nack, Remb, RtcpError, parse_rtcp


def entries(nack: Nack) -> list[tuple[int, int]]:
    body = nack.encode()[12:]
    return [
        (int.from_bytes(body[at : at + 2], "big"), int.from_bytes(body[at + 2 : at + 4], "big"))
        for at in range(0, len(body), 4)
    ]


@pytest.mark.parametrize(
    ("lost", "expected"),
    [
        ((), []),
        ((5,), [(5, 0)]),
        ((5, 6), [(5, 0x0001)]),
        ((5, 21), [(5, 0x8000)]),
        ((5, 22), [(5, 0), (22, 0)]),
        (tuple(range(17)), [(0, 0xFFFF)]),
        (tuple(range(18)), [(0, 0xFFFF), (17, 0)]),
        ((65535, 0, 15), [(65535, 0x8001)]),
        ((65530, 10), [(65530, 0x8000)]),
        ((7, 7, 8), [(7, 0x0001)]),
        ((8, 7), [(8, 0), (7, 0)]),
    ],
)
def test_nack_packing(lost: tuple[int, ...], expected: list[tuple[int, int]]) -> None:
    assert entries(Nack(1, 2, lost)) == expected


@given(st.integers(0, 65535), st.sets(st.integers(0, 400), max_size=80))
def test_nack_round_trip_from_every_start(start: int, offsets: set[int]) -> None:
    lost = tuple((start + offset) % 65536 for offset in sorted(offsets))
    assert parse_rtcp(Nack(1, 2, lost).encode()) == [Nack(1, 2, lost)]


@given(st.lists(st.integers(0, 65535), max_size=50))
def test_nack_in_any_order_tells_the_same_set(lost: list[int]) -> None:
    [parsed] = parse_rtcp(Nack(1, 2, tuple(lost)).encode())
    assert isinstance(parsed, Nack)
    assert set(parsed.lost) == set(lost)


def test_full_intra_request_vector() -> None:
    data = bytes.fromhex("84ce0004 00000001 00000000 00000002 07000000")
    assert FullIntraRequest(1, ((2, 7),)).encode() == data
    assert parse_rtcp(data) == [FullIntraRequest(1, ((2, 7),))]


@given(st.integers(0, 2**70))
def test_remb_keeps_18_bits_and_never_rounds_up(bitrate: int) -> None:
    [parsed] = parse_rtcp(Remb(1, bitrate, (2,)).encode())
    assert isinstance(parsed, Remb)
    assert parsed.bitrate <= bitrate
    assert bitrate - parsed.bitrate <= bitrate >> 17


@pytest.mark.parametrize("remb", [Remb(1, 2**82, ()), Remb(1, 0, tuple(range(256)))])
def test_remb_refuses_what_does_not_fit(remb: Remb) -> None:
    with pytest.raises(RtcpError):
        remb.encode()

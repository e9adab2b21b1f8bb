"""Exp-Golomb vectors of H.264 table 9-2 and 9-3."""

from __future__ import annotations

import pytest

from gateway.protocol.codecs.bits import BitReader, EndOfBits


def reader(bits: str) -> BitReader:
    size = -(-len(bits) // 8)
    return BitReader(int(bits.ljust(8 * size, "0"), 2).to_bytes(size, "big"))


def test_numbers_and_flags_over_octet_borders() -> None:
    bits = reader("10101111000011110000")
    assert bits.bits(3) == 5
    assert bits.flag() is False
    assert bits.bits(16) == 0xF0F0


@pytest.mark.parametrize(
    ("code", "unsigned", "signed"),
    [("1", 0, 0), ("010", 1, 1), ("011", 2, -1), ("00100", 3, 2), ("00101", 4, -2), ("0001010", 9, 5)],
)
def test_golomb(code: str, unsigned: int, signed: int) -> None:
    assert reader(code).unsigned_golomb() == unsigned
    assert reader(code).signed_golomb() == signed


def test_the_end() -> None:
    with pytest.raises(EndOfBits):
        BitReader(b"").flag()
    with pytest.raises(EndOfBits):
        BitReader(b"\x01").unsigned_golomb()
    with pytest.raises(EndOfBits):
        BitReader(bytes(100)).unsigned_golomb()

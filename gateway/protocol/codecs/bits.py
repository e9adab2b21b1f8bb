"""Reading headers that are not aligned to octets."""

from __future__ import annotations


class EndOfBits(Exception):
    """The header goes on where the data ends, or holds a number that no real header holds."""


class BitReader:
    """Reads numbers from the most significant bit on."""

    __slots__ = ("_left", "_value")

    def __init__(self, data: bytes) -> None:
        self._value = int.from_bytes(data, "big")
        self._left = 8 * len(data)

    def bits(self, count: int) -> int:
        """An unsigned number of `count` bits; EndOfBits when there are fewer."""
        if count > self._left:
            raise EndOfBits
        self._left -= count
        return self._value >> self._left & ((1 << count) - 1)

    def flag(self) -> bool:
        """One bit."""
        return self.bits(1) == 1

    def unsigned_golomb(self) -> int:
        """ue(v) of H.264 (clause 9.1), which is AV1's uvlc as well; EndOfBits beyond 32 bits."""
        zeros = 0
        while not self.bits(1):
            zeros += 1
            if zeros > 32:
                raise EndOfBits
        return (1 << zeros) - 1 + self.bits(zeros)

    def signed_golomb(self) -> int:
        """se(v) of H.264 (clause 9.1.1)."""
        code = self.unsigned_golomb()
        return (code + 1) // 2 if code & 1 else -(code // 2)

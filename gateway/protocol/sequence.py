"""Numbers that wrap: RTP sequence numbers and timestamps made comparable (RFC 1982, RFC 3550 A.1)."""

from __future__ import annotations


def seq_newer(a: int, b: int, bits: int = 16) -> bool:
    """Whether `a` follows `b` on a circle of `bits` bits.

    Two numbers exactly half a circle apart have no order: neither is newer.
    """
    return 0 < (a - b) & ((1 << bits) - 1) < 1 << (bits - 1)


class _Unwrapper:
    """Extends wrapping numbers to ever-growing ones, each taken nearest to the highest so far."""

    __slots__ = ("_half", "_mask", "highest")

    def __init__(self, bits: int) -> None:
        self._mask = (1 << bits) - 1
        self._half = 1 << (bits - 1)
        self.highest: int | None = None
        """The highest extended number so far; None before the first."""

    def unwrap(self, value: int) -> int:
        """The extended number; its lowest bits are `value`.

        The first one starts a whole circle up, so that what comes late from before it, at most half
        a circle, stays positive.
        """
        highest = self.highest
        if highest is None:
            self.highest = extended = self._mask + 1 + value
            return extended
        half = self._half
        extended = highest - half + ((value - highest + half) & self._mask)
        if extended > highest:
            self.highest = extended
        return extended


class SequenceUnwrapper(_Unwrapper):
    """Extends 16-bit sequence numbers; the first becomes 2**16 + itself."""

    __slots__ = ()

    def __init__(self) -> None:
        super().__init__(16)


class TimestampUnwrapper(_Unwrapper):
    """Extends 32-bit timestamps; the first becomes 2**32 + itself."""

    __slots__ = ()

    def __init__(self) -> None:
        super().__init__(32)

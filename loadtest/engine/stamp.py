"""The moment of sending, carried to the viewers inside the encrypted payload.

A stamp ends the last packet of a picture and each packet of sound. Servers forward payloads unchanged, which
cannot be said of header extensions: absolute capture time, for one, is moved onto the server's clock, and
most servers forward none. Decoders ignore it: in Opus it is padding (RFC 6716 section 3.2.5), behind the
last slice of an H264 picture and behind the last partition of a VP8 one it is surplus.
"""

from __future__ import annotations

from typing import Final

_MAGIC: Final = b"\xf5\xa7\xd3\x9b"
SIZE: Final = len(_MAGIC) + 8
_SHIFTS: Final = tuple(range(49, -1, -7))
PLACEHOLDER: Final = _MAGIC + b"\x80" * 8


def write_stamp(unix_time: float) -> bytes:
    """A Unix time in seconds, exact to a microsecond; without zeros, so that it is never a start code."""
    value = int(unix_time * 1e6)
    return _MAGIC + bytes([value >> shift & 0x7F | 0x80 for shift in _SHIFTS])


def read_stamp(payload: bytes) -> float | None:
    """The Unix time at the end of a decrypted payload; None where there is none."""
    if payload[-SIZE:-8] != _MAGIC:
        return None
    value = 0
    for octet in payload[-8:]:
        value = value << 7 | octet & 0x7F
    return value / 1e6

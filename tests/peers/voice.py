"""Something like a voice, for microphones that are files: browsers take a steady tone for noise."""

from __future__ import annotations

import math
import struct
import wave
from pathlib import Path

_RATE = 48_000
_LOUDEST = 6_000


def _sample(seconds: float) -> float:
    """Vowel upon vowel: a pitch that glides, with harmonics, four syllables a second."""
    phase = 2 * math.pi * 140 * seconds - 3 * math.cos(2 * math.pi * 1.5 * seconds)
    harmonics = sum(math.sin(phase * order) / order for order in range(1, 12))
    return harmonics * (0.6 + 0.4 * math.sin(2 * math.pi * 4 * seconds))


def write_voice(path: Path) -> Path:
    """Two seconds of it, mono; they may be repeated without a gap."""
    samples = (round(_LOUDEST * _sample(number / _RATE)) for number in range(2 * _RATE))
    with wave.open(str(path), "wb") as file:
        file.setnchannels(1)
        file.setsampwidth(2)
        file.setframerate(_RATE)
        file.writeframes(b"".join(struct.pack("<h", sample) for sample in samples))
    return path

"""The synthetic camera's sound: a chime that begins with each full second, over a soft chord.

The sound repeats every second, so it is computed once and handed out in blocks of 20 ms.
"""

from __future__ import annotations

import math
from array import array

SAMPLE_RATE = 48_000
BLOCK_SAMPLES = 960
BLOCKS = SAMPLE_RATE // BLOCK_SAMPLES
"""Blocks of 20 ms in the second after which the sound repeats."""
CHANNELS = 2

# Whole hertz: every tone closes its circle within the second, so the seam cannot be heard.
_CHIME = ((880, 0.16), (1_320, 0.08), (1_760, 0.05))
_CHIME_DECAY = 7.0
_CHORD = ((220, 0.012), (277, 0.009), (330, 0.009))
_ATTACK_SECONDS = 0.004


def make_blocks() -> tuple[bytes, ...]:
    """The second of sound: interleaved signed 16-bit stereo, one bytes object a block."""
    samples = array("h")
    for index in range(SAMPLE_RATE):
        value = round(32_767 * _sample(index / SAMPLE_RATE))
        samples.append(value)
        samples.append(value)
    size = BLOCK_SAMPLES * CHANNELS
    return tuple(samples[start : start + size].tobytes() for start in range(0, len(samples), size))


def _sample(time: float) -> float:
    turn = 2 * math.pi * time
    envelope = min(1.0, time / _ATTACK_SECONDS) * math.exp(-_CHIME_DECAY * time)
    chime = sum(level * math.sin(turn * frequency) for frequency, level in _CHIME)
    swell = 1 + 0.5 * math.cos(2 * turn)
    chord = sum(level * math.sin(turn * frequency) for frequency, level in _CHORD)
    return chime * envelope + chord * swell

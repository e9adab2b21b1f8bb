"""Voices, noises and tones as RFC 6464 levels, 50 packets a second."""

from __future__ import annotations

import random
from collections.abc import Callable, Iterable, Iterator

from gateway.sfu.talk.loudness import Loudness

PTIME = 0.02
Voice = Callable[[float], int]
"""The level, -dBov, of the packet at a time."""


def steady(level: int) -> Voice:
    return lambda _: level


def speech(loudness: int, seed: int, noise: int = 75) -> Voice:
    """Words of 0.15 to 0.5 s with gaps, each fifth gap a pause for breath; syllables swing by 10 dB."""
    dice = random.Random(seed)
    levels: list[int] = []
    while len(levels) < 60 / PTIME:
        for word in range(5):
            levels += [loudness + dice.randint(-3, 7) for _ in range(dice.randint(8, 25))]
            gap = dice.randint(12, 18) if word == 4 else dice.randint(2, 8)
            levels += [noise + dice.randint(-2, 2) for _ in range(gap)]
    return lambda now: levels[round(now / PTIME) % len(levels)]


def over(start: float, seconds: float) -> Iterator[float]:
    return (start + n * PTIME for n in range(round(seconds / PTIME)))


def hear(loudness: Loudness, voice: Voice, times: Iterable[float], flag: bool = True) -> list[bool]:
    """Whether it speaks after each packet."""
    said = []
    for now in times:
        loudness.note(voice(now), flag, now)
        said.append(loudness.speaking(now))
    return said

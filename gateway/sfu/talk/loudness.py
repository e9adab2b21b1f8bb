"""Who of the talkers is heard: audio levels (RFC 6464) in, talkers for the slots out. Nothing is decoded.

Levels are in dBov: 0 is the loudest there can be, speech mostly between -20 and -40. Whether somebody speaks
is judged against its own background noise, as microphones and rooms differ by 30 dB.
"""

from __future__ import annotations

from collections.abc import Hashable, Mapping, Sequence
from typing import Final, TypeVar

ATTACK: Final = 0.035
"""Seconds over which a sound must last: three packets of 20 ms, or two longer ones. A click does not."""
ATTACK_PACKETS: Final = 3
RELEASE: Final = 0.4
"""Seconds of silence after which somebody no longer speaks; pauses between words are shorter."""
ABOVE_NOISE: Final = 10.0
"""dB over the background that count as a voice..."""
HYSTERESIS: Final = 5.0
"""...and how much less suffices once somebody speaks."""
QUIET: Final = -70.0
"""dBov under which everything is silence: noise gates and digital zeros are no quieter background."""
LOUD_NOISE: Final = -45.0
"""dBov that is the loudest background. A steady tone over -35 is meant to be heard."""
MIDDLE: Final = -35.0
"""dBov that is taken for those who send no level."""
MARGIN: Final = 6.0
"""dB by which another must be louder, for `WINDOW` to twice that, to take a slot from one who speaks."""
WINDOW: Final = 0.2
"""Seconds."""

_NOISE_RISE: Final = 3.0
"""dB a second by which the background may rise: a sentence of some seconds does not become background."""
_NOISE_FALL: Final = 0.1
"""Time constant, seconds, of its way down, in the gaps between words."""
_SCORE_RISE: Final = 0.2
"""Time constant, seconds: a bang of a tenth of a second is not louder than a voice."""
_SCORE_FALL: Final = 20.0
"""dB a second, in silence as without packets: a pause for breath costs little."""
_LONGEST: Final = 0.06
"""Seconds that one packet can stand for: what came before a longer pause was not sound."""
_UNLEVELLED_AFTER: Final = 1.0
"""Seconds without a level after which packets without one count."""


class Loudness:
    """The voice of one talker's stream, from what its packets say about themselves.

    Times are monotonic seconds. One for each stream: a talker that connects anew gets a new one.
    """

    __slots__ = (
        "_earlier_least",
        "_earlier_most",
        "_flagged",
        "_heard",
        "_last",
        "_least",
        "_levelled",
        "_most",
        "_noise",
        "_onset",
        "_run",
        "_score",
        "_window_ends",
    )

    def __init__(self) -> None:
        self._last = self._levelled = self._heard = self._window_ends = float("-inf")
        self._onset = 0.0
        self._run = 0
        """Packets of the sound that lasts since `_onset`."""
        self._flagged = False
        self._noise = (QUIET + LOUD_NOISE) / 2
        self._score = self._least = self._most = self._earlier_least = self._earlier_most = QUIET

    def note(self, level: int, voice: bool, now: float) -> None:
        """A packet of `level` -dBov, 0 (loudest) to 127, and with the voice flag as its sender set it.

        Browsers set the flag unless Opus leaves silence out, aiortc never: so only a sender that does set
        it is believed when it does not.
        """
        loudness = -level if level < -QUIET else QUIET
        elapsed = now - self._last
        if elapsed > _LONGEST:
            self._score = self.score(now)
            elapsed = _LONGEST
        self._last = self._levelled = now
        if voice:
            self._flagged = True
        noise = self._noise
        threshold = (noise if noise < LOUD_NOISE else LOUD_NOISE) + ABOVE_NOISE
        speaks = now - self._heard <= RELEASE
        if loudness >= (threshold - HYSTERESIS if speaks else threshold) and (voice or not self._flagged):
            if not self._run:
                self._onset = now
            self._run += 1
            if speaks or self._run >= ATTACK_PACKETS or now - self._onset >= ATTACK:
                self._heard = now
        else:
            self._run = 0
        if loudness < noise:
            self._noise = noise + (loudness - noise) * elapsed / _NOISE_FALL
        elif noise < LOUD_NOISE:
            self._noise = noise + _NOISE_RISE * elapsed
        self._follow(loudness, elapsed, now)

    def note_unlevelled(self, now: float) -> None:
        """A packet that says nothing of its level: taken for a voice, neither loud nor low."""
        if now - self._levelled > _UNLEVELLED_AFTER:
            self._last = self._heard = now
            self._score = self._least = self._most = self._earlier_least = self._earlier_most = MIDDLE

    def speaking(self, now: float) -> bool:
        """Whether it speaks: begins at most 60 ms after the voice, ends `RELEASE` after it."""
        return now - self._heard <= RELEASE

    def score(self, now: float) -> float:
        """How loud it has been of late, in dBov from `QUIET` to 0."""
        return max(QUIET, self._score - _SCORE_FALL * max(0.0, now - self._last - _LONGEST))

    def clearly_louder(self, other: Loudness) -> bool:
        """Whether its lowest score of `WINDOW` to twice that is `MARGIN` over the highest of the other."""
        least = min(self._least, self._earlier_least)
        return least >= max(other._most, other._earlier_most) + MARGIN

    def _follow(self, loudness: float, elapsed: float, now: float) -> None:
        score = self._score
        if loudness > score:
            score += (loudness - score) * elapsed / _SCORE_RISE
        else:
            score = max(loudness, score - _SCORE_FALL * elapsed)
        self._score = score
        if now >= self._window_ends:
            self._window_ends = now + WINDOW
            self._earlier_least, self._earlier_most = self._least, self._most
            self._least = self._most = score
        elif score < self._least:
            self._least = score
        elif score > self._most:
            self._most = score


Talker = TypeVar("Talker", bound=Hashable)


def assign(
    talkers: Mapping[Talker, Loudness], slots: Sequence[Talker | None], now: float
) -> list[Talker | None]:
    """Which talker each of a listener's slots plays from now on, each talker at most once.

    `talkers` are those who may speak, `slots` what was played until now. A talker keeps its slot until it
    may not speak, or somebody without a slot speaks while it does not, or is `clearly_louder`. A free slot
    goes to the loudest who speaks; if nobody does, to one who is silent, so that its first word is whole
    and a voice too low to be noticed is heard as well.
    """

    def rank(talker: Talker) -> tuple[bool, float]:
        return talkers[talker].speaking(now), talkers[talker].score(now)

    played: list[Talker | None] = []
    for talker in slots:
        played.append(talker if talker in talkers and talker not in played else None)
    waiting = sorted((talker for talker in talkers if talker not in played), key=rank, reverse=True)
    for place, talker in enumerate(played):
        if talker is None and waiting:
            played[place] = waiting.pop(0)
    for challenger in waiting:
        held = [talker for talker in played if talker is not None]
        if not held or not talkers[challenger].speaking(now):
            break
        weakest = min(held, key=rank)
        if not talkers[weakest].speaking(now) or talkers[challenger].clearly_louder(talkers[weakest]):
            played[played.index(weakest)] = challenger
    return played

"""What a listener is told of time: nothing is late and nothing overlaps, whoever speaks."""

from __future__ import annotations

import itertools
from dataclasses import dataclass, field

import pytest

from tests.unit.sfu.talk.house import PTIME, VOICE, House, Talker

RATE = 48_000
PAUSES = [0.0, 0.04, 0.08, 0.12, 0.2, 0.3, 0.4, 0.48, 0.6, 2.0]
BEARABLE = 0.1
"""Seconds by which sound may come later against its timestamps than before: a player bridges that."""


@dataclass
class Ear:
    """Arrival and timestamp of each packet in one slot, seconds since the first."""

    house: House = field(default_factory=House)
    packets: list[tuple[float, float]] = field(default_factory=list)

    def __post_init__(self) -> None:
        self.listener = self.house.listener()
        self._first: int | None = None

    def hear(self, talker: Talker, seconds: float = 0.2) -> None:
        """This one speaks, and is listened to."""
        for _ in range(round(seconds / PTIME)):
            self.house.say({talker: VOICE})
            (packet,) = self.listener.viewer.received(talker.studio.egress)
            first = self._first = packet.timestamp if self._first is None else self._first
            self.packets.append((self.house.now, ((packet.timestamp - first) & 0xFFFFFFFF) / RATE))

    @property
    def delays(self) -> list[float]:
        """Seconds by which each packet comes later than its timestamp says, from the first on."""
        return [at - self.packets[0][0] - told for at, told in self.packets]

    @property
    def steps(self) -> list[float]:
        """Seconds between timestamps."""
        told = [told for _, told in self.packets]
        return [after - before for before, after in itertools.pairwise(told)]


@pytest.mark.parametrize("pause", PAUSES)
@pytest.mark.parametrize("stands_still", [True, False], ids=["stands-still", "runs-on"])
def test_a_pause_of_one_microphone_delays_nothing_after_it(pause: float, stands_still: bool) -> None:
    ear = Ear()
    anna = ear.house.talker("anna")
    for _ in range(2):
        ear.house.press(anna)
        ear.hear(anna)
        ear.house.release(anna)
        ear.house.now += pause
        anna.skipped += 0 if stands_still else round(pause * RATE)
    assert max(ear.delays) < BEARABLE + 1e-6
    assert min(ear.steps) >= PTIME - 1e-6
    if not stands_still:
        assert max(map(abs, ear.delays)) < 1e-3, "its own clock is exact"


@pytest.mark.parametrize("lag", [0.001, 0.01, 0.02, 0.1, 0.4])
def test_another_microphone_goes_on_where_the_one_before_ended(lag: float) -> None:
    ear = Ear()
    anna, boris = ear.house.talker("anna"), ear.house.talker("boris")
    for turn in range(6):
        speaker = (anna, boris)[turn % 2]
        ear.house.press(speaker)
        ear.hear(speaker)
        ear.house.release(speaker)
        ear.house.now += lag - PTIME
    assert min(ear.steps) >= PTIME - 1e-6, "a player drops what overlaps"
    assert max(ear.delays) < 1e-3
    assert max(ear.steps) <= max(lag, PTIME) + 1e-3


def test_a_late_packet_after_a_pause_does_not_set_a_clock_that_ran_on() -> None:
    ear = Ear()
    anna = ear.house.talker("anna")
    ear.house.press(anna)
    ear.hear(anna)
    ear.house.release(anna)
    ear.house.now += 0.2
    anna.skipped += round((0.2 - 0.08) * RATE)
    ear.house.press(anna)
    ear.hear(anna, PTIME)
    assert ear.steps[-1] == pytest.approx(PTIME + 0.2 - 0.08, abs=1 / RATE)

"""How much a microphone may send: speech of any sender passes, a flood does not."""

from __future__ import annotations

import random

import pytest

from gateway.sfu.talk.allowance import (
    BITRATE,
    OVER_BITRATE,
    OVER_PACKET_RATE,
    PACKET_RATE,
    WINDOW,
    Allowance,
)


def passed(bitrate: float, packets: int, seconds: float = 30.0, jitter: float = 0.0) -> list[str | None]:
    """What is said to each packet of a steady sender, each up to `jitter` seconds late."""
    allowance, dice = Allowance(), random.Random(1)
    times = sorted(n / packets + jitter * dice.random() for n in range(round(seconds * packets)))
    return [allowance.refuse(round(bitrate / 8 / packets), now) for now in times]


@pytest.mark.parametrize(
    ("bitrate", "packets"), [(32_000, 50), (96_000, 50), (BITRATE, 50), (64_000, 17), (96_000, 101)]
)
@pytest.mark.parametrize("jitter", [0.0, 0.4])
def test_speech_passes_also_in_bursts(bitrate: int, packets: int, jitter: float) -> None:
    assert set(passed(bitrate, packets, jitter=jitter)) == {None}


def test_what_was_held_up_for_a_second_may_come_at_once() -> None:
    allowance = Allowance()
    assert [allowance.refuse(240, 100.0) for _ in range(50)] == [None] * 50
    assert [allowance.refuse(240, 100.02 + n / 50) for n in range(100)] == [None] * 100


@pytest.mark.parametrize("factor", [1.25, 2, 10])
def test_too_many_bits_are_dropped_down_to_the_bound(factor: float) -> None:
    said = passed(BITRATE * factor, 50)
    assert set(said) == {None, OVER_BITRATE}
    assert said.count(None) / len(said) == pytest.approx(1 / factor, rel=0.1)


@pytest.mark.parametrize("factor", [2, 50])
def test_too_many_packets_are_dropped_down_to_the_bound(factor: int) -> None:
    said = passed(BITRATE / 2, PACKET_RATE * factor)
    assert set(said) == {None, OVER_PACKET_RATE}
    assert said.count(None) == pytest.approx(PACKET_RATE * (30.0 + WINDOW), rel=0.01)


def test_a_packet_that_is_too_large_leaves_room_for_the_next() -> None:
    allowance = Allowance()
    assert allowance.refuse(65_000, 0.0) == OVER_BITRATE
    assert allowance.refuse(80, 0.0) is None
    assert [allowance.refuse(2_800, 1.0 + n / 100) for n in range(100)].count(OVER_BITRATE) > 70
    assert allowance.refuse(80, 10.0) is None

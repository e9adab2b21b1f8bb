"""Who speaks and how loud it is, from synthetic levels in virtual time."""

from __future__ import annotations

import random

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gateway.sfu.talk.loudness import MIDDLE, QUIET, RELEASE, Loudness
from tests.unit.sfu.talk.voices import PTIME, hear, over, speech, steady


@pytest.mark.parametrize("loudness", [12, 25, 38, 45])
@pytest.mark.parametrize("noise", [127, 75, 62])
def test_a_voice_is_noticed_within_60_ms_and_until_400_ms_after_it(loudness: int, noise: int) -> None:
    talker = Loudness()
    assert not any(hear(talker, steady(noise), over(0.0, 3.0)))
    said = hear(talker, steady(loudness), over(3.0, 1.0))
    assert said.index(True) == 2, "with the third packet: 60 ms of sound"
    assert all(said[2:])
    silence = hear(talker, steady(noise), over(4.0, 1.0))
    assert RELEASE - PTIME <= silence.index(False) * PTIME <= RELEASE + PTIME
    assert not any(silence[silence.index(False) :])


@pytest.mark.parametrize("ptime", [0.01, 0.02, 0.04, 0.06])
def test_the_attack_fits_every_packet_length(ptime: float) -> None:
    talker = Loudness()
    for n in range(round(2 / ptime)):
        talker.note(80, True, n * ptime)
    onset = now = 2.0
    while not talker.speaking(now):
        now += ptime
        talker.note(25, True, now)
    assert now - ptime - onset < 0.061, "from the first packet of the sound, which is a packet late itself"


def test_packets_that_come_in_bunches_are_as_good() -> None:
    talker = Loudness()
    for n in range(100):
        talker.note(80, True, n // 3 * 0.06)
    for _ in range(3):
        talker.note(25, True, 2.1)
    assert talker.speaking(2.1)


def test_a_click_is_no_voice() -> None:
    talker = Loudness()
    for second in range(5):
        assert not any(hear(talker, steady(80), over(second, 0.96)))
        assert not any(hear(talker, steady(5), over(second + 0.96, 0.04)))


@pytest.mark.parametrize("seed", range(5))
@pytest.mark.parametrize(("loudness", "noise"), [(22, 127), (22, 75), (38, 60), (33, 52)])
def test_speech_is_one_piece_whatever_gaps_are_between_words(seed: int, loudness: int, noise: int) -> None:
    talker = Loudness()
    hear(talker, steady(noise), over(0.0, 3.0))
    said = hear(talker, speech(loudness, seed, noise), over(3.0, 50.0))
    assert said.index(True) < 25
    assert all(said[said.index(True) :])


@pytest.mark.parametrize("noise", [127, 90, 70, 60, 50, 46])
def test_background_is_no_voice(noise: int) -> None:
    talker, dice = Loudness(), random.Random(noise)
    said = hear(talker, lambda _: min(127, noise + dice.randint(-2, 2)), over(0.0, 20.0))
    assert not any(said[round(6 / PTIME) :]), "a background that is louder than usual is known after seconds"


def test_a_steady_loud_tone_stays_audible() -> None:
    assert all(hear(Loudness(), steady(30), over(0.0, 60.0))[2:])


def test_a_voice_over_a_loud_background_is_told_from_it() -> None:
    talker = Loudness()
    hear(talker, steady(47), over(0.0, 10.0))
    assert all(hear(talker, speech(28, 1, noise=47), over(10.0, 20.0))[3:])
    assert not any(hear(talker, steady(47), over(30.0, 10.0))[round(RELEASE / PTIME) + 1 :])


def test_a_flag_is_believed_of_those_who_set_it() -> None:
    honest, dumb = Loudness(), Loudness()
    hear(honest, steady(80), over(0.0, 1.0), flag=True)
    assert not any(hear(honest, steady(25), over(1.0, 1.0), flag=False))
    assert hear(honest, steady(25), over(2.0, 1.0), flag=True)[2]
    assert all(hear(dumb, steady(25), over(0.0, 1.0), flag=False)[2:])


def test_who_sends_nothing_stops_speaking() -> None:
    talker = Loudness()
    hear(talker, steady(20), over(0.0, 1.0))
    assert talker.speaking(0.98 + RELEASE)
    assert not talker.speaking(0.98 + RELEASE + 0.01)
    assert not Loudness().speaking(0.0)
    assert Loudness().score(0.0) == QUIET


def test_the_score_is_the_level_that_lasts() -> None:
    talker = Loudness()
    hear(talker, steady(80), over(0.0, 1.0))
    assert talker.score(1.0) == QUIET
    hear(talker, steady(2), over(1.0, 0.1))
    assert talker.score(1.1) < -25, "a bang is not loud"
    hear(talker, steady(22), over(1.1, 2.0))
    assert talker.score(3.1) == pytest.approx(-22, abs=0.5)
    hear(talker, steady(80), over(3.1, 0.15))
    assert talker.score(3.25) > -26, "a gap between words costs little"
    assert talker.score(100.0) == QUIET


def test_the_score_falls_the_same_with_few_packets_as_with_many() -> None:
    """Opus with DTX sends one packet in 0.4 s of silence."""
    many, few = Loudness(), Loudness()
    for talker in (many, few):
        hear(talker, steady(20), over(0.0, 2.0))
    hear(many, steady(80), over(2.0, 1.22))
    for now in (2.4, 2.8, 3.2):
        before = few.score(now)
        few.note(80, True, now)
        assert few.score(now) <= before
    assert few.score(3.2) == pytest.approx(many.score(3.2), abs=1.5)


def test_the_score_stops_falling_at_the_level() -> None:
    talker = Loudness()
    for n in range(60):
        talker.note(10 if n < 30 else 25, True, n * 0.06)
        assert talker.score(n * 0.06) >= -25 or n < 30
    assert talker.score(60 * 0.06) == pytest.approx(-25)


def test_a_long_silence_is_no_deeper_than_a_short_one() -> None:
    talker = Loudness()
    hear(talker, steady(80), over(0.0, 60.0))
    hear(talker, steady(22), over(60.0, 1.0))
    assert talker.score(61.0) > -24


@pytest.mark.parametrize("seed", range(5))
def test_the_score_of_speech_is_steady(seed: int) -> None:
    talker, voice = Loudness(), speech(25, seed)
    hear(talker, voice, over(0.0, 2.0))
    scores = []
    for now in over(2.0, 40.0):
        talker.note(voice(now), True, now)
        scores.append(talker.score(now))
    assert max(scores) - min(scores) < 12
    assert -40 < min(scores) < max(scores) < -22


def test_who_sends_no_level_speaks_as_long_as_it_sends() -> None:
    talker = Loudness()
    talker.note_unlevelled(1.0)
    assert talker.speaking(1.0)
    assert talker.score(1.0) == MIDDLE
    assert not talker.speaking(1.0 + RELEASE + 0.01)


def test_a_packet_without_level_among_others_says_nothing() -> None:
    talker = Loudness()
    hear(talker, steady(80), over(0.0, 1.0))
    talker.note_unlevelled(1.0)
    assert not talker.speaking(1.0)
    talker.note_unlevelled(3.0)
    assert talker.speaking(3.0)


@pytest.mark.parametrize("phase", range(10))
def test_clearly_louder_is_over_when_it_no_longer_holds(phase: int) -> None:
    begin = 2.0 + phase * PTIME
    loud, low = Loudness(), Loudness()
    hear(loud, steady(12), over(0.0, begin))
    hear(low, steady(20), over(0.0, begin))
    assert loud.clearly_louder(low)
    assert not low.clearly_louder(loud)
    hear(loud, steady(80), over(begin, 0.16))
    assert not loud.clearly_louder(low), "it has become 3 dB lower"

    loud, low = Loudness(), Loudness()
    hear(loud, steady(12), over(0.0, begin))
    hear(low, steady(35), over(0.0, begin))
    assert loud.clearly_louder(low)
    hear(low, steady(3), over(begin, 0.16))
    assert not loud.clearly_louder(low), "the other has become louder"


@given(st.lists(st.tuples(st.integers(0, 127), st.booleans(), st.floats(0, 5)), max_size=60))
def test_whatever_levels_come_the_score_stays_in_its_range(
    packets: list[tuple[int, bool, float]],
) -> None:
    talker, now = Loudness(), 0.0
    for level, voice, pause in packets:
        now += pause
        talker.note(level, voice, now)
        assert QUIET <= talker.score(now) <= 0
        assert QUIET <= talker.score(now + 1) <= talker.score(now)
        assert not talker.speaking(now + RELEASE + 0.001)

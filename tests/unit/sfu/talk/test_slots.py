"""Who is heard: what a listener's slots play while people speak one after another and at once."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gateway.sfu.talk.loudness import MARGIN, RELEASE, WINDOW, Loudness, assign
from tests.unit.sfu.talk.voices import PTIME, Voice, hear, over, speech, steady


class Scene:
    """Talkers with voices, and what one listener's slots play."""

    def __init__(self, slots: int, **voices: Voice) -> None:
        self.voices = voices
        self.talkers = {name: Loudness() for name in voices}
        self.slots: list[str | None] = [None] * slots
        self.now = 0.0
        self.switches: list[tuple[float, list[str | None]]] = []

    def run(self, seconds: float) -> None:
        for now in over(self.now + PTIME, seconds):
            self.now = now
            for name, voice in self.voices.items():
                self.talkers[name].note(voice(self.now), True, self.now)
            slots = assign(self.talkers, self.slots, self.now)
            if slots != self.slots:
                self.switches.append((self.now, slots))
            self.slots = slots


def test_who_has_just_been_loud_counts_less_than_who_speaks_softly() -> None:
    talkers = {name: Loudness() for name in ("loud", "soft", "other")}
    hear(talkers["loud"], steady(10), over(0.0, 2.0))
    hear(talkers["loud"], steady(80), over(2.0, 0.5))
    hear(talkers["soft"], steady(42), over(1.5, 1.0))
    hear(talkers["other"], steady(40), over(1.5, 1.0))
    assert talkers["loud"].score(2.5) > talkers["soft"].score(2.5)
    assert assign({name: talkers[name] for name in ("loud", "soft")}, [None], 2.5) == ["soft"]
    assert assign(talkers, ["soft", "loud"], 2.5) == ["soft", "other"]
    del talkers["other"]
    talkers["idle"] = Loudness()
    assert assign(talkers, ["idle"], 2.5) == ["soft"]


def test_one_talker_gets_a_slot_before_its_first_word_and_keeps_it() -> None:
    scene = Scene(1, a=steady(127))
    scene.run(PTIME)
    assert scene.slots == ["a"]
    scene.voices["a"] = speech(30, 1)
    scene.run(20.0)
    assert len(scene.switches) == 1


def test_who_may_no_longer_speak_loses_its_slot_at_once() -> None:
    scene = Scene(2, a=speech(25, 1), b=speech(25, 2))
    scene.run(2.0)
    assert set(scene.slots) == {"a", "b"}
    place = scene.slots.index("a")
    del scene.talkers["a"], scene.voices["a"]
    scene.run(PTIME)
    assert scene.slots[place] is None
    assert scene.slots[1 - place] == "b"


def test_a_free_slot_goes_to_the_loudest_who_speaks() -> None:
    talkers = {name: Loudness() for name in ("silent", "low", "loud")}
    for name, level in (("silent", 80), ("low", 40), ("loud", 20)):
        hear(talkers[name], steady(level), over(0.0, 1.0))
    assert assign(talkers, [None], 1.0) == ["loud"]
    assert assign(talkers, [None, None], 1.0) == ["loud", "low"]
    assert assign(talkers, [None, "low", None, None], 1.0) == ["loud", "low", "silent", None]


def test_three_slots_play_three_at_once() -> None:
    scene = Scene(3, a=speech(20, 1), b=speech(25, 2), c=speech(30, 3), d=steady(80))
    scene.run(20.0)
    assert set(scene.slots) == {"a", "b", "c"}
    assert all(now < 0.2 for now, _ in scene.switches)


def test_somebody_who_begins_takes_the_slot_of_one_who_is_silent() -> None:
    scene = Scene(1, a=speech(15, 1), b=steady(80))
    scene.run(5.0)
    scene.voices["a"] = steady(80)
    scene.run(RELEASE + 0.1)
    assert scene.slots == ["a"], "nobody else speaks"
    scene.voices["b"] = steady(40)
    scene.run(0.06)
    assert scene.slots == ["b"], "however low its voice is"


def test_somebody_who_begins_waits_until_the_other_has_ended() -> None:
    scene = Scene(1, a=steady(25), b=steady(80))
    scene.run(5.0)
    scene.voices["b"] = steady(25)
    scene.run(2.0)
    assert scene.slots == ["a"]
    scene.voices["a"] = steady(80)
    scene.run(RELEASE + 2 * PTIME)
    assert scene.slots == ["b"]


def test_a_clearly_louder_voice_takes_the_slot_after_a_while() -> None:
    scene = Scene(1, a=steady(38), b=steady(80))
    scene.run(5.0)
    scene.voices["b"] = steady(15)
    scene.run(WINDOW)
    assert scene.slots == ["a"]
    scene.run(0.8)
    assert scene.slots == ["b"]
    assert 0.3 <= scene.switches[-1][0] - 5.0 <= 0.9


def test_with_several_slots_the_lowest_voice_gives_way() -> None:
    scene = Scene(2, a=steady(20), b=steady(38), c=steady(80))
    scene.run(5.0)
    place = scene.slots.index("a")
    scene.voices["c"] = steady(15)
    scene.run(2.0)
    assert scene.slots[place] == "a"
    assert scene.slots[1 - place] == "c"


@pytest.mark.parametrize("lead", [0, 3, round(MARGIN) - 1])
def test_a_little_louder_is_not_enough(lead: int) -> None:
    scene = Scene(1, a=steady(30), b=steady(80))
    scene.run(2.0)
    scene.voices["b"] = steady(30 - lead)
    scene.run(20.0)
    assert scene.slots == ["a"]


def test_a_bang_takes_no_slot() -> None:
    scene = Scene(1, a=speech(25, 1), b=steady(80))
    for _ in range(20):
        scene.run(0.9)
        scene.voices["b"] = steady(0)
        scene.run(0.1)
        scene.voices["b"] = steady(80)
    assert [slots for _, slots in scene.switches] == [["a"]]


@pytest.mark.parametrize("seed", range(10))
def test_two_equal_voices_at_once_do_not_flap(seed: int) -> None:
    scene = Scene(1, a=speech(25, seed), b=speech(25, seed + 100))
    scene.run(50.0)
    assert len(scene.switches) <= 2


@pytest.mark.parametrize("seed", range(5))
def test_two_voices_that_cross_change_over_once(seed: int) -> None:
    """One goes away from its microphone, one comes nearer: 30 dB in 20 seconds, and back."""
    rise, fall = speech(0, seed), speech(0, seed + 100)

    def crossing(voice: Voice, begin: int, end: int) -> Voice:
        def level(now: float) -> int:
            part = 1 - abs(1 - now / 20)
            base = voice(now)
            return base if base > 60 else round(base + begin + (end - begin) * part)

        return level

    scene = Scene(1, a=crossing(fall, 15, 45), b=crossing(rise, 45, 15))
    scene.run(20.0)
    assert [slots for _, slots in scene.switches] == [["a"], ["b"]]
    scene.run(20.0)
    assert [slots for _, slots in scene.switches] == [["a"], ["b"], ["a"]]
    first, second = (now for now, _ in scene.switches[1:])
    assert 10 < first < 18
    assert 30 < second < 38


@pytest.mark.parametrize("seed", range(5))
def test_a_conversation_changes_over_with_each_turn(seed: int) -> None:
    scene = Scene(1, a=steady(75), b=steady(75))
    scene.run(2.0)
    for turn in range(6):
        speaker, other = ("a", "b") if turn % 2 == 0 else ("b", "a")
        begin = scene.now
        scene.voices = {speaker: speech(25, seed + turn), other: steady(75)}
        scene.run(3.0)
        assert scene.slots == [speaker]
        assert turn == 0 or scene.switches[-1][0] - begin <= RELEASE + 0.1
    assert len(scene.switches) == 6


def test_one_without_levels_holds_its_own_against_voices_that_are_not_loud() -> None:
    scene = Scene(1, low=steady(33), loud=steady(80))
    plain = scene.talkers["plain"] = Loudness()
    for now in over(0.0, 10.0):
        plain.note_unlevelled(now)
        scene.now = now - PTIME
        if now >= 5.0:
            scene.voices["loud"] = steady(20)
        scene.run(PTIME)
        if now < 5.0:
            assert scene.slots == ["plain"], "who was first stays: neither is clearly louder"
    assert scene.slots == ["loud"]
    scene.voices = {}
    for now in over(10.0, 1.0):
        plain.note_unlevelled(now)
    assert assign(scene.talkers, scene.slots, 11.0) == ["plain"]


def test_nobody_waits_in_vain_behind_one_who_is_louder_only_now() -> None:
    talkers = {name: Loudness() for name in ("weak", "steady", "sudden")}
    hear(talkers["weak"], steady(40), over(0.0, 5.0))
    hear(talkers["steady"], steady(25), over(0.0, 5.0))
    hear(talkers["sudden"], steady(80), over(0.0, 4.7))
    hear(talkers["sudden"], steady(1), over(4.7, 0.3))
    assert talkers["sudden"].score(5.0) > talkers["steady"].score(5.0)
    assert not talkers["sudden"].clearly_louder(talkers["weak"])
    assert assign(talkers, ["weak"], 5.0) == ["steady"]


def test_a_listener_without_slots_hears_nobody() -> None:
    talkers = {"a": Loudness()}
    hear(talkers["a"], steady(20), over(0.0, 1.0))
    assert assign(talkers, [], 1.0) == []
    assert assign({}, ["a", None], 1.0) == [None, None]


@given(
    st.dictionaries(st.sampled_from("abcde"), st.lists(st.integers(0, 127), max_size=40)),
    st.lists(st.none() | st.sampled_from("abcdefg"), max_size=4),
)
def test_nobody_plays_twice_and_no_slot_is_wasted(
    levels: dict[str, list[int]], slots: list[str | None]
) -> None:
    talkers = {name: Loudness() for name in levels}
    for name, packets in levels.items():
        for n, level in enumerate(packets):
            talkers[name].note(level, True, (40 - len(packets) + n) * PTIME)
    now = 40 * PTIME
    played = assign(talkers, slots, now)
    names = [name for name in played if name is not None]
    assert len(played) == len(slots)
    assert len(names) == len(set(names)) == min(len(slots), len(talkers))
    assert set(names) <= set(talkers)
    unheard = [name for name in talkers if name not in names and talkers[name].speaking(now)]
    assert not unheard or all(talkers[name].speaking(now) for name in names)
    for before, after in zip(slots, played, strict=True):
        if before in names:
            continue
        assert (
            before not in talkers
            or slots.count(before) > 1
            or not talkers[before].speaking(now)
            or any(talkers[name].clearly_louder(talkers[before]) for name in names)
        ), f"{before} gave way to {after}"
    assert assign(talkers, played, now) == played

"""How busy the loop is, and whose answers are done without while it is."""

from __future__ import annotations

import pytest

from gateway.sfu.load import STEPS, WINDOW, Load
from tests.unit.sfu.fakes import Studio, Viewer, vp8
from tests.unit.sfu.test_viewer_transport import TRANSPORT_ID, numbered_media


def work(load: Load, share: float, windows: int, begin: float = 0.0) -> float:
    """Be busy for a share of each of so many windows, a hundred times in each."""
    step = WINDOW / 100
    now = begin
    for _ in range(windows * 100 + 1):
        load.worked(now, now + share * step)
        now += step
    return now


def test_an_idle_loop_spares_nothing() -> None:
    load = Load()
    work(load, 0.2, 20)
    assert load.share == pytest.approx(0.2, rel=0.02)
    assert load.spacing == 1


def test_step_by_step_as_it_gets_busier_and_back() -> None:
    load = Load()
    now, seen = 0.0, []
    for share in (0.9, 0.9, 0.9, 0.9, 0.4, 0.4, 0.1, 0.1, 0.1, 0.1):
        now = work(load, share, 1, now)
        seen.append(load.spacing)
    assert seen == [2, 4, 8, 16, 8, 8, 4, 2, 1, 1]


def test_what_is_spared_does_not_at_once_come_back() -> None:
    load = Load()
    now = work(load, STEPS[0][0] + 0.01, 2)
    work(load, STEPS[0][0] - 0.05, 10, now)
    assert load.spacing == STEPS[0][1]


def watching(count: int) -> tuple[Studio, list[Viewer]]:
    """Viewers in steady state, some calm."""
    studio, viewers = Studio(), [Viewer() for _ in range(count)]
    studio.send(vp8(1_000, keyframe=True))
    studio.tick()
    for place, viewer in enumerate(viewers):
        track = viewer.down_track(numbered_media(), ssrc=0x1000 + place)
        studio.video.add_down_track(track, studio.now)
        track.transport.calm = place % 2 == 0
    studio.send(vp8(1_001, keyframe=True))
    studio.egress.calls.clear()
    return studio, viewers


@pytest.mark.parametrize("count", [4, 64])
def test_calm_viewers_of_a_busy_gateway_get_few_numbers_and_all_else_as_ever(count: int) -> None:
    studio, viewers = watching(count)
    studio.egress.load.spacing = 4
    for turn in range(40):
        studio.send(vp8(1_002 + turn))
    for place, viewer in enumerate(viewers):
        got = viewer.received(studio.egress)
        assert [p.sequence_number - got[0].sequence_number & 0xFFFF for p in got] == list(range(40))
        numbers = [int.from_bytes(p.extensions[TRANSPORT_ID], "big") for p in got if p.extensions]
        assert len(numbers) == (10 if place % 2 == 0 else 40)
        assert [n - numbers[0] for n in numbers] == list(range(len(numbers))), "without a hole"


def test_answers_of_many_viewers_are_spread_over_time() -> None:
    studio, viewers = watching(64)
    studio.egress.load.spacing = 4
    for turn in range(4):
        studio.send(vp8(1_002 + turn))
    got = [viewer.received(studio.egress) for viewer in viewers[::2]]
    numbered = [sum(bool(packets[turn].extensions) for packets in got) for turn in range(4)]
    assert sum(numbered) == 32
    assert max(numbered) <= 16

"""The whole SFU in front of bad networks: every viewer gets the best picture its link carries, and no freeze.

A freeze is what a browser would show: no decodable frame, see `narrow.BrowserViewer`. The first ten seconds
are given for finding out what the link carries.
"""

from __future__ import annotations

import pytest

from tests.sim.bottleneck import CrossTraffic
from tests.sim.narrow import BrowserViewer, share, simulcast
from tests.sim.world import SimulatedPublisher, World

RATES = {"l": 330_000, "h": 1_000_000, "f": 2_200_000}
"""Layers that use over 70 % of links of 0.5, 1.4 and 3 Mbit/s: a rise needs 15 % more and room for sound."""
KEYFRAME = 4
"""Times that a keyframe is larger than other frames; it leaves the publisher at once."""
SEEDS = range(4)
FOUND_OUT = 10.0


def watch(
    seed: int, rates: list[tuple[float, float]], before: float = 0.0, **conditions: object
) -> BrowserViewer:
    """A viewer who joins a broadcast that began `before` seconds ago, with the world not yet run."""
    world = World(seed)
    SimulatedPublisher(world, world.network(), simulcast(world, RATES, KEYFRAME))
    world.agenda.run(before)
    return BrowserViewer(world, rates, **conditions)


def assert_plays(
    viewer: BrowserViewer, rid: str, start: float, end: float, *, least: float = 0.99, full: bool = True
) -> None:
    """Between two instants the viewer gets this layer, its link is used, and the queue is short."""
    layers = viewer.layers(start, end)
    assert share(layers, rid) >= least, {x: round(share(layers, x), 2) for x in RATES}
    assert viewer.waited(start, end) <= 0.15
    if full:
        assert viewer.utilisation(start, end) >= 0.7


def assert_no_freeze(viewer: BrowserViewer, end: float, start: float = FOUND_OUT) -> None:
    assert viewer.freezes(start, end) == [], "when, and for how many seconds"


@pytest.mark.parametrize("seed", SEEDS)
@pytest.mark.parametrize(("rate", "rid"), [(500_000, "l"), (1_400_000, "h"), (3_000_000, "f")])
def test_a_steady_link(seed: int, rate: float, rid: str) -> None:
    viewer = watch(seed, [(0, rate)])
    viewer.world.agenda.run(40.0)
    assert_plays(viewer, rid, FOUND_OUT, 40, least=0.95)
    assert_no_freeze(viewer, 40)


@pytest.mark.parametrize("seed", SEEDS)
def test_a_link_that_carries_the_best_layer_shows_it_at_once_and_for_good(seed: int) -> None:
    viewer = watch(seed, [(0, 5_000_000)], before=3.0)
    viewer.world.agenda.run(27.0)
    assert_plays(viewer, "f", 3.5, 30, full=False)
    assert_no_freeze(viewer, 30, 3.0)


@pytest.mark.parametrize("seed", SEEDS)
def test_a_step_down_to_a_sixth_and_back(seed: int) -> None:
    viewer = watch(seed, [(0, 3_000_000), (20, 500_000), (50, 3_000_000)])
    viewer.world.agenda.run(80.0)
    assert_plays(viewer, "f", FOUND_OUT, 20)
    assert_plays(viewer, "l", 23, 50)
    assert_plays(viewer, "f", 62, 80)
    assert_no_freeze(viewer, 80)


@pytest.mark.parametrize("seed", SEEDS)
@pytest.mark.parametrize("back_loss", [0.0, 0.05], ids=["down", "both ways"])
def test_five_percent_random_loss(seed: int, back_loss: float) -> None:
    viewer = watch(seed, [(0, 3_000_000)], loss=0.05, back={"delay": 0.02, "loss": back_loss})
    viewer.world.agenda.run(60.0)
    assert_plays(viewer, "f", 15, 60, least=0.95)
    assert_no_freeze(viewer, 60)


@pytest.mark.parametrize("seed", SEEDS)
def test_bursts_of_loss(seed: int) -> None:
    """30 % for a second: with what must be sent again 3 Mbit/s would be too little for the best layer."""
    bursts = [(0.0, 0.0), (20.0, 0.3), (21.0, 0.0), (35.0, 0.3), (36.0, 0.0)]
    viewer = watch(seed, [(0, 3_000_000)], loss=bursts)
    viewer.world.agenda.run(50.0)
    assert_plays(viewer, "f", FOUND_OUT, 20)
    assert_plays(viewer, "f", 29, 35)
    assert_plays(viewer, "f", 44, 50)
    assert_no_freeze(viewer, 50)


@pytest.mark.parametrize("seed", SEEDS)
def test_a_round_trip_of_300_milliseconds(seed: int) -> None:
    viewer = watch(seed, [(0, 3_000_000)], delay=0.15, back={"delay": 0.15})
    viewer.world.agenda.run(40.0)
    assert_plays(viewer, "f", FOUND_OUT, 40)
    assert_no_freeze(viewer, 40)


@pytest.mark.parametrize("seed", SEEDS)
def test_other_traffic_takes_half_the_link_and_goes(seed: int) -> None:
    viewer = watch(seed, [(0, 3_000_000)])
    CrossTraffic(viewer.link, lambda now: 1_500_000 if 20 <= now < 50 else 0)
    viewer.world.agenda.run(80.0)
    assert_plays(viewer, "f", FOUND_OUT, 20)
    assert_plays(viewer, "h", 25, 50, least=0.9, full=False)
    assert viewer.utilisation(25, 50) >= RATES["h"] / 3_000_000, "all that the layer which fits has"
    assert_plays(viewer, "f", 62, 80)
    assert_no_freeze(viewer, 80)


@pytest.mark.parametrize("seed", SEEDS)
def test_jitter(seed: int) -> None:
    viewer = watch(seed, [(0, 3_000_000)], jitter=0.01)
    viewer.world.agenda.run(40.0)
    assert_plays(viewer, "f", FOUND_OUT, 40, least=0.95)
    assert_no_freeze(viewer, 40)


@pytest.mark.parametrize("seed", range(2))
def test_fifty_viewers_of_one_track_with_different_links(seed: int) -> None:
    """Nobody's link decides for others, and everybody's requests cost the publisher one keyframe a second."""
    rates = {"l": 160_000, "h": 400_000, "f": 900_000}
    expected = {300_000: "l", 600_000: "h", 1_300_000: "f", 4_000_000: "f", 10_000_000: "f"}
    world = World(seed)
    publisher = SimulatedPublisher(world, world.network(), simulcast(world, rates, KEYFRAME))
    viewers = []
    for n in range(50):
        viewers.append(BrowserViewer(world, [(0, list(expected)[n % 5])], loss=0.01))
        world.agenda.run(0.02)
    world.agenda.run(23.0)
    for viewer in viewers:
        rate = viewer.link.rate_at(world.agenda.now)
        assert_plays(viewer, expected[round(rate)], 12, 24, least=0.9, full=400_000 < rate < 2_000_000)
        assert_no_freeze(viewer, 24)
    assert publisher.plis <= 3 * 25


@pytest.mark.parametrize("seed", SEEDS)
def test_a_busy_gateway_that_asks_for_fewer_answers_follows_the_link_all_the_same(seed: int) -> None:
    viewer = watch(seed, [(0, 3_000_000), (20, 500_000), (50, 3_000_000)])
    viewer.world.load.spacing = 4
    viewer.world.agenda.run(80.0)
    assert_plays(viewer, "f", FOUND_OUT, 20)
    assert_plays(viewer, "l", 23, 50)
    assert_plays(viewer, "f", 62, 80)
    assert [length for at, length in viewer.freezes(FOUND_OUT, 80) if length > 1.5 or at > 21] == []

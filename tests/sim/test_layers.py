"""Layers chosen by bandwidth: the whole SFU in front of a narrow link, with real transport-wide feedback."""

from __future__ import annotations

import pytest

from tests.sim.narrow import NarrowViewer, share, simulcast
from tests.sim.world import SimulatedPublisher, World

RATES = {"l": 200_000, "h": 800_000, "f": 1_700_000}


@pytest.mark.parametrize("seed", range(4))
def test_a_wide_link_gets_the_best_layer_at_once_and_keeps_it(seed: int) -> None:
    world = World(seed)
    SimulatedPublisher(world, world.network(), simulcast(world, RATES))
    world.agenda.run(3.0)
    viewer = NarrowViewer(world, [(0.0, 5_000_000)])
    world.agenda.run(27.0)
    viewer.check()
    assert share(viewer.layers(3.5, 30), "f") > 0.99
    assert viewer.longest_gap(4.0) < 0.3


@pytest.mark.parametrize("seed", range(4))
def test_a_narrow_link_gets_what_it_carries(seed: int) -> None:
    world = World(seed)
    SimulatedPublisher(world, world.network(), simulcast(world, RATES))
    world.agenda.run(3.0)
    viewer = NarrowViewer(world, [(0.0, 500_000)])
    world.agenda.run(57.0)
    viewer.check_numbers()
    assert share(viewer.layers(15, 60), "l") > 0.9
    assert viewer.longest_gap(13.0) < 1.0
    assert viewer.waited(15, 60) <= 0.15


@pytest.mark.parametrize("seed", range(4))
def test_a_step_down_and_up_again_is_followed(seed: int) -> None:
    world = World(seed)
    SimulatedPublisher(world, world.network(), simulcast(world, RATES))
    viewer = NarrowViewer(world, [(0.0, 4_000_000), (20.0, 500_000), (50.0, 4_000_000)])
    world.agenda.run(100.0)
    viewer.check_numbers()
    assert share(viewer.layers(10, 20), "f") > 0.9
    assert share(viewer.layers(25, 50), "l") > 0.9
    assert share(viewer.layers(75, 100), "f") > 0.9
    assert viewer.longest_gap(10.0) < 1.0
    assert viewer.waited(25, 50) <= 0.15
    assert viewer.waited(75, 100) <= 0.15


@pytest.mark.parametrize("seed", range(4))
def test_random_loss_is_no_reason_for_a_poor_picture(seed: int) -> None:
    world = World(seed)
    SimulatedPublisher(world, world.network(), simulcast(world, RATES))
    viewer = NarrowViewer(world, [(0.0, 5_000_000)], loss=0.05)
    world.agenda.run(60.0)
    viewer.check_numbers()
    assert share(viewer.layers(15, 60), "f") > 0.8
    assert viewer.longest_gap(10.0) < 1.0


def test_viewers_of_one_track_have_their_own_layers() -> None:
    world = World(1)
    SimulatedPublisher(world, world.network(), simulcast(world, RATES))
    slow = [NarrowViewer(world, [(0.0, 400_000)]) for _ in range(3)]
    middle = [NarrowViewer(world, [(0.0, 1_400_000)]) for _ in range(3)]
    fast = [NarrowViewer(world, [(0.0, 8_000_000)]) for _ in range(3)]
    world.agenda.run(60.0)
    for viewers, rid in ((slow, "l"), (middle, "h"), (fast, "f")):
        for viewer in viewers:
            viewer.check_numbers()
            assert share(viewer.layers(20, 60), rid) > 0.8


def test_a_wish_is_kept() -> None:
    world = World(2)
    SimulatedPublisher(world, world.network(), simulcast(world, RATES))
    viewer = NarrowViewer(world, [(0.0, 8_000_000)])
    world.agenda.run(10.0)
    viewer.subscriber.prefer(rid="l", max_height=None, now=world.agenda.now)
    world.agenda.run(2.0)
    assert share(viewer.layers(11, 12), "l") == 1.0
    viewer.subscriber.prefer(rid=None, max_height=None, now=world.agenda.now)
    world.agenda.run(2.0)
    assert share(viewer.layers(13.5, 14), "f") == 1.0
    viewer.subscriber.prefer(rid=None, max_height=200, now=world.agenda.now)
    world.agenda.run(2.0)
    assert share(viewer.layers(15.5, 16), "l") == 1.0
    viewer.check()

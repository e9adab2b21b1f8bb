"""Joining a publisher that sends a keyframe every 10 s and ignores requests, as OBS does."""

from __future__ import annotations

import itertools

import pytest

from gateway.protocol.srtp import SrtpProfile
from tests.sim.test_forwarding import BAD, encoder
from tests.sim.world import SimulatedPublisher, SimulatedViewer, World

KEYFRAME_INTERVAL = 10 * SimulatedPublisher.FPS


def obs(world: World, **conditions: float) -> SimulatedPublisher:
    source = encoder(world.random)
    source.packets_per_frame = 10  # 2 Mbit/s
    return SimulatedPublisher(
        world, world.network(**conditions), [source], keyframe_interval=KEYFRAME_INTERVAL, obeys=False
    )


def behind(world: World, viewer: SimulatedViewer, arrival: tuple[float, int]) -> float:
    """Seconds between a packet's capture and its arrival."""
    return arrival[0] - world.sent[arrival[1]].captured


@pytest.mark.parametrize("age", [0.1, 0.9, 2.5, 5.0, 9.0])
@pytest.mark.parametrize("profile", [SrtpProfile.AEAD_AES_128_GCM, SrtpProfile.AES128_CM_SHA1_80])
def test_the_picture_comes_at_once_and_reaches_the_live_edge(age: float, profile: SrtpProfile) -> None:
    world = World(3)
    obs(world)
    world.agenda.run(10.0 + age)
    joined = world.agenda.now
    viewer = SimulatedViewer(world, world.network(), profile)
    world.agenda.run(4.0)
    viewer.check()
    first = viewer.arrivals[0]
    assert world.sent[first[1]].keyframe
    assert first[0] - joined < 0.4
    live = next(a for a in viewer.arrivals if behind(world, viewer, a) < 0.1)
    assert live[0] - joined < 0.4 + age / 3
    assert viewer.holes == 0
    assert viewer.resent == 0, "a joining viewer asked for what it was about to get"
    assert world.drops["nack_not_cached"] == 0


def test_timestamps_follow_the_sending_so_that_no_player_grows_a_buffer() -> None:
    world = World(4)
    obs(world)
    world.agenda.run(19.0)
    viewer = SimulatedViewer(world, world.network())
    world.agenda.run(4.0)
    timestamps = {identity: timestamp for timestamp, identity in viewer.got.values()}
    frames = [next(group) for _, group in itertools.groupby(viewer.arrivals, lambda a: timestamps[a[1]])]
    origin = frames[0]
    for arrival, identity in frames:
        media = ((timestamps[identity] - timestamps[origin[1]]) & 0xFFFFFFFF) / 90_000
        assert media - (arrival - origin[0]) == pytest.approx(0, abs=0.25)


def test_the_second_viewer_does_not_wait_for_a_request_that_is_never_answered() -> None:
    world = World(5)
    publisher = obs(world)
    world.agenda.run(18.0)
    SimulatedViewer(world, world.network())
    world.agenda.run(1.5)
    asked = publisher.plis
    joined = world.agenda.now
    viewer = SimulatedViewer(world, world.network())
    world.agenda.run(1.0)
    assert viewer.arrivals[0][0] - joined < 0.1
    assert publisher.plis <= asked + 1


@pytest.mark.parametrize("seed", range(8))
def test_numbers_hold_on_bad_networks(seed: int) -> None:
    world = World(seed)
    obs(world, **BAD)
    world.agenda.run(12.0 + seed)
    viewer = SimulatedViewer(world, world.network(**BAD), rtx=seed % 2 == 0)
    world.agenda.run(8.0)
    viewer.check()
    assert viewer.holes == 0


def test_a_keyframe_ends_the_catching_up() -> None:
    world = World(6)
    obs(world)
    world.agenda.run(19.8)
    viewer = SimulatedViewer(world, world.network())
    world.agenda.run(1.0)
    viewer.check()
    assert behind(world, viewer, viewer.arrivals[-1]) < 0.1


def test_leaving_and_pausing_in_mid_air() -> None:
    world = World(7)
    obs(world)
    world.agenda.run(19.0)
    viewer = SimulatedViewer(world, world.network())
    viewer.subscriber.down_tracks[0].transport.estimator.estimate = 1_500_000.0
    world.agenda.run(0.6)
    assert viewer.subscriber.down_tracks[0].catch_up is not None
    viewer.subscriber.pause()
    world.agenda.run(0.2)
    viewer.subscriber.resume(world.agenda.now)
    world.agenda.run(5.0)
    viewer.check(replays=1)
    assert viewer.holes == 0
    assert behind(world, viewer, viewer.arrivals[-1]) < 0.1


def test_an_obeying_publisher_is_asked_rather_than_its_past_replayed() -> None:
    world = World(8)
    publisher = SimulatedPublisher(world, world.network(), [encoder(world.random)])
    world.agenda.run(8.0)
    asked = publisher.plis
    viewer = SimulatedViewer(world, world.network())
    world.agenda.run(1.0)
    viewer.check()
    assert publisher.plis == asked + 1
    assert all(behind(world, viewer, a) < 0.1 for a in viewer.arrivals)


def test_memory_for_groups_of_pictures_is_bounded() -> None:
    world = World(9)
    publisher = obs(world)
    layer_octets = 3_000_000
    publisher.keyframe_interval = 10_000
    world.agenda.run(0.1)
    layer = next(iter(publisher.sfu.tracks.values())).layers
    cache = next(iter(layer.values())).cache
    cache._capacity = layer_octets
    world.agenda.run(30.0)
    assert sum(len(packet.payload) for packet in cache) <= layer_octets
    viewer = SimulatedViewer(world, world.network())
    world.agenda.run(2.0)
    assert not viewer.got, "a group without its keyframe is of no use"

"""Hours of coming and going in seconds: nobody is forgotten, nothing is left behind."""

from __future__ import annotations

import gc
import random
import weakref

import pytest

from gateway.protocol.description import MediaKind
from gateway.protocol.srtp import SrtpProfile
from gateway.sfu.down_track import DownTrack
from gateway.sfu.layer_choice import RISE_PAUSE
from gateway.sfu.packet_cache import HORIZON
from gateway.sfu.picture_group import LONGEST_GROUP
from gateway.sfu.track import PublishedTrack
from tests.sim.test_forwarding import BAD, encoder, last_layer
from tests.sim.world import SimulatedPublisher, SimulatedViewer, World

PROFILES = [SrtpProfile.AEAD_AES_128_GCM, SrtpProfile.AES128_CM_SHA1_80]


def check_bookkeeping(track: PublishedTrack) -> None:
    """Each viewer is fed by one layer at most and on its way to the target; each list tells the same."""
    for down_track in track.down_tracks:
        if down_track.layer is not None and down_track.layer.track is not track:
            continue  # one who took over is not to be seen yet
        lists = [
            (x, viewers) for x in track.layers.values() for viewers in (*x.out.groups.values(), x.catching_up)
        ]
        fed_by = [layer for layer, viewers in lists if down_track in viewers]
        awaits = [layer for layer in track.layers.values() if down_track in layer.waiting]
        assert fed_by == ([down_track.layer] if down_track.layer else [])
        assert awaits == ([down_track.waiting_for] if down_track.waiting_for else [])
        if track.live_layers:
            assert (down_track.waiting_for or down_track.layer) in track.live_layers, (
                "left behind on a dead one"
            )
    for layer in track.layers.values():
        fed = [viewer for group in layer.out.groups.values() for viewer in group]
        assert all(layer.out.groups.values())
        assert {*layer.waiting, *layer.catching_up} <= set(track.down_tracks)
        assert all(viewer.layer is layer for viewer in fed)


@pytest.mark.parametrize("seed", range(6))
def test_three_layers_that_come_and_go(seed: int) -> None:
    world = World(seed)
    layers = [encoder(world.random, rid) for rid in ("l", "h", "f")]
    for layer in layers:
        layer.packets_per_frame = 2
    publisher = SimulatedPublisher(world, world.network(**BAD), layers)
    viewers = [SimulatedViewer(world, world.network(**BAD), profile) for profile in PROFILES]
    chance = random.Random(seed)
    for _ in range(30):
        layer = chance.choice(layers)
        layer.paused = not layer.paused
        world.agenda.run(chance.uniform(0.1, 1.6))
        check_bookkeeping(publisher.sfu.tracks[MediaKind.VIDEO])
    for layer in layers:
        layer.paused = False
    world.agenda.run(RISE_PAUSE + 3.0)
    for viewer in viewers:
        assert last_layer(world, viewer) == "f"
        viewer.check(jump=30.0, replays=10)


@pytest.mark.parametrize("seed", range(4))
def test_viewers_and_publishers_come_and_go(seed: int) -> None:
    world = World(seed)
    chance = random.Random(seed)
    publisher: SimulatedPublisher | None = None
    viewers: list[SimulatedViewer] = []
    everybody: list[SimulatedViewer] = []
    gone: list[weakref.ref[object]] = []
    for _ in range(60):
        happening = chance.random()
        if publisher is None or happening < 0.08:
            if publisher is not None and chance.random() < 0.5:
                publisher.stop()  # else it is taken over, and ends later
            elif publisher is not None:
                world.agenda.after(0.5, publisher.stop)
            source = encoder(world.random)
            source.packets_per_frame = 2
            publisher = SimulatedPublisher(world, world.network(**BAD), [source])
        elif happening < 0.5 and len(viewers) < 8:
            viewer = SimulatedViewer(
                world, world.network(**BAD), chance.choice(PROFILES), chance.random() < 0.5
            )
            viewers.append(viewer)
            everybody.append(viewer)
        elif happening < 0.75 and viewers:
            viewer = viewers.pop(chance.randrange(len(viewers)))
            gone.append(weakref.ref(viewer.subscriber))
            viewer.leave()
            del viewer.subscriber
        elif viewers:
            viewer = chance.choice(viewers)
            viewer.subscriber.pause()
            world.agenda.run(chance.uniform(0.0, 0.3))
            viewer.subscriber.resume(world.agenda.now)
        world.agenda.run(chance.uniform(0.05, 0.6))
        track = publisher.sfu.tracks[MediaKind.VIDEO]
        check_bookkeeping(track)
        for layer in track.layers.values():
            assert len(layer.cache) <= (LONGEST_GROUP + HORIZON) * 25 * 2 * 1.2 + 20
    world.agenda.run(1.6)
    assert len(publisher.sfu.tracks[MediaKind.VIDEO].down_tracks) == len(viewers)
    for viewer in everybody:
        if viewer.got:
            viewer.check_numbers(jump=20.0)
    for viewer in viewers:
        assert world.agenda.now - viewer.arrivals[-1][0] < 0.2, "a viewer who stayed sees nothing"
    gc.collect()
    assert gone
    assert [reference() for reference in gone if reference() is not None] == []
    alive = [x for x in gc.get_objects() if isinstance(x, DownTrack) and x.drops is world.drops]
    assert len(alive) == len(viewers)


def test_a_viewers_history_does_not_keep_the_media_of_publishers_who_ended() -> None:
    world = World(1)
    viewer = SimulatedViewer(world, world.network())
    ended: list[weakref.ref[object]] = []
    for _ in range(5):
        publisher = SimulatedPublisher(world, world.network(), [encoder(world.random)])
        world.agenda.run(2.0)
        ended += [weakref.ref(x) for x in publisher.sfu.tracks[MediaKind.VIDEO].layers.values()]
        publisher.stop()
        del publisher
    publisher = SimulatedPublisher(world, world.network(), [encoder(world.random)])
    world.agenda.run(HORIZON + 2.5)
    gc.collect()
    assert len(ended) == 5
    assert [reference() for reference in ended if reference() is not None] == []
    viewer.check(jump=3.0)
    assert publisher.sfu.live

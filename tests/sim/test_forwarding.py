"""Virtual-time simulations of the forwarding path: whatever the network does, viewers' numbers stay sane."""

from __future__ import annotations

import itertools
import random

import pytest

from gateway.protocol.rtcp import PictureLossIndication, unix_from_ntp
from gateway.protocol.srtp import SrtpProfile
from tests.sim.world import EPOCH, Encoder, SimulatedPublisher, SimulatedViewer, World

GOOD: dict[str, float] = {}
BAD = {"loss": 0.05, "jitter": 0.03, "duplication": 0.03}


def encoder(
    rng: random.Random, rid: str = "", *, sequence: int | None = None, timestamp: int | None = None
) -> Encoder:
    return Encoder(
        rid,
        rng.getrandbits(32),
        rng.getrandbits(16) if sequence is None else sequence,
        rng.getrandbits(32) if timestamp is None else timestamp,
    )


@pytest.mark.parametrize("seed", range(12))
@pytest.mark.parametrize("profile", [SrtpProfile.AEAD_AES_128_GCM, SrtpProfile.AES128_CM_SHA1_80])
@pytest.mark.parametrize("rtx", [True, False], ids=["rtx", "plain"])
def test_loss_reordering_and_duplication_on_both_sides(seed: int, profile: SrtpProfile, rtx: bool) -> None:
    world = World(seed)
    publisher = SimulatedPublisher(world, world.network(**BAD), [encoder(world.random)])
    viewers = [SimulatedViewer(world, world.network(**BAD), profile, rtx) for _ in range(3)]
    world.agenda.run(8.0)
    publisher.stop()
    world.agenda.run(1.0)
    assert publisher.nacks > 5
    for viewer in viewers:
        viewer.check()
        assert len(viewer.got) > 8 * 25 * 4 * 0.97
        assert viewer.holes == 0, "repair left holes"


@pytest.mark.parametrize("sequence", [0, 1, 32_767, 32_768, 65_000, 65_534, 65_535])
@pytest.mark.parametrize("timestamp", [0, 0x7FFFFF00, 0x80000000, 0xFFFFFF00])
def test_wraps_of_sequence_numbers_and_timestamps(sequence: int, timestamp: int) -> None:
    world = World(7)
    SimulatedPublisher(
        world, world.network(**BAD), [encoder(world.random, sequence=sequence, timestamp=timestamp)]
    )
    viewer = SimulatedViewer(world, world.network(**BAD))
    world.agenda.run(6.0)
    viewer.check()


def test_every_sequence_number_is_passed_twice_and_the_roll_over_counter_follows() -> None:
    world = World(3)
    fast = encoder(world.random)
    fast.packets_per_frame = 120
    SimulatedPublisher(world, world.network(jitter=0.005), [fast])
    gcm = SimulatedViewer(world, world.network())
    cm = SimulatedViewer(world, world.network(), SrtpProfile.AES128_CM_SHA1_80)
    world.agenda.run(48.0)
    for viewer in (gcm, cm):
        assert len(viewer.got) > 2 * 65_536
        viewer.check()
        assert viewer.holes == 0


@pytest.mark.parametrize("seed", range(8))
def test_a_publisher_who_comes_back_continues_in_the_same_viewer_session(seed: int) -> None:
    world = World(seed)
    viewer = SimulatedViewer(world, world.network(**BAD))
    for pause in (0.4, 3.0, 0.0):
        publisher = SimulatedPublisher(world, world.network(**BAD), [encoder(world.random)])
        world.agenda.run(4.0)
        publisher.stop()
        world.agenda.run(pause)
    viewer.check(jump=4.0)
    assert len(viewer.got) > 3 * 4 * 25 * 4 * 0.9


@pytest.mark.parametrize("seed", range(8))
def test_the_best_layer_alive_is_played_and_left_when_it_dies(seed: int) -> None:
    world = World(seed)
    layers = [encoder(world.random, rid) for rid in ("l", "h")]
    SimulatedPublisher(world, world.network(**BAD), layers)
    viewer = SimulatedViewer(world, world.network(**BAD))
    world.agenda.run(4.0)
    assert last_layer(world, viewer) == "h"
    layers[1].paused = True
    world.agenda.run(4.0)
    assert last_layer(world, viewer) == "l"
    layers[1].paused = False
    layers[1].wants_keyframe = True
    world.agenda.run(4.0)
    assert last_layer(world, viewer) == "h"
    viewer.check(jump=2.5, replays=1)


def last_layer(world: World, viewer: SimulatedViewer) -> str:
    return world.sent[viewer.arrivals[-1][1]].layer


def test_many_viewers_who_join_at_once_cost_the_publisher_one_keyframe_a_second() -> None:
    world = World(1)
    publisher = SimulatedPublisher(world, world.network(), [encoder(world.random)])
    world.agenda.run(2.0)
    for _ in range(20):
        SimulatedViewer(world, world.network())
        world.agenda.run(0.1)
    world.agenda.run(1.5)
    assert 2 <= publisher.plis <= 4
    for viewer in world.viewers.values():
        viewer.check()
        assert world.sent[viewer.got[min(viewer.got)][1]].keyframe


def test_a_publisher_who_ignores_keyframe_requests_is_joined_at_its_own_keyframe() -> None:
    world = World(2)
    SimulatedPublisher(
        world, world.network(**BAD), [encoder(world.random)], keyframe_interval=75, obeys=False
    )
    world.agenda.run(1.0)
    viewer = SimulatedViewer(world, world.network(**BAD))
    world.agenda.run(6.0)
    viewer.check()
    assert world.sent[viewer.got[min(viewer.got)][1]].keyframe


def test_a_hole_too_large_to_mend_is_closed_at_a_keyframe_without_a_jump_of_numbers() -> None:
    world = World(4)
    source = encoder(world.random)
    source.packets_per_frame = 40
    publisher = SimulatedPublisher(world, world.network(), [source])
    viewer = SimulatedViewer(world, world.network())
    world.agenda.run(2.0)
    publisher.uplink.loss = 1.0
    world.agenda.run(1.0)
    publisher.uplink.loss = 0.0
    world.agenda.run(3.0)
    viewer.check(jump=2.5, replays=1)
    assert viewer.holes == 0


def test_sender_reports_put_all_layers_on_the_gateway_clock() -> None:
    world = World(5)
    SimulatedPublisher(world, world.network(), [encoder(world.random)])
    viewer = SimulatedViewer(world, world.network())
    world.agenda.run(5.0)
    assert len(viewer.reports) >= 4
    for at, report in viewer.reports:
        assert unix_from_ntp(report.ntp) == pytest.approx(EPOCH + at, abs=0.001)
        # A frame captured when the report was made bears the report's timestamp, but for the uplink's delay.
        captured, timestamp = nearest_frame(world, viewer, at)
        expected = timestamp + round((at - captured - 0.02) * 90_000)
        error = (report.rtp_timestamp - expected + 0x80000000 & 0xFFFFFFFF) - 0x80000000
        assert abs(error) <= 0.005 * 90_000


def nearest_frame(world: World, viewer: SimulatedViewer, at: float) -> tuple[float, int]:
    frames = [(world.sent[i].captured, timestamp) for timestamp, i in viewer.got.values()]
    return min(frames, key=lambda frame: abs(frame[0] - at))


def test_a_device_without_segmentation_offload_sends_one_packet_a_call() -> None:
    world = World(6)
    world.max_segments = 1
    SimulatedPublisher(world, world.network(), [encoder(world.random)])
    viewer = SimulatedViewer(world, world.network())
    world.agenda.run(2.0)
    viewer.check()
    assert world.bursts >= len(viewer.got)


def test_a_frame_goes_to_a_viewer_in_one_call() -> None:
    world = World(6)
    SimulatedPublisher(world, world.network(), [encoder(world.random)])
    viewer = SimulatedViewer(world, world.network())
    world.agenda.run(4.0)
    assert world.bursts <= len(viewer.got) / 4 * 1.5


def test_a_paused_viewer_gets_nothing_and_resumes_without_a_jump() -> None:
    world = World(8)
    SimulatedPublisher(world, world.network(), [encoder(world.random)])
    viewer = SimulatedViewer(world, world.network())
    world.agenda.run(2.0)
    viewer.subscriber.pause()
    world.agenda.run(0.1)
    count = len(viewer.got)
    world.agenda.run(3.0)
    assert len(viewer.got) == count
    viewer.subscriber.resume(world.agenda.now)
    world.agenda.run(2.0)
    viewer.check(jump=4.5)
    assert len(viewer.got) > count
    assert viewer.holes == 0


@pytest.mark.parametrize("seed", range(4))
def test_another_camera_comes_in_the_same_session_and_the_former_one_stays_until_then(seed: int) -> None:
    world = World(seed)
    SimulatedPublisher(world, world.network(delay=0.02), [encoder(world.random, "bench")])
    world.agenda.run(1.0)
    viewer = SimulatedViewer(world, world.network(delay=0.02))
    world.agenda.run(2.0)
    world.camera = world.rooms.enter("order", "microscope")
    second = SimulatedPublisher(
        world, world.network(delay=0.02), [encoder(world.random, "microscope")], obeys=seed % 2 == 0
    )
    world.agenda.run(1.5)
    asked = world.agenda.now
    viewer.subscriber.play(second.sfu, asked)
    world.agenda.run(2.0)
    seen = [(at, world.sent[i].layer) for at, i in viewer.arrivals if at > asked]
    switched = next(at for at, camera in seen if camera == "microscope")
    assert switched - asked <= 0.5
    assert {camera for at, camera in seen if at < switched} <= {"bench"}
    around = [at for at, _ in viewer.arrivals if asked - 0.1 < at < switched + 0.5]
    assert max(b - a for a, b in itertools.pairwise(around)) < 0.1, "a gap in between"
    assert {camera for at, camera in seen if at > switched + 0.1} == {"microscope"}
    assert viewer.holes == 0
    viewer.check_numbers()


@pytest.mark.parametrize("seed", range(3))
def test_a_lost_picture_comes_back_though_the_publisher_sends_no_keyframe(seed: int) -> None:
    world = World(seed)
    SimulatedPublisher(
        world, world.network(delay=0.02), [encoder(world.random)], keyframe_interval=250, obeys=False
    )
    world.agenda.run(1.0)
    viewer, other = (SimulatedViewer(world, world.network(delay=0.02)) for _ in range(2))
    world.agenda.run(3.0)
    lost = world.agenda.now
    for _ in range(10):  # browsers repeat themselves
        plea = PictureLossIndication(1, viewer.stream.ssrc).encode()
        viewer.subscriber.on_rtcp(plea, world.agenda.now, world.agenda.wall)
        world.agenda.run(0.1)
    world.agenda.run(2.0)
    keyframes = [at for at, i in viewer.arrivals if world.sent[i].keyframe and at > lost]
    assert keyframes
    assert keyframes[0] - lost <= 0.5
    assert keyframes[-1] - keyframes[0] <= 0.1, "taken back once"
    newest = [world.sent[i].captured for at, i in viewer.arrivals if at > world.agenda.now - 0.1]
    assert max(newest) > world.agenda.now - 0.15, "back at the live edge"
    viewer.check_numbers()
    assert not [at for at, i in other.arrivals if world.sent[i].keyframe and at > lost], "nobody else"
    other.check()

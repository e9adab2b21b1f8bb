"""One viewer behind a narrow link: what the estimate does over time, and to the queue."""

from __future__ import annotations

import random
from collections.abc import Callable
from functools import partial

import pytest

from gateway.protocol.rtcp import TransportFeedback
from gateway.sfu.estimation import ProbePlan, SendSideEstimator
from gateway.sfu.estimation.rate_control import HEADROOM
from tests.sim.bottleneck import Burstiness, CrossTraffic, Link, Receiver, percentile
from tests.sim.world import Agenda

LAYERS = [150_000, 500_000, 1_500_000]
FPS = 25
AUDIO = 32_000
AUDIO_PACKET = 80
HEADER = 24
MTU = 1200
SEEDS = range(5)


class Sender:
    """Sends audio and the greatest layer that the estimate carries; `elastic` sends as much as it allows."""

    def __init__(
        self, agenda: Agenda, link: Link, seed: int, *, elastic: bool, interval: float, back_loss: float
    ) -> None:
        rng = random.Random(seed)
        self.agenda, self.link, self.elastic = agenda, link, elastic
        self.estimator = SendSideEstimator()
        self.receiver = Receiver(
            agenda,
            rng,
            self._feedback,
            self._report,
            interval=interval,
            back_delay=link.delay,
            back_loss=back_loss,
        )
        self.start = agenda.now
        self.sequence = 65_536 + rng.getrandbits(16)
        self.layer = 0
        self.switched_at = float("-inf")
        self.estimates: list[tuple[float, float]] = []
        self.layers: list[tuple[float, int]] = []
        self.sent_octets: list[tuple[float, int]] = []
        self.probes = 0
        agenda.after(rng.random() / FPS, self._frame)
        agenda.after(rng.random() / 50, self._audio)
        agenda.after(0.1, self._tick)

    def _feedback(self, feedback: TransportFeedback) -> None:
        self.estimator.on_feedback(feedback, self.agenda.now)

    def _report(self, fraction: float) -> None:
        self.estimator.on_report(fraction, 2 * self.link.delay, self.agenda.now)

    def _send(self, sizes: list[int], cluster: int | None = None) -> None:
        now = self.agenda.now
        self.estimator.sent(self.sequence, len(sizes), sum(sizes), now, cluster)
        for size in sizes:
            self.sent_octets.append((now - self.start, size))
            self.link.carry(size, partial(self.receiver.receive, self.sequence, size))
            self.sequence += 1

    def _audio(self) -> None:
        self._send([AUDIO_PACKET + HEADER])
        self.agenda.after(1 / 50, self._audio)

    def _bitrate(self) -> float:
        if self.elastic:
            return max(50_000.0, self.estimator.estimate - AUDIO)
        return LAYERS[self.layer]

    def _frame(self) -> None:
        octets = int(self._bitrate() / FPS / 8)
        packets = max(1, -(-octets // (MTU - HEADER)))
        self._send([octets // packets + HEADER] * packets)
        self.agenda.after(1 / FPS, self._frame)

    def _choose(self, now: float) -> None:
        room = self.estimator.estimate - AUDIO
        fitting = max((i for i, rate in enumerate(LAYERS) if rate <= room), default=0)
        if fitting > self.layer and now - self.switched_at < 5.0:
            return
        if fitting != self.layer:
            self.layer, self.switched_at = fitting, now

    def _tick(self) -> None:
        now, estimator = self.agenda.now, self.estimator
        estimator.on_timer(now)
        self.estimates.append((now - self.start, estimator.estimate))
        if not self.elastic:
            self._choose(now)
            self.layers.append((now - self.start, self.layer))
            wanted = LAYERS[min(self.layer + 1, len(LAYERS) - 1)] + AUDIO
        else:
            wanted = 2 * estimator.estimate
        plan = estimator.probe(now, wanted)
        if plan is not None:
            self.probes += 1
            self._probe(plan, 0)
        self.agenda.after(0.1, self._tick)

    def _probe(self, plan: ProbePlan, index: int) -> None:
        self._send([plan.packet_size], plan.cluster)
        if index + 1 < plan.packets:
            self.agenda.after(plan.interval, partial(self._probe, plan, index + 1))

    def estimate_in(self, start: float, end: float) -> float:
        values = [x for t, x in self.estimates if start <= t < end]
        return sum(values) / len(values)

    def layer_share(self, layer: int, start: float, end: float) -> float:
        values = [x == layer for t, x in self.layers if start <= t < end]
        return sum(values) / len(values)

    def throughput(self, start: float, end: float) -> float:
        got = sum(s for t, s in self.receiver.octets if start <= t - self.start < end)
        return 8 * got / (end - start)

    def queue_p95(self, start: float = 0.0, end: float = 1e9) -> float:
        return percentile([w for t, w in self.link.waits if start <= t - self.start < end], 0.95)

    def reached(self, bitrate: float, start: float) -> float:
        """Seconds after `start` until the estimate is `bitrate` or more."""
        return next(t for t, x in self.estimates if t >= start and x >= bitrate) - start

    def fell_to(self, bitrate: float, start: float) -> float:
        return next(t for t, x in self.estimates if t >= start and x <= bitrate) - start


def run(
    seed: int,
    seconds: float,
    rates: list[tuple[float, float]],
    *,
    elastic: bool = False,
    delay: float = 0.02,
    loss: float = 0.0,
    burstiness: Burstiness | None = None,
    jitter: float = 0.0,
    cross: Callable[[float], float] | None = None,
    interval: float = 0.1,
    back_loss: float = 0.0,
) -> Sender:
    agenda = Agenda()
    link = Link(
        agenda,
        random.Random(seed),
        rates,
        delay=delay,
        loss=loss,
        burstiness=burstiness,
        jitter=jitter,
    )
    if cross is not None:
        CrossTraffic(link, cross)
    sender = Sender(agenda, link, seed + 1000, elastic=elastic, interval=interval, back_loss=back_loss)
    agenda.run(seconds)
    return sender


TOP = LAYERS[2] + AUDIO


@pytest.mark.parametrize("seed", SEEDS)
@pytest.mark.parametrize("interval", [0.05, 0.1])
def test_a_steady_link_gives_the_best_layer_soon_and_for_good(seed: int, interval: float) -> None:
    sender = run(seed, 30, [(0, 3e6)], interval=interval)
    assert sender.reached(TOP, 0) <= 2.0
    assert sender.layer_share(2, 6, 30) == 1
    assert sender.estimate_in(15, 30) <= HEADROOM * TOP * 1.15
    assert sender.probes <= 6
    assert sender.queue_p95() <= 0.15


@pytest.mark.parametrize("seed", SEEDS)
@pytest.mark.parametrize("rate", [500e3, 1e6, 3e6, 8e6])
def test_a_sender_that_follows_the_estimate_fills_the_link_and_not_its_queue(seed: int, rate: float) -> None:
    sender = run(seed, 40, [(0, rate)], elastic=True)
    assert 0.75 * rate <= sender.throughput(10, 40) <= rate
    assert sender.queue_p95(3) <= 0.15
    assert sender.estimate_in(10, 40) <= rate


@pytest.mark.parametrize("seed", SEEDS)
def test_a_step_down_is_answered_in_a_second_and_the_step_up_in_five(seed: int) -> None:
    sender = run(seed, 60, [(0, 3e6), (20, 500e3), (40, 3e6)])
    assert sender.fell_to(TOP, 20) <= 0.8
    assert sender.fell_to(500e3, 20) <= 2.0
    assert sender.layer_share(2, 21, 40) == 0
    assert sender.layer_share(0, 23, 40) >= 0.97
    assert sender.queue_p95(22, 40) <= 0.15
    assert sender.queue_p95() <= 0.15
    assert sender.reached(TOP, 40) <= 5.0
    assert sender.layer_share(2, 51, 60) == 1


@pytest.mark.parametrize("seed", SEEDS)
def test_through_the_steps_the_link_stays_used(seed: int) -> None:
    sender = run(seed, 60, [(0, 3e6), (20, 500e3), (40, 3e6)], elastic=True)
    assert sender.throughput(8, 20) >= 0.8 * 3e6
    assert sender.throughput(24, 40) >= 0.75 * 500e3
    assert sender.throughput(48, 60) >= 0.75 * 3e6
    assert sender.queue_p95() <= 0.15


@pytest.mark.parametrize("seed", SEEDS)
def test_random_loss_of_a_radio_does_not_hold_the_picture_down(seed: int) -> None:
    sender = run(seed, 60, [(0, 3e6)], loss=0.05)
    assert sender.reached(TOP, 0) <= 12.0
    assert sender.layer_share(2, 18, 60) >= 0.95
    following = run(seed, 60, [(0, 3e6)], loss=0.05, elastic=True)
    assert following.throughput(15, 60) >= 0.7 * 3e6
    assert following.queue_p95(3) <= 0.15


@pytest.mark.parametrize("seed", SEEDS)
def test_bursts_of_loss_are_survived(seed: int) -> None:
    sender = run(seed, 60, [(0, 3e6)], burstiness=Burstiness(good=9, bad=1, loss=0.3))
    assert sender.layer_share(0, 5, 60) <= 0.1
    assert min(x for t, x in sender.estimates if t > 5) >= 300e3
    following = run(seed, 60, [(0, 3e6)], burstiness=Burstiness(good=9, bad=1, loss=0.3), elastic=True)
    assert following.throughput(5, 60) >= 0.6 * 3e6


@pytest.mark.parametrize("seed", SEEDS)
def test_a_long_round_trip(seed: int) -> None:
    sender = run(seed, 40, [(0, 3e6)], delay=0.15)
    assert sender.reached(TOP, 0) <= 3.0
    assert sender.layer_share(2, 7, 40) == 1
    following = run(seed, 60, [(0, 3e6), (20, 1e6)], delay=0.15, elastic=True)
    assert following.throughput(8, 20) >= 0.75 * 3e6
    assert following.throughput(26, 60) >= 0.75 * 1e6
    assert following.queue_p95(26, 60) <= 0.15


@pytest.mark.parametrize("seed", SEEDS)
def test_other_traffic_is_given_way_and_its_end_noticed(seed: int) -> None:
    def cross(t: float) -> float:
        return 2e6 if 20 <= t < 40 else 0

    sender = run(seed, 60, [(0, 3e6)], cross=cross)
    assert sender.layer_share(2, 24, 40) <= 0.1
    assert sender.layer_share(1, 24, 40) >= 0.3
    assert sender.queue_p95() <= 0.15
    assert sender.layer_share(2, 55, 60) == 1
    following = run(seed, 60, [(0, 3e6)], cross=cross, elastic=True)
    assert 0.45e6 <= following.throughput(24, 40) <= 1e6
    assert following.throughput(48, 60) >= 0.75 * 3e6
    assert following.queue_p95() <= 0.15


@pytest.mark.parametrize("seed", SEEDS)
def test_jitter_is_not_congestion(seed: int) -> None:
    sender = run(seed, 60, [(0, 3e6)], jitter=0.01)
    assert sender.layer_share(2, 10, 60) >= 0.9


@pytest.mark.parametrize("seed", SEEDS)
def test_lost_feedback_is_no_lost_media(seed: int) -> None:
    sender = run(seed, 40, [(0, 3e6), (20, 500e3)], back_loss=0.2)
    assert sender.layer_share(2, 10, 20) == 1
    assert sender.layer_share(0, 24, 40) >= 0.95
    assert sender.estimator.loss <= 0.02


def test_the_viewer_that_falls_silent_is_not_flooded() -> None:
    sender = run(1, 20, [(0, 3e6)], elastic=True)
    sender.link.loss = 1.0
    sender.agenda.run(8)
    assert sender.estimator.estimate <= 0.1 * 3e6
    sender.link.loss = 0.0
    sender.agenda.run(10)
    assert sender.throughput(33, 38) >= 0.6 * 3e6

from __future__ import annotations

from collections import Counter

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from gateway.protocol.rtcp import TransportFeedback
from gateway.protocol.twcc import TransportCcReceiver
from gateway.sfu.estimation import ProbePlan, SendSideEstimator
from gateway.sfu.estimation.estimator import CEILING, FLOOR, START


class Path:
    """A path that delivers bursts of 1,000 octets; `delay_at` says how long one takes."""

    def __init__(self, estimator: SendSideEstimator) -> None:
        self.estimator = estimator
        self.receiver = TransportCcReceiver(1, 2)
        self.now = 100.0
        self.sequence = 65_536 + 65_000

    def send(self, size: int = 1000, delay: float = 0.02, *, arrives: bool = True, packets: int = 1) -> None:
        self.estimator.sent(self.sequence, packets, packets * size, self.now)
        for _ in range(packets):
            if arrives:
                self.receiver.add(self.sequence & 0xFFFF, self.now + delay)
            self.sequence += 1

    def answer(self) -> None:
        while (message := self.receiver.build(self.now)) is not None:
            self.estimator.on_feedback(TransportFeedback.parse(message[4:]), self.now + 0.02)

    def run(self, seconds: float, *, growth: float = 0.0, loss_every: int = 0) -> None:
        """A burst each 10 ms and a message each 100 ms; delay grows by `growth` seconds a second."""
        for n in range(round(seconds * 100)):
            lost = loss_every > 0 and n % loss_every == 0
            self.send(delay=0.02 + growth * n / 100, arrives=not lost)
            self.now += 0.01
            if n % 10 == 9:
                self.answer()

    def probe(self, plan: ProbePlan) -> None:
        """A cluster with a burst of media each 10 ms amid it; all gets through as it was sent."""
        start, media = self.now, self.now + 0.01
        for n in range(plan.packets):
            while media <= start + n * plan.interval:
                self.now, media = media, media + 0.01
                self.send()
            self.now = start + n * plan.interval
            self.estimator.sent(self.sequence, 1, plan.packet_size, self.now, plan.cluster)
            self.receiver.add(self.sequence & 0xFFFF, self.now + 0.02)
            self.sequence += 1
        self.now += 0.02
        self.answer()
        self.now += 0.02

    def prove(self, wanted: float) -> ProbePlan:
        """Both clusters of a probe get through as they were sent; the first one's plan."""
        first = self.estimator.probe(self.now, wanted)
        assert first is not None
        self.probe(first)
        second = self.estimator.probe(self.now, wanted)
        assert second is not None
        self.probe(second)
        return first


@pytest.fixture
def estimator() -> SendSideEstimator:
    return SendSideEstimator()


@pytest.fixture
def path(estimator: SendSideEstimator) -> Path:
    return Path(estimator)


def test_it_starts_with_an_assumption() -> None:
    assert SendSideEstimator().estimate == START
    assert SendSideEstimator(start=300e3).estimate == 300e3


def test_a_clean_path_lets_it_climb_to_half_more_than_is_sent(
    estimator: SendSideEstimator, path: Path
) -> None:
    path.run(30)
    assert estimator.acknowledged == pytest.approx(800e3, rel=0.05)
    assert 1.5 * 800e3 * 0.97 <= estimator.estimate <= 1.5 * 800e3 * 1.1
    assert estimator.loss == 0
    assert estimator.queue_delay < 0.005
    assert estimator.rtt is not None
    assert 0.02 <= estimator.rtt <= 0.06


def test_a_growing_queue_makes_it_fall_at_once(estimator: SendSideEstimator, path: Path) -> None:
    path.run(10)
    path.run(0.6, growth=0.5)
    assert estimator.estimate < 800e3
    assert estimator.queue_delay > 0.02


def test_a_link_that_breaks_down_is_answered_with_what_gets_through_now(
    estimator: SendSideEstimator, path: Path
) -> None:
    path.run(10)
    path.send(delay=0.32, packets=4)  # a tenth of what is sent gets through
    path.now += 0.4
    path.answer()
    assert estimator.estimate < 0.2 * 800e3


def test_a_keyframe_is_no_congestion(estimator: SendSideEstimator, path: Path) -> None:
    """20 packets at once on a link of 1.5 Mbit/s, which carries 800 kbit/s beside."""
    path.run(10)
    before = estimator.estimate
    path.send(delay=0.02 + 0.1067, packets=20)
    for n in range(1, 40):
        path.send(delay=0.02 + max(0.0, 0.1067 - 0.0047 * n))
        path.now += 0.01
        if n % 10 == 9:
            path.answer()
    path.run(1)
    assert estimator.estimate >= before
    assert estimator.queue_delay < 0.02


def test_heavy_loss_makes_it_fall_and_it_heals(estimator: SendSideEstimator, path: Path) -> None:
    path.run(10)
    before = estimator.estimate
    path.run(2, loss_every=3)
    fallen = estimator.estimate
    assert fallen < 0.7 * before
    assert estimator.loss == pytest.approx(1 / 3, abs=0.1)
    path.run(6)
    assert estimator.estimate >= 0.95 * before


def test_where_most_is_lost_what_was_believed_must_be_proven_anew() -> None:
    estimator = SendSideEstimator(start=5e6)
    path = Path(estimator)
    for n in range(400):  # 800 kbit/s, of which every fifth packet arrives
        path.send(arrives=n % 5 == 0)
        path.now += 0.01
        if n % 10 == 9:
            path.answer()
    assert estimator.estimate == pytest.approx(160e3, rel=0.1), "what arrives"
    path.run(6)
    assert estimator.estimate < 600e3


def test_over_use_that_goes_on_is_not_judged_by_one_message(estimator: SendSideEstimator, path: Path) -> None:
    path.run(10)
    path.run(0.6, growth=0.3)
    path.send(delay=0.42, packets=4)
    path.now += 0.4
    path.answer()
    assert estimator.estimate > 0.2 * 800e3


def test_light_loss_does_not_matter(estimator: SendSideEstimator, path: Path) -> None:
    path.run(30, loss_every=20)
    assert estimator.estimate >= 1.4 * 760e3


def test_a_large_queue_that_stands_is_worked_off(estimator: SendSideEstimator, path: Path) -> None:
    path.run(10)
    for n in range(300):
        path.send(delay=0.02 + min(0.15, n * 0.0003))
        path.now += 0.01
        if n % 10 == 9:
            path.answer()
    climbed = estimator.estimate
    for n in range(300):
        path.send(delay=0.17)
        path.now += 0.01
        if n % 10 == 9:
            path.answer()
    assert estimator.estimate < climbed
    assert estimator.probe(path.now, 2 * CEILING) is None


def test_a_probe_lifts_it(estimator: SendSideEstimator, path: Path) -> None:
    path.run(1)
    path.prove(2e6)
    assert estimator.estimate >= 2e6


def test_a_probe_lifts_what_random_loss_held_down(estimator: SendSideEstimator, path: Path) -> None:
    path.run(10)
    path.run(1, loss_every=3)
    path.run(3.5, loss_every=20)
    held = estimator.estimate
    path.prove(2e6)
    assert estimator.estimate >= 2e6 > held


def test_nothing_is_probed_before_feedback_nor_after_it_stopped(
    estimator: SendSideEstimator, path: Path
) -> None:
    assert estimator.probe(path.now, 5e6) is None
    path.run(1)
    assert estimator.probe(path.now + 10, 5e6) is None
    assert estimator.probe(path.now, 100e3) is None


def test_no_probe_goes_beyond_the_ceiling() -> None:
    estimator = SendSideEstimator(ceiling=2e6)
    path = Path(estimator)
    path.run(1)
    assert path.prove(50e6).bitrate <= 1.2 * 2e6
    assert estimator.estimate == 2e6


def test_silence_halves_it_again_and_again_down_to_the_floor(
    estimator: SendSideEstimator, path: Path
) -> None:
    estimator.on_timer(path.now)
    path.run(10)
    before = estimator.estimate
    for _ in range(300):
        path.send(arrives=False)
        path.now += 0.1
        estimator.on_timer(path.now)
    assert estimator.estimate == FLOOR
    assert before > FLOOR


def test_who_sends_nothing_expects_no_feedback(estimator: SendSideEstimator, path: Path) -> None:
    path.run(10)
    before = estimator.estimate
    estimator.on_timer(path.now + 60)
    assert estimator.estimate == before


def test_remb_is_an_upper_bound_while_it_is_fresh(estimator: SendSideEstimator, path: Path) -> None:
    path.run(10)
    estimator.on_remb(400e3, path.now)
    assert estimator.estimate == 400e3
    path.run(6)
    assert estimator.estimate > 400e3


def report_for(path: Path, seconds: int, remb: float | None, loss: float = 0.0) -> None:
    """A viewer without transport-wide feedback: 800 kbit/s go out, a report and perhaps a REMB a second."""
    for _ in range(seconds):
        for _ in range(100):
            path.send()
            path.now += 0.01
        if remb is not None:
            path.estimator.on_remb(remb, path.now)
        path.estimator.on_report(loss, 0.08, path.now)


def test_remb_is_the_source_where_it_is_alone(estimator: SendSideEstimator, path: Path) -> None:
    report_for(path, 5, 5e6)
    assert estimator.estimate == 5e6
    report_for(path, 5, 700e3)
    assert estimator.estimate == pytest.approx(700e3, rel=0.1)
    report_for(path, 2, 700e3, loss=0.5)
    assert estimator.estimate < 500e3


def test_reports_alone_raise_it_slowly_and_lower_it_at_once(estimator: SendSideEstimator, path: Path) -> None:
    report_for(path, 10, None)
    climbed = estimator.estimate
    assert START * 1.5 < climbed < START * 2.5
    report_for(path, 60, None)
    assert estimator.estimate <= 4.1 * 800e3
    top = estimator.estimate
    report_for(path, 1, None, loss=0.3)
    assert estimator.estimate == pytest.approx(0.85 * top)
    assert estimator.rtt == pytest.approx(0.08)


def test_reports_do_not_count_uplink_losses_where_feedback_tells_better(
    estimator: SendSideEstimator, path: Path
) -> None:
    path.run(5)
    before = estimator.estimate
    estimator.on_report(0.5, None, path.now)
    assert estimator.estimate == before


def test_nonsense_is_counted_and_changes_nothing() -> None:
    drops: Counter[str] = Counter()
    estimator = SendSideEstimator(drops=drops)
    estimator.on_remb(0, 1.0)
    estimator.on_report(1.5, 0.1, 1.0)
    estimator.on_report(-0.1, 0.1, 1.0)
    estimator.on_report(0.0, 1e9, 1.0)
    estimator.on_feedback(TransportFeedback(1, 2, 7, 0, 0, (400,)), 1.0)
    assert drops == {"remb_nonsense": 1, "report_nonsense": 2, "feedback_nothing_new": 1}
    assert estimator.estimate == START
    assert estimator.rtt is None


messages = st.builds(
    TransportFeedback,
    st.just(1),
    st.just(2),
    st.integers(0, 65_535),
    st.integers(0, (1 << 24) - 1),
    st.integers(0, 255),
    st.lists(st.none() | st.integers(-(1 << 25), 1 << 25), min_size=1, max_size=60).map(tuple),
)


@settings(max_examples=200, deadline=None)
@given(st.lists(messages | st.integers(-40, 0), max_size=30), st.floats(0, 10))
def test_no_viewer_can_break_it(answers: list[TransportFeedback | int], wanted: float) -> None:
    estimator = SendSideEstimator()
    path = Path(estimator)
    for item in answers:
        path.send(packets=3)
        path.now += 0.05
        if isinstance(item, int):  # about numbers that were sent indeed
            message = TransportFeedback(
                1, 2, path.sequence + item & 0xFFFF, item & 0xFFF, 0, (0,) * -item or (None,)
            )
        else:
            message = item
        estimator.on_feedback(message, path.now)
        estimator.on_timer(path.now)
        estimator.probe(path.now, wanted * 1e6)
        assert FLOOR <= estimator.estimate <= CEILING

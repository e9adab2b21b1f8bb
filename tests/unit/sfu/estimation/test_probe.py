from __future__ import annotations

from math import ceil

import pytest

from gateway.sfu.estimation import probe
from gateway.sfu.estimation.history import Reception
from gateway.sfu.estimation.probe import ProbeController, ProbePlan

RTT = 0.1


def answer(plan: ProbePlan, spacing: float, *, lost: int = 0, media: int = 0) -> Reception:
    """All packets of the plan in one message, `spacing` seconds apart, with octets of media amid them."""
    message = Reception()
    octets = 0
    for n in range(plan.packets):
        octets += plan.packet_size + (media if n == 1 else 0)
        if n < plan.packets - lost:
            message.probed.append((plan.cluster, 1, 1 + n * plan.interval, 7 + n * spacing, octets))
    message.sent = octets
    return message


def planned(controller: ProbeController, now: float = 1.0, wanted: float = 1e6) -> ProbePlan:
    plan = controller.plan(now, 500e3, wanted, 0.0)
    assert plan is not None
    return plan


def promised(controller: ProbeController, now: float = 1.0, spacing: float = 1.0) -> ProbePlan:
    """A first cluster that came `spacing` times as slowly as planned; the plan of the second."""
    plan = planned(controller, now)
    controller.on_reception(answer(plan, spacing * plan.interval))
    assert controller.finish(now + 0.1, 500e3, RTT) is None, "a promise proves nothing"
    return planned(controller, now + 0.1)


@pytest.mark.parametrize("wanted", [60e3, 500e3, 2e6, 10e6])
def test_a_plan_is_a_short_burst_a_little_over_what_is_wanted(wanted: float) -> None:
    plan = ProbeController().plan(1.0, 50e3, wanted, 0.0)
    assert plan is not None
    assert plan.packets >= 5
    assert plan.duration == pytest.approx(0.015)
    assert plan.packet_size <= 1200
    assert plan.bitrate == pytest.approx(1.2 * wanted)
    made = 8 * plan.packet_size / plan.interval
    assert made >= plan.bitrate * 0.99
    if plan.packet_size > 100:
        assert made == pytest.approx(plan.bitrate, rel=0.02)


def test_nothing_is_probed_that_is_not_wanted() -> None:
    assert ProbeController().plan(1.0, 500e3, 500e3, 0.0) is None


def test_one_probe_at_a_time() -> None:
    controller = ProbeController()
    planned(controller)
    assert controller.plan(1.1, 500e3, 1e6, 0.0) is None


def test_a_probe_that_gets_through_twice_proves_its_bitrate() -> None:
    controller = ProbeController()
    plan = promised(controller)
    assert plan.duration == probe.CONFIRMATION
    assert plan.bitrate == pytest.approx(1.2e6, rel=0.01)
    controller.on_reception(answer(plan, plan.interval))
    assert controller.finish(1.3, 500e3, RTT) == pytest.approx(1.2e6, rel=0.01)
    assert controller.finish(1.3, 500e3, RTT) is None
    assert controller.plan(1.31, 500e3, 1e6, 0.0) is None, "not at once"
    assert planned(controller, 1.3 + probe.REPEAT).duration == probe.DURATION


def test_what_other_traffic_leaves_is_seen_by_the_second_cluster() -> None:
    controller = ProbeController()
    plan = promised(controller)
    controller.on_reception(answer(plan, 2 * plan.interval))
    assert controller.finish(1.5, 500e3, RTT) == pytest.approx(0.95 * 0.6e6, rel=0.01)
    assert controller.plan(1.5 + probe.RETRY - 0.01, 500e3, 1e6, 0.0) is None
    assert planned(controller, 1.5 + probe.RETRY).duration == probe.DURATION


def test_the_second_cluster_only_makes_up_what_media_lacks() -> None:
    controller = ProbeController()
    first = planned(controller)
    controller.on_reception(answer(first, first.interval))
    controller.finish(1.1, 500e3, RTT)
    plan = controller.plan(1.1, 500e3, 1e6, 450e3)
    assert plan is not None
    assert plan.bitrate == pytest.approx(750e3, rel=0.01)
    controller.on_reception(answer(plan, plan.interval, media=round(450e3 * plan.duration / 8)))
    assert controller.finish(1.3, 500e3, RTT) == pytest.approx(1.2e6, rel=0.01)


def test_a_second_cluster_that_lacked_media_is_repeated_with_more() -> None:
    controller = ProbeController()
    first = planned(controller)
    controller.on_reception(answer(first, first.interval))
    controller.finish(1.1, 500e3, RTT)
    plan = controller.plan(1.1, 500e3, 1e6, 450e3)
    assert plan is not None
    controller.on_reception(answer(plan, plan.interval))  # no frame came amid it
    assert controller.finish(1.3, 500e3, RTT) == pytest.approx(750e3, rel=0.01)
    again = controller.plan(1.3, 750e3, 1e6, 450e3)
    assert again is not None
    assert again.duration == probe.CONFIRMATION
    assert again.bitrate == pytest.approx(1.2e6, rel=0.01)


def test_a_link_that_spreads_the_packets_promises_less() -> None:
    plan = promised(ProbeController(), spacing=2.0)
    assert plan.bitrate == pytest.approx(0.95 * 1.2e6 / 2, rel=0.01)


def test_an_old_promise_is_not_confirmed_but_asked_for_anew() -> None:
    controller = ProbeController()
    plan = planned(controller)
    controller.on_reception(answer(plan, plan.interval))
    controller.finish(1.1, 500e3, RTT)
    assert planned(controller, 1.2 + probe.PATIENCE).duration == probe.DURATION


def test_a_promise_no_better_than_the_estimate_needs_no_confirmation() -> None:
    controller = ProbeController()
    plan = planned(controller)
    controller.on_reception(answer(plan, 5 * plan.interval))
    assert controller.finish(1.1, 500e3, RTT) is None
    assert controller.plan(1.1 + probe.RETRY - 0.01, 500e3, 1e6, 0.0) is None
    assert planned(controller, 1.1 + probe.RETRY).duration == probe.DURATION


def test_when_the_feedback_is_lost_the_same_is_asked_again() -> None:
    controller = ProbeController()
    plan = planned(controller)
    late = 1.0 + probe.PATIENCE + RTT
    assert controller.finish(late, 500e3, RTT) is None
    plan = promised(controller, late + probe.REPEAT)
    controller.on_reception(answer(plan, plan.interval, lost=plan.packets // 2))
    later = late + probe.REPEAT + 0.2 + probe.PATIENCE + RTT
    assert controller.finish(later, 500e3, RTT) is None
    assert planned(controller, later + probe.REPEAT).duration == probe.CONFIRMATION


def test_media_amid_the_probe_is_part_of_it() -> None:
    controller = ProbeController()
    plan = promised(controller)
    controller.on_reception(answer(plan, 2 * plan.interval, media=(plan.packets - 1) * plan.packet_size))
    assert controller.finish(1.4, 500e3, RTT) == pytest.approx(1.2e6, rel=0.01)


def test_octets_between_messages_count_too() -> None:
    controller = ProbeController()
    plan = promised(controller)
    whole = answer(plan, plan.interval)
    first, second = Reception(), Reception()
    first.probed, second.probed = whole.probed[:2], whole.probed[2:]
    first.sent = 2 * plan.packet_size
    second.probed = [(*x[:4], x[4] - first.sent) for x in second.probed]
    controller.on_reception(first)
    assert controller.finish(1.2, 500e3, RTT) is None, "more of it is to come"
    controller.on_reception(second)
    assert controller.finish(1.3, 500e3, RTT) == pytest.approx(1.2e6, rel=0.01)


def test_packets_of_another_cluster_are_not_its_own() -> None:
    controller = ProbeController()
    plan = promised(controller)
    other = ProbePlan(plan.cluster + 1, plan.bitrate, plan.packets, plan.packet_size)
    controller.on_reception(answer(other, other.interval))
    assert controller.finish(1.2, 500e3, RTT) is None
    assert controller.finish(1.1 + probe.PATIENCE + RTT, 500e3, RTT) is None


@pytest.mark.parametrize(("share", "proves"), [(0.8, True), (0.7, False)])
def test_a_fifth_lost_is_borne_and_more_is_not(share: float, proves: bool) -> None:
    controller = ProbeController()
    plan = promised(controller)
    controller.on_reception(answer(plan, plan.interval, lost=plan.packets - ceil(share * plan.packets)))
    assert controller.finish(1.3, 500e3, RTT) is None, "it may come yet"
    assert (controller.finish(2.0 + probe.PATIENCE + RTT, 500e3, RTT) is not None) is proves


def test_packets_that_arrive_at_once_prove_nothing() -> None:
    controller = ProbeController()
    plan = promised(controller)
    controller.on_reception(answer(plan, 0.0))
    assert controller.finish(1.2, 500e3, RTT) is None


def test_a_burst_sent_at_once_proves_no_more_than_was_promised() -> None:
    controller = ProbeController()
    plan = promised(controller)
    message = answer(plan, plan.interval / 10)
    message.probed = [(x[0], x[1], 1.0, x[3], x[4]) for x in message.probed]
    controller.on_reception(message)
    assert controller.finish(1.2, 500e3, RTT) == pytest.approx(1.2e6, rel=0.01)


def test_promises_that_congestion_disproves_make_the_pace_slower() -> None:
    controller = ProbeController()
    now, waits = 0.0, []
    for _ in range(6):
        plan = promised(controller, now)
        controller.on_reception(answer(plan, plan.interval))
        assert controller.finish(now + 0.3, 500e3, RTT) is not None
        controller.on_congestion(now + 1)
        asked = now + 1
        while controller._next > asked:
            asked += 0.5
        waits.append(asked - now - 1)
        now = asked
    assert waits == [4, 8, 16, 16, 16, 16]


def test_losses_without_a_queue_disprove_no_promise() -> None:
    controller = ProbeController()
    plan = promised(controller)
    controller.on_reception(answer(plan, plan.interval))
    controller.finish(1.3, 500e3, RTT)
    controller.on_congestion(2.0, queued=False)
    assert controller.plan(2.0 + probe.RETRY - 0.01, 500e3, 1e6, 0.0) is None
    planned(controller, 2.0 + probe.RETRY)
    assert controller._wait == probe.FIRST_WAIT


def test_a_promise_that_holds_restores_the_pace() -> None:
    controller = ProbeController()
    controller._wait = probe.LONGEST_WAIT
    plan = promised(controller)
    controller.on_reception(answer(plan, plan.interval))
    controller.finish(1.3, 500e3, RTT)
    planned(controller, 1.4 + probe.REGRET)
    assert controller._wait == probe.FIRST_WAIT


def test_congestion_gives_up_the_probe_under_way_and_delays_the_next() -> None:
    controller = ProbeController()
    plan = planned(controller)
    controller.on_congestion(1.05)
    controller.on_reception(answer(plan, plan.interval))
    assert controller.finish(1.1, 500e3, RTT) is None
    assert controller.plan(1.0 + probe.RETRY, 500e3, 1e6, 0.0) is None
    assert planned(controller, 1.1 + probe.RETRY).duration == probe.DURATION


def test_congestion_makes_a_promise_void() -> None:
    controller = ProbeController()
    promised(controller)
    controller.on_congestion(1.15)
    assert planned(controller, 1.2 + probe.RETRY).duration == probe.DURATION

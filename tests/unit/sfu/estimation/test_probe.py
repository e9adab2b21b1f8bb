from __future__ import annotations

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
    plan = controller.plan(now, 500e3, wanted)
    assert plan is not None
    return plan


@pytest.mark.parametrize("wanted", [60e3, 500e3, 2e6, 10e6])
def test_a_plan_is_a_short_burst_a_little_over_what_is_wanted(wanted: float) -> None:
    plan = ProbeController().plan(1.0, 50e3, wanted)
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
    assert ProbeController().plan(1.0, 500e3, 500e3) is None


def test_one_probe_at_a_time() -> None:
    controller = ProbeController()
    planned(controller)
    assert controller.plan(1.1, 500e3, 1e6) is None


def test_a_probe_that_gets_through_proves_its_bitrate() -> None:
    controller = ProbeController()
    plan = planned(controller)
    controller.on_reception(answer(plan, plan.interval))
    assert controller.finish(1.1, 500e3, RTT) == pytest.approx(plan.bitrate, rel=0.01)
    assert controller.finish(1.1, 500e3, RTT) is None


def test_a_link_that_spreads_the_packets_proves_less() -> None:
    controller = ProbeController()
    plan = planned(controller)
    controller.on_reception(answer(plan, 2 * plan.interval))
    assert controller.finish(1.1, 500e3, RTT) == pytest.approx(0.95 * plan.bitrate / 2, rel=0.01)
    assert controller.plan(1.1 + probe.RETRY - 0.01, 500e3, 1e6) is None
    assert controller.plan(1.1 + probe.RETRY, 500e3, 1e6) is not None


def test_a_probe_never_lowers() -> None:
    controller = ProbeController()
    plan = planned(controller)
    controller.on_reception(answer(plan, 5 * plan.interval))
    assert controller.finish(1.1, 500e3, RTT) is None


def test_media_amid_the_probe_is_part_of_it() -> None:
    controller = ProbeController()
    plan = planned(controller)
    controller.on_reception(answer(plan, 2 * plan.interval, media=3 * plan.packet_size))
    proven = controller.finish(1.1, 500e3, RTT)
    assert proven is not None
    assert proven > 0.8 * plan.bitrate


def test_octets_between_messages_count_too() -> None:
    controller = ProbeController()
    plan = planned(controller)
    whole = answer(plan, plan.interval)
    first, second = Reception(), Reception()
    first.probed, second.probed = whole.probed[:2], whole.probed[2:]
    first.sent = 2 * plan.packet_size
    second.probed = [(*x[:4], x[4] - first.sent) for x in second.probed]
    controller.on_reception(first)
    assert controller.finish(1.1, 500e3, RTT) is None, "more of it is to come"
    controller.on_reception(second)
    assert controller.finish(1.2, 500e3, RTT) == pytest.approx(plan.bitrate, rel=0.01)


def test_packets_of_another_cluster_are_not_its_own() -> None:
    controller = ProbeController()
    plan = planned(controller)
    other = ProbePlan(plan.cluster + 1, plan.bitrate, plan.packets, plan.packet_size)
    controller.on_reception(answer(other, other.interval))
    assert controller.finish(1.1, 500e3, RTT) is None
    assert controller.finish(1.0 + probe.PATIENCE + RTT, 500e3, RTT) is None


@pytest.mark.parametrize(("lost", "proves"), [(1, True), (2, False)])
def test_one_loss_of_five_is_borne_two_are_not(lost: int, proves: bool) -> None:
    controller = ProbeController()
    plan = planned(controller)
    controller.on_reception(answer(plan, plan.interval, lost=lost))
    assert controller.finish(1.2, 500e3, RTT) is None, "it may come yet"
    assert (controller.finish(1.0 + probe.PATIENCE + RTT, 500e3, RTT) is not None) is proves


def test_packets_that_arrive_at_once_prove_nothing() -> None:
    controller = ProbeController()
    plan = planned(controller)
    controller.on_reception(answer(plan, 0.0))
    assert controller.finish(1.1, 500e3, RTT) is None


def test_a_burst_sent_at_once_proves_no_more_than_was_planned() -> None:
    controller = ProbeController()
    plan = planned(controller)
    message = answer(plan, plan.interval / 10)
    message.probed = [(x[0], x[1], 1.0, x[3], x[4]) for x in message.probed]
    controller.on_reception(message)
    assert controller.finish(1.1, 500e3, RTT) == plan.bitrate


def test_promises_that_congestion_disproves_make_the_pace_slower() -> None:
    controller = ProbeController()
    now, waits = 0.0, []
    for _ in range(6):
        plan = planned(controller, now)
        controller.on_reception(answer(plan, plan.interval))
        assert controller.finish(now + 0.1, 500e3, RTT) is not None
        controller.on_congestion(now + 1)
        asked = now + 1
        while controller.plan(asked, 500e3, 400e3) is None and asked < now + 60:
            if controller._next <= asked:
                break
            asked += 0.5
        waits.append(asked - now - 1)
        now = asked
    assert waits == [4, 8, 16, 32, 32, 32]


def test_a_promise_that_holds_restores_the_pace() -> None:
    controller = ProbeController()
    controller._wait = probe.LONGEST_WAIT
    plan = planned(controller)
    controller.on_reception(answer(plan, plan.interval))
    controller.finish(1.1, 500e3, RTT)
    planned(controller, 1.2 + probe.REGRET)
    assert controller._wait == probe.FIRST_WAIT


def test_congestion_gives_up_the_probe_under_way_and_delays_the_next() -> None:
    controller = ProbeController()
    plan = planned(controller)
    controller.on_congestion(1.05)
    controller.on_reception(answer(plan, plan.interval))
    assert controller.finish(1.1, 500e3, RTT) is None
    assert controller.plan(1.0 + probe.RETRY, 500e3, 1e6) is None
    assert controller.plan(1.1 + probe.RETRY, 500e3, 1e6) is not None

"""Verdicts on windows that were counted by hand."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

import pytest

from loadtest.judge import Verdict, judge, written
from loadtest.measurement import Measurement, Window
from loadtest.messages import Role, Tick
from loadtest.scenario import Clients, Scenario, Thresholds, Watching

SCENARIO = Scenario(
    watch=Watching(viewers=100, checked=1),
    clients=Clients(pages=1),
    thresholds=Thresholds(
        loss=0.0001,
        join_p95_ms=1000.0,
        latency_p99_ms=20.0,
        glass_p95_ms=300.0,
        freezes_per_viewer_minute=0.1,
        failed_sessions=0.01,
        wrong_pictures=0,
        requests_p95_ms=500.0,
    ),
)
Change = Callable[[Tick], None]


def tick(at: float, sessions: int) -> Tick:
    return Tick(at=at, seconds=1.0, sessions=sessions, cpu=0.5, lag=0.005)


def window(change: Change = lambda _: None, role: Role = "watch", scenario: Scenario = SCENARIO) -> Window:
    """A good window of ten seconds; `change` spoils each of a role's ticks."""
    measurement = Measurement(started=0.0)
    measurement.want()
    joined = tick(0.5, 100)
    joined.opened = 100
    joined.join.add(200.0, 100)
    measurement.add("viewers 1", "watch", joined)
    measurement.begin(1.0, 100, None)
    for second in range(2, 12):
        watching = tick(second, 100)
        watching.packets = 10_000
        watching.latency.add(5.0, 10_000)
        decoding = tick(second, 1)
        decoding.pictures = 25
        decoding.glass.add(100.0, 25)
        listening = tick(second, 1)
        listening.requests.add(20.0)
        for name, each, ticked in (
            ("viewers 1", "watch", watching),
            ("decoding viewers", "check", decoding),
            ("pages", "pages", listening),
        ):
            if each == role:
                change(ticked)
            measurement.add(name, each, ticked)  # type: ignore[arg-type]
    return measurement.end(11.0, None)


def verdict(change: Change, role: Role = "watch") -> Verdict:
    return judge(window(change, role), SCENARIO)


def test_all_holds() -> None:
    told = judge(window(), SCENARIO)
    assert (told.outcome, told.reasons) == ("pass", ())
    assert len(told.checks) == 9
    assert all(check.holds for check in told.checks)


def lose(ticked: Tick) -> None:
    ticked.lost = 2


def be_late(ticked: Tick) -> None:
    ticked.latency.add(50.0, 200)


def freeze(ticked: Tick) -> None:
    ticked.freezes = 1


def leave(ticked: Tick) -> None:
    ticked.sessions = 98


def fail(ticked: Tick) -> None:
    ticked.failed = {"HTTP 503": 1}


def spoil(ticked: Tick) -> None:
    ticked.wrong_pictures = 1


def dawdle(ticked: Tick) -> None:
    ticked.requests.add(900.0, 10)


def hang(ticked: Tick) -> None:
    ticked.glass.add(900.0, 100)


def join_late(ticked: Tick) -> None:
    ticked.opened = 1
    ticked.join.add(4000.0, 1)


@pytest.mark.parametrize(
    ("change", "role", "name"),
    [
        (lose, "watch", "loss"),
        (be_late, "watch", "latency_p99_ms"),
        (freeze, "watch", "freezes_per_viewer_minute"),
        (leave, "watch", "viewers"),
        (fail, "watch", "failed_sessions"),
        (join_late, "watch", "join_p95_ms"),
        (spoil, "check", "wrong_pictures"),
        (hang, "check", "glass_p95_ms"),
        (dawdle, "pages", "requests_p95_ms"),
    ],
)
def test_each_threshold_can_fail_alone(change: Change, role: Role, name: str) -> None:
    told = verdict(change, role)
    assert told.outcome == "fail"
    assert [check.name for check in told.checks if not check.holds] == [name]
    assert len(told.reasons) == 1


def blind(ticked: Tick) -> None:
    ticked.pictures, ticked.glass = 0, type(ticked.glass)()


def starve(ticked: Tick) -> None:
    ticked.packets, ticked.latency = 0, type(ticked.latency)()


def test_nothing_measured_is_no_pass() -> None:
    assert {c.name for c in verdict(blind, "check").checks if not c.holds} == {
        "glass_p95_ms",
        "wrong_pictures",
    }
    assert {c.name for c in verdict(starve).checks if not c.holds} == {"loss", "latency_p99_ms"}
    assert "nothing could be measured" in verdict(starve).reasons[0]


def sweat(ticked: Tick) -> None:
    ticked.cpu = 0.95


def stall(ticked: Tick) -> None:
    ticked.lag = 0.12


def overflow(ticked: Tick) -> None:
    ticked.kernel_drops = 1


@pytest.mark.parametrize(
    ("change", "words"),
    [(sweat, "used 95% of a core"), (stall, "wait 120 ms"), (overflow, "dropped 10 datagrams")],
)
@pytest.mark.parametrize("spoiled", [False, True])
def test_a_busy_generator_refuses_good_and_bad_alike(change: Change, words: str, spoiled: bool) -> None:
    def both(ticked: Tick) -> None:
        change(ticked)
        if spoiled:
            lose(ticked)

    told = verdict(both)
    assert told.outcome == "refused"
    assert len(told.reasons) == 1
    assert words in told.reasons[0]
    assert told.checks  # what was seen is still told


@pytest.mark.parametrize(("late", "outcome"), [(138.0, "refused"), (240.0, "fail")])
def test_what_a_busy_generator_cannot_explain_is_the_servers(late: float, outcome: str) -> None:
    """Sockets waited at most 120 ms, and 20 of latency are allowed."""

    def both(ticked: Tick) -> None:
        stall(ticked)
        ticked.latency.add(late, 1000)

    told = verdict(both)
    assert told.outcome == outcome
    assert any("wait 120 ms" in reason for reason in told.reasons)


def test_one_slow_second_in_twenty_is_none() -> None:
    measured = window()
    load = measured.workers["viewers 1"]
    load.lags = [0.005] * 19 + [0.5]
    assert judge(measured, SCENARIO).outcome == "pass"
    load.lags = [0.005] * 17 + [0.5] * 3
    assert judge(measured, SCENARIO).outcome == "refused"


def test_what_is_not_wanted_is_not_judged() -> None:
    everything = replace(SCENARIO, thresholds=Thresholds())
    told = judge(window(lose), everything)
    assert [check.name for check in told.checks] == ["viewers"]
    assert told.outcome == "pass"


def test_who_comes_and_goes_may_be_away_a_little() -> None:
    churning = replace(SCENARIO, watch=replace(SCENARIO.watch, stay=10.0))
    assert judge(window(leave), churning).outcome == "pass"


def test_a_search_that_goes_down_has_no_joins_to_judge() -> None:
    measured = window()
    measured.opening = {}
    assert "join_p95_ms" not in {check.name for check in judge(measured, SCENARIO).checks}


def test_figures_as_people_write_them() -> None:
    assert written(0.00012, "%") == "0.012 %"
    assert written(12345.6, "ms") == "12,346 ms"
    assert written(4.567, "") == "4.567"
    assert written(None, "ms") == "–"

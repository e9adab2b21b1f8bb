"""The two things that a load test does: one run that is judged, or a search over many numbers of viewers."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from dataclasses import asdict, dataclass
from datetime import UTC, datetime
from typing import Literal

from loadtest import machine
from loadtest.capacity import Search
from loadtest.coordinator import LoadTest, Plan
from loadtest.judge import Verdict, judge
from loadtest.measurement import Sample, Window
from loadtest.result import Result, figures
from loadtest.scenario import Scenario
from loadtest.workers import WorkerFailed

Show = Callable[[Sample], None]
Say = Callable[[str], None]


@dataclass(frozen=True, slots=True)
class SearchLimits:
    """How a capacity is searched. Times in seconds."""

    start: int
    most: int
    stage: float
    within: float
    """No further number is tried after this time."""
    precision: float = 0.05


async def run(plan: Plan, show: Show) -> Result:
    """One run. A signal or a failed worker ends it in order, with what was seen until then."""
    result = _result("run", plan)
    test = LoadTest(plan, show)
    scenario = plan.scenario
    try:
        async with test:
            await test.viewers(scenario.watch.viewers)
            window = await test.measure(scenario.warmup, scenario.duration)
        result.measured(window, test.idle)
        result.judged(judge(window, scenario))
    except (asyncio.CancelledError, WorkerFailed) as error:
        _broken(result, test, error)
    result.sampled(test.measurement.samples)
    return result


async def search(plan: Plan, limits: SearchLimits, show: Show, say: Say) -> Result:
    """The capacity: the result's figures are those of the highest number that passed.

    It passes when a number passed and the next one failed by the server's fault, or all that were
    wanted passed; it is refused where the next one is beyond the generator, and fails where nothing passed.
    """
    result = _result("capacity", plan)
    test = LoadTest(plan, show)
    try:
        async with test:
            await _search(plan, limits, test, result, say)
    except (asyncio.CancelledError, WorkerFailed) as error:
        _broken(result, test, error)
    result.sampled(test.measurement.samples)
    return result


async def _search(plan: Plan, limits: SearchLimits, test: LoadTest, result: Result, say: Say) -> None:
    loop = asyncio.get_running_loop()
    end = loop.time() + limits.within
    hunt = Search(limits.start, limits.most, limits.precision)
    while (wanted := hunt.next()) is not None and loop.time() + limits.stage <= end:
        await test.viewers(wanted)
        window, verdict = await _stage(plan.scenario, limits.stage, test)
        found = figures(window, test.idle)
        result.stages.append(
            {
                "viewers": wanted,
                "outcome": verdict.outcome,
                "reasons": list(verdict.reasons),
                "figures": found,
            }
        )
        say("; ".join((f"{wanted} viewers: {verdict.outcome}", *verdict.reasons)))
        if verdict.outcome == "pass" or not result.figures:
            result.measured(window, test.idle)
            result.judged(verdict)
        hunt.tell(wanted, verdict.outcome == "pass")
    _conclude(result, hunt)


async def _stage(scenario: Scenario, seconds: float, test: LoadTest) -> tuple[Window, Verdict]:
    """Measure what plays; once more when the generator was too busy: something else may have kept it so."""
    window = await test.measure(scenario.warmup, seconds)
    verdict = judge(window, scenario)
    if verdict.outcome == "refused":
        window = await test.measure(0.0, seconds)
        verdict = judge(window, scenario)
    return window, verdict


def _conclude(result: Result, hunt: Search) -> None:
    """The outcome of a search, and why it ended where it did."""
    result.figures["capacity"] = hunt.passed
    result.outcome = "pass" if hunt.passed else "fail"
    if hunt.failed is None:
        result.reasons = [f"no number failed: at least {hunt.passed} viewers"]
        return
    known = "" if hunt.next() is None else "; the time was over before it was known better"
    broken = next(stage for stage in result.stages if stage["viewers"] == hunt.failed)
    if broken["outcome"] == "refused":
        result.outcome = "refused"
        first = f"at least {hunt.passed} viewers: with {hunt.failed} the generator was the limit{known}"
    else:
        first = f"{hunt.passed} viewers pass, {hunt.failed} do not{known}"
    result.reasons = [first, *broken["reasons"]]


def _result(kind: Literal["run", "capacity"], plan: Plan) -> Result:
    target, now = plan.target, datetime.now(UTC).isoformat(timespec="seconds")
    return Result(
        kind=kind,
        title=plan.scenario.title,
        started=now,
        outcome="stopped",
        target={"url": target.url, "adapter": target.adapter, "orders": len(target.orders)},
        machine=machine.describe(),
        scenario=asdict(plan.scenario),
    )


def _broken(result: Result, test: LoadTest, error: BaseException) -> None:
    """The run ended before its time: say why, and keep what was counted."""
    if test.measurement.window is not None and not result.figures:
        result.measured(test.measurement.window, test.idle)
    told = isinstance(error, WorkerFailed)
    result.outcome = "fail" if told else "stopped"
    result.reasons = [str(error) if told else "stopped before its end"]

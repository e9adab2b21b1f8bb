"""A whole load test with workers that make their figures up: real processes, no server."""

from __future__ import annotations

import asyncio
import os
import sys
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from loadtest.coordinator import Plan
from loadtest.machine import Cores
from loadtest.messages import Role
from loadtest.result import Result
from loadtest.runs import SearchLimits, run, search
from loadtest.scenario import Network, Publishing, Scenario, Thresholds, Watching
from loadtest.targets import Order, Target
from loadtest.workers import Worker

WORKER = Path(__file__).with_name("fake_worker.py")
SCENARIO = Scenario(
    duration=1.0,
    warmup=0.2,
    publish=Publishing(orders=2),
    watch=Watching(viewers=10, ramp=1000.0, checked=1),
    thresholds=Thresholds(
        loss=0.001, join_p95_ms=500.0, latency_p99_ms=20.0, failed_sessions=0.0, wrong_pictures=0
    ),
)
TARGET = Target("http://127.0.0.1:1", (Order("one", "secret-p", "secret-w"), Order("two", "", "")))


def plan(scenario: Scenario = SCENARIO, **options: str) -> Plan:
    """Fake workers; `watch="limit=5"` and so on are their options."""
    roles: tuple[Role, ...] = ("publish", "watch", "check")
    commands = {role: (sys.executable, str(WORKER), *options.get(role, "").split()) for role in roles}
    return Plan(scenario, TARGET, Cores((None, None), None), commands=commands)


async def ran(scenario: Scenario = SCENARIO, **options: str) -> Result:
    return await asyncio.wait_for(run(plan(scenario, **options), lambda _: None), 30)


def children() -> set[int]:
    """Processes that this one started and that still run."""
    found = set()
    for entry in Path("/proc").iterdir():
        if entry.name.isdigit():
            try:
                fields = (entry / "stat").read_text().rpartition(")")[2].split()
            except OSError:
                continue
            if int(fields[1]) == os.getpid() and fields[0] != "Z":
                found.add(int(entry.name))
    return found


@pytest.fixture(autouse=True)
def no_process_stays() -> Any:
    before = children()
    yield
    assert children() <= before


async def test_a_good_run_passes_and_says_what_it_saw() -> None:
    result = await ran()
    assert (result.outcome, result.reasons) == ("pass", [])
    assert all(check["holds"] for check in result.checks)
    assert {check["name"] for check in result.checks} >= {"viewers", "loss", "latency_p99_ms", "join_p95_ms"}
    figures = result.figures
    assert figures["viewers"] == pytest.approx(10)
    assert figures["packets_per_second"] == pytest.approx(1000, rel=0.2)  # 10 viewers × 100 a second
    assert figures["loss"] == 0
    assert figures["latency_p99_ms"] == pytest.approx(4, rel=0.06)
    assert figures["join_p95_ms"] == pytest.approx(120, rel=0.06)
    assert figures["opened"] == 10
    assert {load["name"] for load in result.generator} == {
        "publisher",
        "viewers 1",
        "viewers 2",
        "decoding viewers",
    }
    assert result.series
    assert "secret" not in repr(result)


async def test_what_is_lost_fails() -> None:
    result = await ran(watch="limit=2")  # each of two workers has five viewers
    assert result.outcome == "fail"
    assert [check["name"] for check in result.checks if not check["holds"]] == ["loss"]
    assert "packets lost after repair" in result.reasons[0]


@pytest.mark.parametrize(
    ("trouble", "words"), [("lag=0.15", "let sockets wait 150 ms"), ("drops=3", "the kernel dropped")]
)
async def test_a_busy_generator_refuses_a_verdict(trouble: str, words: str) -> None:
    result = await ran(watch=trouble)
    assert result.outcome == "refused"
    assert words in result.reasons[0]
    assert "viewers 1" in result.reasons[0]


async def test_a_worker_that_dies_ends_the_run_with_its_last_words() -> None:
    result = await ran(replace(SCENARIO, duration=20.0), watch="die=1.0")
    assert result.outcome == "fail"
    assert "viewers" in result.reasons[0]
    assert "status 3" in result.reasons[0]
    assert "out of memory, or so" in result.reasons[0]


async def test_what_a_worker_cannot_do_is_not_measured_without_it() -> None:
    bad_line = replace(SCENARIO, network=Network("bad"))
    refused = await ran(bad_line)
    assert refused.outcome == "fail"
    assert "cannot do loss" in refused.reasons[0]
    assert (await ran(bad_line, watch="obeys=loss")).outcome == "pass"


async def test_a_program_that_is_no_worker_is_an_error_at_once() -> None:
    it = replace(plan(), commands={"publish": (sys.executable, "-c", "print('hello')")})
    result = await asyncio.wait_for(run(it, lambda _: None), 30)
    assert result.outcome == "fail"
    assert "cannot be read" in result.reasons[0]


async def test_an_interrupted_run_keeps_what_it_saw_and_ends_its_workers() -> None:
    phases: list[str] = []
    measuring = asyncio.Event()

    def show(sample: Any) -> None:
        phases.append(sample.phase)
        if phases.count("measure") == 3:  # by then every worker ticked in it
            measuring.set()

    task = asyncio.create_task(run(plan(replace(SCENARIO, duration=60.0)), show))
    await asyncio.wait_for(measuring.wait(), 20)
    task.cancel()
    result = await asyncio.wait_for(task, 20)
    assert result.outcome == "stopped"
    assert result.figures["viewers"] == pytest.approx(10)


async def test_a_worker_that_does_not_end_is_killed(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("loadtest.workers.STOP_TIMEOUT", 0.3)
    from loadtest.messages import WatchJob

    worker = Worker("deaf", WatchJob(()), lambda *_: None, (sys.executable, str(WORKER), "deaf=1"))
    await asyncio.wait_for(worker.start(), 20)
    await asyncio.wait_for(worker.stop(), 10)
    assert worker.ended.done()


@pytest.mark.parametrize(("start", "most", "found"), [(10, 64, 37), (4, 16, 16)])
async def test_the_capacity_is_found_without_a_new_process(start: int, most: int, found: int) -> None:
    said: list[str] = []
    settled = replace(SCENARIO, warmup=0.1)
    alone = replace(plan(settled, watch="limit=37"), cores=Cores((None,), None))
    limits = SearchLimits(start=start, most=most, stage=0.3, within=60.0, precision=0.001)
    result = await asyncio.wait_for(search(alone, limits, lambda _: None, said.append), 60)
    assert result.outcome == "pass"
    assert result.figures["capacity"] == found
    assert result.figures["viewers"] == pytest.approx(found)
    tried = [stage["viewers"] for stage in result.stages]
    assert tried[0] == start
    assert len(said) == len(tried) == len(set(tried))


async def test_a_capacity_beyond_the_generator_is_refused_and_told_as_a_lower_bound() -> None:
    limits = SearchLimits(start=10, most=100, stage=0.3, within=60.0, precision=0.3)
    alone = replace(plan(watch="lag=0.15 lag_from=15"), cores=Cores((None,), None))
    result = await asyncio.wait_for(search(alone, limits, lambda _: None, str), 60)
    assert result.outcome == "refused"
    assert [(stage["viewers"], stage["outcome"]) for stage in result.stages] == [
        (10, "pass"),
        (20, "refused"),
        (15, "refused"),
        (12, "pass"),
    ]
    assert result.figures["capacity"] == 12
    assert result.reasons[0] == "at least 12 viewers: with 15 the generator was the limit"


async def test_a_search_ends_in_its_time() -> None:
    limits = SearchLimits(start=2, most=1000, stage=0.3, within=0.5)
    result = await asyncio.wait_for(search(plan(), limits, lambda _: None, str), 60)
    assert len(result.stages) == 1
    assert result.outcome == "pass"
    assert "at least 2" in result.reasons[0]

"""Pass, fail, or no verdict at all because the generator was the limit."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Literal

from loadtest.measurement import Window
from loadtest.messages import Role
from loadtest.scenario import Generator, Scenario

Outcome = Literal["pass", "fail", "refused", "stopped"]

_SESSIONS: tuple[Role, ...] = ("watch", "check", "publish", "pages", "login")
_STEADY = 0.99
_CHURNING = 0.95
"""Share of the wanted viewers that must have been there on average; who comes and goes is away at times."""


@dataclass(frozen=True, slots=True)
class Check:
    """One threshold against what was measured. `value` is None where there was nothing to measure."""

    name: str
    text: str
    unit: str
    limit: float
    value: float | None
    at_least: bool = False

    @property
    def holds(self) -> bool:
        """Nothing measured is not a pass."""
        if self.value is None:
            return False
        return self.value >= self.limit if self.at_least else self.value <= self.limit


@dataclass(frozen=True, slots=True)
class Verdict:
    """What is said about a window, and why."""

    outcome: Outcome
    checks: tuple[Check, ...] = ()
    reasons: tuple[str, ...] = ()


def judge(window: Window, scenario: Scenario) -> Verdict:
    """Judge a measured window by the scenario's thresholds.

    A generator that was too busy leaves nothing to say, but for a latency that is too high even without all
    the time that it let sockets wait: that is the server's.
    """
    checks = tuple(_checks(window, scenario))
    too_busy = tuple(_too_busy(window, scenario.generator))
    broken = tuple(_sentence(check) for check in checks if not check.holds)
    if too_busy and not any(_too_late(check, window) for check in checks):
        return Verdict("refused", checks, too_busy)
    return Verdict("fail" if broken else "pass", checks, broken + too_busy)


def _too_late(check: Check, window: Window) -> bool:
    if check.name != "latency_p99_ms" or check.value is None:
        return False
    waits = (lag for load in window.workers.values() for lag in load.lags)
    return check.value - 1000 * max(waits, default=0.0) > check.limit


def _checks(window: Window, scenario: Scenario) -> Iterator[Check]:
    share = _CHURNING if scenario.watch.stay else _STEADY
    least = round(window.wanted * share, 1)
    yield Check("viewers", "viewers connected", "", least, round(window.viewers, 1), at_least=True)
    yield from _media_checks(window, scenario)
    yield from _session_checks(window, scenario)


def _media_checks(window: Window, scenario: Scenario) -> Iterator[Check]:
    limits, seen, decoded = scenario.thresholds, window.of("watch"), window.of("check")
    if limits.loss is not None:
        yield Check("loss", "packets lost after repair", "%", limits.loss, lost_share(window))
    if limits.latency_p99_ms is not None:
        value = seen.latency.percentile(0.99)
        yield Check("latency_p99_ms", "latency, 99 of 100 packets", "ms", limits.latency_p99_ms, value)
    if limits.freezes_per_viewer_minute is not None:
        limit = limits.freezes_per_viewer_minute
        yield Check("freezes_per_viewer_minute", "freezes a viewer and minute", "", limit, freezes(window))
    if limits.glass_p95_ms is not None and scenario.watch.checked:
        value = decoded.glass.percentile(0.95)
        yield Check("glass_p95_ms", "glass to glass, 95 of 100 pictures", "ms", limits.glass_p95_ms, value)
    if limits.wrong_pictures is not None and scenario.watch.checked:
        wrong = decoded.wrong_pictures if decoded.pictures + decoded.wrong_pictures else None
        yield Check("wrong_pictures", "wrong pictures", "", limits.wrong_pictures, wrong)


def _session_checks(window: Window, scenario: Scenario) -> Iterator[Check]:
    limits, came = scenario.thresholds, window.since_wanted("watch")
    # A search that goes down to fewer viewers opens none.
    if limits.join_p95_ms is not None and (came.opened or came.failed):
        value = came.join.percentile(0.95)
        yield Check("join_p95_ms", "join, 95 of 100 viewers", "ms", limits.join_p95_ms, value)
    if limits.failed_sessions is not None:
        value = failed_share(window)
        yield Check("failed_sessions", "sessions failed", "%", limits.failed_sessions, value)
    clients = scenario.clients
    if limits.requests_p95_ms is not None and (clients.pages or clients.logins_per_second):
        value = window.since_wanted("pages", "login").requests.percentile(0.95)
        yield Check("requests_p95_ms", "logins and pages, 95 of 100", "ms", limits.requests_p95_ms, value)


def lost_share(window: Window) -> float | None:
    """Share of packets that viewers never got; None when nothing arrived at all."""
    seen = window.of("watch")
    return seen.lost / (seen.packets + seen.lost) if seen.packets else None


def freezes(window: Window) -> float | None:
    """Freezes a viewer and minute; None without viewers."""
    minutes = window.viewer_minutes
    return window.of("watch").freezes / minutes if minutes else None


def failed_share(window: Window) -> float:
    """Share of sessions that failed, since these viewers were wanted."""
    sessions = window.since_wanted(*_SESSIONS)
    failed = sum(sessions.failed.values())
    return failed / (sessions.opened + failed) if failed else 0.0


def _too_busy(window: Window, limits: Generator) -> Iterator[str]:
    for load in sorted(window.workers.values(), key=lambda load: load.name):
        if load.cores > limits.max_cpu:
            yield f"{load.name} used {load.cores:.0%} of a core (at most {limits.max_cpu:.0%})"
        if load.lag_p95 * 1000 > limits.max_lag_ms:
            waited = load.lag_p95 * 1000
            yield f"{load.name} let sockets wait {waited:.0f} ms (at most {limits.max_lag_ms:.0f} ms)"
        if load.kernel_drops:
            yield f"the kernel dropped {load.kernel_drops} datagrams as {load.name} read too slowly"


def _sentence(check: Check) -> str:
    if check.value is None:
        return f"{check.text}: nothing could be measured"
    word = "at least" if check.at_least else "at most"
    return f"{check.text}: {written(check.value, check.unit)} ({word} {written(check.limit, check.unit)})"


def written(value: float | None, unit: str) -> str:
    """A figure for people; shares have the unit %."""
    if value is None:
        return "–"
    if unit == "%":
        return f"{value * 100:.4g} %"
    return f"{value:,.4g} {unit}".rstrip() if abs(value) < 1000 else f"{value:,.0f} {unit}".rstrip()

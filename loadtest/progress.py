"""What is seen of a load test while it runs: a bar on a terminal, a line now and then elsewhere."""

from __future__ import annotations

import sys
from types import TracebackType
from typing import Protocol

from rich.console import Console
from rich.progress import BarColumn, Progress, TaskID, TextColumn, TimeElapsedColumn

from loadtest.measurement import Sample
from loadtest.scenario import Scenario

_EVERY = 5
"""Seconds between two lines where nobody can see one move."""


class Display(Protocol):
    """Shows samples; used as a context manager."""

    def show(self, sample: Sample) -> None:
        """One more second."""
        ...

    def say(self, text: str) -> None:
        """Something to stay on the screen."""
        ...

    def __enter__(self) -> Display: ...

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None: ...


def display(scenario: Scenario) -> Display:
    """Which one suits where standard error goes."""
    return Bar(scenario) if sys.stderr.isatty() else Lines()


class Lines:
    """For logs: a line every five seconds and at each change of phase."""

    def __init__(self) -> None:
        self._phase = ""
        self._count = 0

    def __enter__(self) -> Lines:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        """Nothing is open."""

    def show(self, sample: Sample) -> None:
        """A line, if it is time."""
        self._count += 1
        if sample.phase != self._phase or self._count % _EVERY == 0:
            self._phase = sample.phase
            self.say(f"{sample.at:6.0f} s  {sample.phase:<8} {summary(sample)}")

    def say(self, text: str) -> None:
        """A line."""
        print(text, file=sys.stderr, flush=True)


class Bar:
    """For a terminal: a bar for the phase, and the newest figures."""

    def __init__(self, scenario: Scenario) -> None:
        watch = scenario.watch
        self._lengths = {
            "ramp": watch.viewers / watch.ramp,
            "warm-up": scenario.warmup,
            "measure": scenario.duration,
        }
        self._progress = Progress(
            TextColumn("{task.description:<8}"),
            BarColumn(30),
            TimeElapsedColumn(),
            TextColumn("{task.fields[figures]}"),
            console=Console(stderr=True),
        )
        self._task: TaskID = self._progress.add_task("start", total=None, figures="")
        self._phase = ""
        self._since = 0.0

    def __enter__(self) -> Bar:
        self._progress.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._progress.stop()

    def show(self, sample: Sample) -> None:
        """Move."""
        if sample.phase != self._phase:
            self._phase, self._since = sample.phase, sample.at
        length = self._lengths.get(sample.phase)
        done = 0.0 if length is None else min(length, sample.at - self._since)
        self._progress.update(
            self._task, description=sample.phase, total=length, completed=done, figures=summary(sample)
        )

    def say(self, text: str) -> None:
        """A line above the bar."""
        self._progress.console.print(text, markup=False, highlight=False)


def summary(sample: Sample) -> str:
    """The newest figures in one line."""
    lost = "–" if sample.lost is None else f"{sample.lost:.3%}"
    late = "–" if sample.latency_p99 is None else f"{sample.latency_p99:.1f} ms"
    parts = [f"{sample.sessions} viewers", f"{sample.packets:,.0f} packets/s", f"loss {lost}", f"p99 {late}"]
    if sample.server_cpu is not None:
        parts.append(f"server {sample.server_cpu:.0%}")
    parts.append(f"generator {sample.generator_cpu:.0%}")
    if sample.failed:
        parts.append(f"{sample.failed} failed")
    return " · ".join(parts)

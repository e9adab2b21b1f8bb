"""A finished run as one JSON object, which the report draws and other programs read. No token is in it."""

from __future__ import annotations

import dataclasses
import json
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any, Literal

from loadtest.histogram import Histogram
from loadtest.judge import Outcome, Verdict, failed_share, freezes, lost_share
from loadtest.measurement import Sample, Window
from loadtest.server import Reading

FORMAT = 1
_DISTURBED = 0.1
"""Cores used by others from which on a bad outcome may be their fault."""
_TIMES = ("latency", "join", "gap", "glass", "requests")


class NotAResult(Exception):
    """A file is not what `loadtest run --json` wrote; says which and why."""


@dataclass(slots=True)
class Result:
    """What one run found."""

    kind: Literal["run", "capacity"]
    title: str
    started: str
    """ISO 8601, UTC."""
    outcome: Outcome
    reasons: list[str] = field(default_factory=list)
    target: dict[str, Any] = field(default_factory=dict)
    machine: dict[str, str] = field(default_factory=dict)
    scenario: dict[str, Any] = field(default_factory=dict)
    checks: list[dict[str, Any]] = field(default_factory=list)
    figures: dict[str, float | None] = field(default_factory=dict)
    """Of the judged time: see `loadtest/README.md`."""
    failures: dict[str, int] = field(default_factory=dict)
    """Sessions that failed, by reason."""
    histograms: dict[str, dict[str, Any]] = field(default_factory=dict)
    generator: list[dict[str, Any]] = field(default_factory=list)
    stages: list[dict[str, Any]] = field(default_factory=list)
    """Of a search for the capacity: each number of viewers that was tried."""
    series: list[dict[str, Any]] = field(default_factory=list)
    """A sample a second over the whole run."""
    format: int = FORMAT

    def judged(self, verdict: Verdict) -> None:
        """Take a verdict over; after `measured`, whose figures may explain it."""
        self.outcome, self.reasons = verdict.outcome, list(verdict.reasons)
        others = self.figures.get("others_cpu")
        if verdict.reasons and others is not None and others > _DISTURBED:
            self.reasons.append(f"meanwhile other processes of this machine used {others:.2f} cores")
        self.checks = [asdict(check) | {"holds": check.holds} for check in verdict.checks]

    def measured(self, window: Window, idle: Reading | None) -> None:
        """Take a window's figures over."""
        self.figures = figures(window, idle)
        sessions = window.since_wanted("watch", "check", "publish", "pages", "login")
        self.failures = dict(sorted(sessions.failed.items()))
        self.histograms = {name: asdict(histogram) for name, histogram in _histograms(window).items()}
        self.generator = [
            {
                "name": load.name,
                "cpu": round(load.cores, 3),
                "lag_p95_ms": round(load.lag_p95 * 1000, 2),
                "kernel_drops": load.kernel_drops,
            }
            for load in window.workers.values()
        ]

    def sampled(self, samples: list[Sample]) -> None:
        """Take the second by second figures over."""
        self.series = [asdict(sample) for sample in samples]

    def save(self, path: Path) -> None:
        """Write the JSON. Raises OSError."""
        path.write_text(json.dumps(asdict(self), indent=1, ensure_ascii=False) + "\n", encoding="utf-8")


def read(path: Path) -> Result:
    """A result from its file. Raises NotAResult."""
    try:
        values = json.loads(path.read_text(encoding="utf-8"))
        if not isinstance(values, dict) or values.get("format") != FORMAT:
            raise NotAResult(f"{path} was not written by this version of loadtest")
        known = {each.name for each in dataclasses.fields(Result)}
        return Result(**{name: value for name, value in values.items() if name in known})
    except (OSError, ValueError, TypeError) as error:
        raise NotAResult(f"{path}: {getattr(error, 'strerror', None) or error}") from None


def _histograms(window: Window) -> dict[str, Histogram]:
    seen, came, decoded = window.of("watch"), window.since_wanted("watch"), window.of("check")
    requests = window.since_wanted("pages", "login").requests
    values = (seen.latency, came.join, seen.gap, decoded.glass, requests)
    return dict(zip(_TIMES, values, strict=True))


def figures(window: Window, idle: Reading | None) -> dict[str, float | None]:
    """The figures of a window; None where there was nothing to measure."""
    seen, came, decoded = window.of("watch"), window.since_wanted("watch"), window.of("check")
    total = seen.packets + seen.lost
    found: dict[str, float | None] = {
        "viewers": round(window.viewers, 1),
        "wanted": window.wanted,
        "seconds": round(window.seconds, 2),
        "packets_per_second": round(window.packets_per_second, 1),
        "mbit_per_second": round(window.mbit_per_second, 2),
        "loss": lost_share(window),
        "missing": seen.missing / total if total else None,
        "nacks": seen.nacks,
        "freezes": seen.freezes,
        "freezes_per_viewer_minute": freezes(window),
        "freeze_seconds": round(seen.freeze_seconds, 2),
        "opened": came.opened,
        "failed_share": failed_share(window),
        "pictures": decoded.pictures,
        "wrong_pictures": decoded.wrong_pictures,
    }
    for name, histogram in _histograms(window).items():
        for word, share in (("p50", 0.5), ("p95", 0.95), ("p99", 0.99)):
            found[f"{name}_{word}_ms"] = _rounded(histogram.percentile(share))
        found[f"{name}_max_ms"] = _rounded(histogram.highest if histogram.bins else None)
    return found | _server_figures(window, idle, found["packets_per_second"])


def _server_figures(window: Window, idle: Reading | None, packets: float | None) -> dict[str, float | None]:
    """CPU and memory of the server, for each packet that the counting viewers got."""
    found: dict[str, float | None] = dict.fromkeys(
        ("server_cpu", "server_mb", "server_packets_per_core", "server_us_per_packet", "server_kb_per_viewer")
    )
    if window.server is None:
        return found
    first, last = window.server
    found["server_mb"] = round(last.resident / 1e6, 2)
    if last.at > first.at:
        cores = (last.cpu - first.cpu) / (last.at - first.at)
        found["server_cpu"] = round(cores, 4)
        if first.busy is not None and last.busy is not None:
            generator = sum(load.cores for load in window.workers.values())
            all_cores = (last.busy - first.busy) / (last.at - first.at)
            found["others_cpu"] = round(max(0.0, all_cores - cores - generator), 3)
        if packets and cores:
            found["server_packets_per_core"] = round(packets / cores)
            found["server_us_per_packet"] = round(cores / packets * 1e6, 3)
    if idle is not None and window.viewers:
        found["server_kb_per_viewer"] = round((last.resident - idle.resident) / 1e3 / window.viewers, 1)
    return found | {
        f"server_{name}": value - first.metrics.get(name, 0.0)
        for name, value in last.metrics.items()
        if name.startswith("gateway_drops_total") and value > first.metrics.get(name, 0.0)
    }


def _rounded(value: float | None) -> float | None:
    return None if value is None else round(value, 2)

"""Prometheus metrics, read from plain counters at scrape time: the packet path knows nothing of them.

Only what is rare, such as a page's report, goes into a histogram when it happens.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass

from prometheus_client import CollectorRegistry, Histogram, PlatformCollector, ProcessCollector
from prometheus_client.core import CounterMetricFamily, GaugeMetricFamily, Metric
from prometheus_client.registry import Collector

GLASS_TO_GLASS_BUCKETS = (0.05, 0.1, 0.15, 0.2, 0.25, 0.3, 0.4, 0.5, 0.75, 1.0, 1.5, 2.0, 3.0, 5.0, 10.0)
FIRST_FRAME_BUCKETS = (0.1, 0.2, 0.3, 0.5, 0.75, 1.0, 1.5, 2.0, 3.0, 5.0, 10.0, 30.0)
"""Upper bounds in seconds, dense below one, where nearly all viewers are meant to be."""


@dataclass(frozen=True, slots=True)
class Reading:
    """A figure, or one for each value of `label`: few, and never somebody's choice."""

    text: str
    read: Callable[[], float | Mapping[str, float]]
    label: str | None = None


class GatewayCollector(Collector):
    """Whatever gauges and counters the composition root names, by the metric's name."""

    def __init__(self, gauges: Mapping[str, Reading], counters: Mapping[str, Reading]) -> None:
        self._gauges = gauges
        self._counters = counters

    def collect(self) -> Iterator[Metric]:
        """One scrape."""
        for name, reading in self._gauges.items():
            yield _fill(GaugeMetricFamily(name, reading.text, labels=_labels(reading)), reading)
        for name, reading in self._counters.items():
            yield _fill(CounterMetricFamily(name, reading.text, labels=_labels(reading)), reading)


def _labels(reading: Reading) -> list[str]:
    return [] if reading.label is None else [reading.label]


def _fill(family: GaugeMetricFamily | CounterMetricFamily, reading: Reading) -> Metric:
    found = reading.read()
    if isinstance(found, Mapping):
        for value, figure in sorted(found.items()):
            family.add_metric([value], figure)
    else:
        family.add_metric([], found)
    return family


class PlaybackHistograms:
    """How players fare, over all sessions: no label tells one from another."""

    def __init__(self) -> None:
        self.glass_to_glass = Histogram(
            "gateway_glass_to_glass_seconds",
            "From capture to display, as viewers' pages measure it",
            buckets=GLASS_TO_GLASS_BUCKETS,
            registry=None,
        )
        self.first_frame = Histogram(
            "gateway_first_frame_seconds",
            "From the wish to watch to the first picture, once a session",
            buckets=FIRST_FRAME_BUCKETS,
            registry=None,
        )


def registry(*collectors: Collector) -> CollectorRegistry:
    """A registry with the process's own figures and ours."""
    metrics = CollectorRegistry(auto_describe=False)
    ProcessCollector(registry=metrics)
    PlatformCollector(registry=metrics)
    for collector in collectors:
        metrics.register(collector)
    return metrics

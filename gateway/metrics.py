"""Prometheus metrics, read from plain counters at scrape time: the packet path knows nothing of them."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterator, Mapping

from prometheus_client import CollectorRegistry, PlatformCollector, ProcessCollector
from prometheus_client.core import CounterMetricFamily, GaugeMetricFamily, Metric
from prometheus_client.registry import Collector

Reading = Callable[[], float]


class GatewayCollector(Collector):
    """Drops by reason, and whatever gauges and counters the composition root names."""

    def __init__(
        self,
        drops: Counter[str],
        gauges: Mapping[str, tuple[str, Reading]],
        counters: Mapping[str, tuple[str, Reading]],
    ) -> None:
        self._drops = drops
        self._gauges = gauges
        self._counters = counters

    def collect(self) -> Iterator[Metric]:
        """One scrape."""
        drops = CounterMetricFamily("gateway_drops", "Input refused or dropped, by reason", labels=["reason"])
        for reason, count in sorted(self._drops.items()):
            drops.add_metric([reason], count)
        yield drops
        for name, (text, read) in self._gauges.items():
            yield GaugeMetricFamily(name, text, value=read())
        for name, (text, read) in self._counters.items():
            yield CounterMetricFamily(name, text, value=read())


def registry(collector: Collector) -> CollectorRegistry:
    """A registry with the process's own figures and ours."""
    metrics = CollectorRegistry(auto_describe=False)
    ProcessCollector(registry=metrics)
    PlatformCollector(registry=metrics)
    metrics.register(collector)
    return metrics

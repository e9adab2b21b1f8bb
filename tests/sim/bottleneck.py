"""A narrow link in virtual time, and a viewer behind it who answers as a browser does.

Packets go through a drop-tail queue that drains at a rate which may change, then through loss, delay and
jitter. Cross traffic shares the queue. Everything random comes from one seed.
"""

from __future__ import annotations

import itertools
import random
from bisect import bisect_right
from collections.abc import Callable
from dataclasses import dataclass, field
from functools import partial

from gateway.protocol.rtcp import TransportFeedback, parse_rtcp
from gateway.protocol.twcc import TransportCcReceiver
from tests.sim.world import Agenda

IP_OVERHEAD = 28 + 16
"""Octets around an RTP packet: IPv4, UDP, the tag of AES-GCM."""


@dataclass
class Burstiness:
    """Loss in bursts: `loss` for `bad` seconds, then none for `good` seconds on average."""

    good: float
    bad: float
    loss: float


@dataclass
class Link:
    """One direction: `rates` are (since, bits per second) steps, in seconds from the start."""

    agenda: Agenda
    random: random.Random
    rates: list[tuple[float, float]]
    delay: float = 0.02
    queue_limit: float = 0.3
    """Seconds of queue; a packet that would wait longer is dropped."""
    loss: float | list[tuple[float, float]] = 0.0
    """The fraction of packets lost behind the queue, or steps of it like `rates`."""
    burstiness: Burstiness | None = None
    jitter: float = 0.0
    """Standard deviation in seconds of a delay added after the queue; order is kept."""
    waits: list[tuple[float, float]] = field(default_factory=list)
    """When, and how long, each packet of ours waited and was serialised."""
    octets: list[tuple[float, int]] = field(default_factory=list)
    """When each packet of ours entered the queue, and its octets on the wire."""
    dropped: int = 0

    def __post_init__(self) -> None:
        self._start = self.agenda.now
        self._free_at = self.agenda.now
        self._last_out = 0.0
        self._bad = True
        self._state_until = self.agenda.now

    def rate_at(self, now: float) -> float:
        return self._step(self.rates, now)

    def _step(self, steps: list[tuple[float, float]], now: float) -> float:
        place = bisect_right([since for since, _ in steps], now - self._start)
        return steps[max(0, place - 1)][1]

    def _lost(self) -> bool:
        if self.burstiness is not None:
            while self._state_until <= self.agenda.now:
                self._bad = not self._bad
                good = self.random.expovariate(1 / self.burstiness.good)
                self._state_until += self.burstiness.bad if self._bad else good
            if self._bad and self.random.random() < self.burstiness.loss:
                return True
        loss = self._step(self.loss, self.agenda.now) if isinstance(self.loss, list) else self.loss
        return self.random.random() < loss

    def carry(self, size: int, deliver: Callable[[], None] | None) -> None:
        """Send a packet of `size` octets; `deliver` is None for cross traffic."""
        now = self.agenda.now
        start = max(now, self._free_at)
        if start - now > self.queue_limit:
            self.dropped += deliver is not None
            return
        self._free_at = start + 8 * (size + IP_OVERHEAD) / self.rate_at(start)
        if deliver is None:
            return
        self.waits.append((now, self._free_at - now))
        self.octets.append((now, size + IP_OVERHEAD))
        if self._lost():
            self.dropped += 1
            return
        jitter = abs(self.random.gauss(0, self.jitter)) if self.jitter else 0.0
        self._last_out = max(self._last_out, self._free_at + self.delay + jitter)
        self.agenda.at(self._last_out, deliver)

    def utilisation(self, start: float, end: float) -> float:
        """Share of the capacity that packets of ours took between two instants of the agenda."""
        steps = [self._start + since for since, _ in self.rates if start < self._start + since < end]
        spans = itertools.pairwise([start, *steps, end])
        capacity = sum((b - a) * self.rate_at(a) for a, b in spans)
        return 8 * sum(size for at, size in self.octets if start <= at < end) / capacity


class CrossTraffic:
    """Somebody else's packets of 1,200 octets: `rate_at(seconds)` bits per second, at Poisson times."""

    def __init__(self, link: Link, rate_at: Callable[[float], float]) -> None:
        self._link = link
        self._rate_at = rate_at
        self._start = link.agenda.now
        self._next()

    def _next(self) -> None:
        rate = self._rate_at(self._link.agenda.now - self._start)
        if rate <= 0:
            self._link.agenda.after(0.1, self._next)
            return
        self._link.carry(1200 - IP_OVERHEAD, None)
        self._link.agenda.after(self._link.random.expovariate(rate / 9600), self._next)


class Receiver:
    """Answers with transport-wide feedback each `interval` seconds and a report each second."""

    def __init__(
        self,
        agenda: Agenda,
        rng: random.Random,
        on_feedback: Callable[[TransportFeedback], None],
        on_report: Callable[[float], None],
        *,
        interval: float = 0.1,
        back_delay: float = 0.02,
        back_loss: float = 0.0,
    ) -> None:
        self._agenda = agenda
        self._random = rng
        self._on_feedback, self._on_report = on_feedback, on_report
        self._interval, self._back_delay, self._back_loss = interval, back_delay, back_loss
        self._clock_offset = rng.uniform(0, 1e5)
        self._twcc = TransportCcReceiver(1, 2)
        self._highest: int | None = None
        self._reported = self._came = 0
        self.octets: list[tuple[float, int]] = []
        agenda.after(interval, self._feed_back)
        agenda.after(1.0, self._report)

    def receive(self, sequence: int, size: int) -> None:
        self._twcc.add(sequence & 0xFFFF, self._agenda.now + self._clock_offset)
        self.octets.append((self._agenda.now, size))
        if self._highest is None:
            self._reported = sequence - 1
        self._highest = max(self._highest or 0, sequence)
        self._came += 1

    def _back(self, deliver: Callable[[], None]) -> None:
        if self._random.random() >= self._back_loss:
            self._agenda.after(self._back_delay, deliver)

    def _feed_back(self) -> None:
        while (data := self._twcc.build(self._agenda.now + self._clock_offset)) is not None:
            (feedback,) = parse_rtcp(data)
            assert isinstance(feedback, TransportFeedback)
            self._back(partial(self._on_feedback, feedback))
        self._agenda.after(self._interval, self._feed_back)

    def _report(self) -> None:
        if self._highest is not None and self._highest > self._reported:
            expected = self._highest - self._reported
            fraction = max(0, expected - self._came) / expected
            self._reported, self._came = self._highest, 0
            self._back(partial(self._on_report, fraction))
        self._agenda.after(1.0, self._report)


def percentile(values: list[float], share: float) -> float:
    return sorted(values)[min(len(values) - 1, int(share * len(values)))]

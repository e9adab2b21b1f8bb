"""An hour of one viewer's estimate: whatever the network did, it is as large as after ten minutes."""

from __future__ import annotations

import gc
import random
from math import isfinite
from types import FunctionType, MethodType, ModuleType

from gateway.protocol.rtcp import TransportFeedback
from gateway.protocol.transport_feedback import TICKS_PER_REFERENCE, TICKS_PER_SECOND
from gateway.sfu.estimation import SendSideEstimator
from gateway.sfu.estimation.estimator import CEILING, FLOOR

FRAMES = 2
"""In a tenth of a second."""
PACKETS = 9
WANTED = 4_000_000
ALIKE = 1.1


class Hour:
    """Frames and their feedback, ten messages a second; each minute has losses and silence in it."""

    def __init__(self) -> None:
        self.random = random.Random(1)
        self.estimator = SendSideEstimator()
        self.now = 1_000.0
        self.sequence = 65_536
        self.arrivals: list[float | None] = []
        self.clock = 2**24 * 0.064 - 1_200.0
        """The viewer's, far from ours: the reference time wraps after twenty minutes."""

    def minute(self) -> None:
        for tenth in range(600):
            second = tenth // 10
            if not 20 <= second < 23:  # nothing is sent then
                self._send(loss=0.05 if 5 <= second < 10 else 0.5 if second == 12 else 0.0)
            self.now += 0.1
            if second < 57 and self.random.random() > 0.02:  # nothing is heard then
                self._answer()
            if tenth % 10 == 0:
                self.estimator.on_timer(self.now)

    def _send(self, loss: float) -> None:
        for frame in range(FRAMES):
            at = self.now + frame / FRAMES / 10
            self._burst(at, PACKETS, None, loss)
        plan = self.estimator.probe(self.now, WANTED)
        for n in range(plan.packets if plan is not None else 0):
            assert plan is not None
            self._burst(self.now + 0.08 + n * plan.interval / 10, 1, plan.cluster, loss)

    def _burst(self, at: float, packets: int, cluster: int | None, loss: float) -> None:
        self.estimator.sent(self.sequence, packets, 1_180 * packets, at, cluster)
        self.sequence += packets
        for n in range(packets):
            arrival = self.clock + at + 0.02 + 0.0005 * n + self.random.random() * 0.003
            self.arrivals.append(None if self.random.random() < loss else arrival)

    def _answer(self) -> None:
        """Tell of all that was not told yet; the oldest are forgotten when there is too much of it."""
        del self.arrivals[:-2_000]
        first = next((x for x in self.arrivals if x is not None), None)
        if first is None:
            return
        reference = int(first * TICKS_PER_SECOND) // TICKS_PER_REFERENCE
        base = reference * TICKS_PER_REFERENCE
        ticks = tuple([None if x is None else int(x * TICKS_PER_SECOND) - base for x in self.arrivals])
        start = self.sequence - len(ticks)
        self.arrivals.clear()
        message = TransportFeedback(1, 2, start & 0xFFFF, reference & 0xFF_FFFF, 0, ticks)
        self.estimator.on_feedback(message, self.now + 0.02)


def weigh(whole: object) -> int:
    """Objects that it keeps alive."""
    seen: dict[int, object] = {}
    found = [whole]
    while found:
        for part in gc.get_referents(found.pop()):
            if id(part) not in seen and not isinstance(part, type | ModuleType | FunctionType | MethodType):
                seen[id(part)] = part
                found.append(part)
    return len(seen)


def test_an_hour_leaves_nothing_behind() -> None:
    hour = Hour()
    for _ in range(10):
        hour.minute()
    early = weigh(hour.estimator)
    for _ in range(50):
        hour.minute()
        assert FLOOR <= hour.estimator.estimate <= CEILING
        assert isfinite(hour.estimator.queue_delay)
    assert weigh(hour.estimator) <= ALIKE * early
    hour.minute()
    assert hour.estimator.estimate > 2_000_000, "it no longer measures"
    assert hour.estimator.queue_delay < 0.02

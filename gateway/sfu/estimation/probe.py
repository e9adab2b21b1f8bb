"""Probing: padding shows whether the next layer would fit, before it is sent.

A short burst asks how fast the link is. Other people's packets, or a radio that delivers in clumps, are
easily missed by it; so what it promises is confirmed by a longer and slower one.
"""

from __future__ import annotations

from dataclasses import dataclass
from itertools import count
from math import ceil, inf
from typing import Final

from gateway.sfu.estimation.history import Reception

DURATION: Final = 0.015
"""Seconds the first cluster lasts."""
CONFIRMATION: Final = 0.12
"""Seconds the second one lasts, which makes up what media lacks to the rate that the first one promised."""
LEAST: Final = 0.25
"""Share of the estimate that it makes at least."""
MIN_PACKETS: Final = 5
MAX_PACKET: Final = 1200
MIN_PACKET: Final = 100
"""Octets of one probe packet."""
MARGIN: Final = 1.2
"""How far over the wanted bitrate is probed: the layer must fit with room for its peaks."""
COMPLETE: Final = 0.8
"""Share of the packets that must arrive for a cluster to say anything."""
SATURATED: Final = 0.9
"""Arriving slower than this share of the sending rate, a cluster has met the link's limit."""
CAUTION: Final = 0.95
"""Share of the rate met that is believed then."""
PATIENCE: Final = 1.0
"""Seconds beyond the round trip after which missing feedback fails a cluster."""
RETRY: Final = 3.0
"""Seconds to the next probe after one that met the link's limit, or after over-use."""
FIRST_WAIT: Final = 4.0
LONGEST_WAIT: Final = 16.0
"""Seconds to the next probe after one that promised too much: doubled each time."""
REGRET: Final = 8.0
"""Seconds in which over-use makes a failure of a probe that succeeded: a rise may have to wait for five."""
REPEAT: Final = 0.5
"""Seconds between probes that succeed."""


@dataclass(frozen=True, slots=True)
class ProbePlan:
    """Padding to send: `packets` of `packet_size` octets, headers included, evenly over `duration` seconds.

    `SendSideEstimator.sent` is to be told of each with this `cluster`. `bitrate` is what they make,
    in bits per second.
    """

    cluster: int
    bitrate: float
    packets: int
    packet_size: int
    duration: float = DURATION

    @property
    def interval(self) -> float:
        """Seconds between two packets."""
        return self.duration / (self.packets - 1)


class _Cluster:
    """The feedback of one cluster so far.

    All octets between its first and last packet count, media too: they share the link with it.
    """

    __slots__ = (
        "arrived",
        "began",
        "began_arriving",
        "confirms",
        "ended",
        "ended_arriving",
        "limit",
        "octets",
        "planned",
    )

    def __init__(self, plan: ProbePlan, promised: float | None, now: float) -> None:
        self.planned = plan
        self.confirms = promised is not None
        self.limit = plan.bitrate if promised is None else promised
        """The bitrate that it may prove at most."""
        self.began = now
        self.began_arriving = self.ended = self.ended_arriving = 0.0
        self.arrived = self.octets = 0

    def result(self) -> tuple[float, bool]:
        """The bitrate it proves, 0 when too little arrived to say, and whether it all got through as sent."""
        plan = self.planned
        arriving, sending = self.ended_arriving - self.began_arriving, self.ended - self.began
        if self.arrived < COMPLETE * plan.packets or arriving <= 0:
            return 0.0, False
        # A few losses count as arrived: where losses are random, only the spacing tells the rate.
        received = 8 * self.octets / arriving
        offered = 8 * self.octets / sending if sending > 0 else inf
        if received < SATURATED * min(offered, self.limit):
            return CAUTION * received, False
        if self.confirms and received >= SATURATED * self.limit:
            return self.limit, True
        return min(received, offered, self.limit), True


class ProbeController:
    """Decides when to probe, and reads the answer from the feedback.

    A probe that meets the limit is repeated at a slow pace for as long as more is wanted. One that
    promised what over-use then disproved makes the pace slower and slower.
    """

    __slots__ = ("_next", "_numbers", "_octets", "_promised", "_short", "_succeeded", "_wait", "cluster")

    def __init__(self) -> None:
        self._numbers = count(1)
        self.cluster: _Cluster | None = None
        """The one under way."""
        self._octets = 0  # in all messages since the cluster's first packet
        self._promised: float | None = None  # by the cluster before, and to be confirmed at `_next`
        self._short = 0.0  # of what was promised when it was last to be confirmed
        self._next = -inf
        self._wait = FIRST_WAIT
        self._succeeded = -inf

    def plan(self, now: float, estimate: float, wanted: float, sending: float) -> ProbePlan | None:
        """The padding to send now so that the estimate may reach `wanted` bits per second; None if none.

        `sending` is what the viewer gets anyhow, in bits per second.
        """
        if self.cluster is not None or now < self._next or wanted <= estimate:
            return None
        if REGRET < now - self._succeeded < inf:  # what the last one promised has held
            self._succeeded = -inf
            self._wait = FIRST_WAIT
        promised = self._promised
        self._promised = None
        if promised is not None and promised > estimate and now - self._next < PATIENCE:
            bitrate, duration = max(promised - sending, LEAST * estimate) + self._short, CONFIRMATION
        else:
            promised, bitrate, duration = None, MARGIN * wanted, DURATION
            self._short = 0.0
        octets = bitrate * duration / 8
        packets = max(MIN_PACKETS, ceil(octets / MAX_PACKET) + 1)
        # The first packet only starts the clock: the others make the rate.
        size = min(MAX_PACKET, max(MIN_PACKET, ceil(octets / (packets - 1))))
        plan = ProbePlan(next(self._numbers), bitrate, packets, size, duration)
        self.cluster = _Cluster(plan, promised, now)
        return plan

    def on_reception(self, reception: Reception) -> None:
        """Note what of the cluster arrived."""
        cluster = self.cluster
        if cluster is None:
            return
        for number, arrived, at, arrival, octets in reception.probed:
            if number != cluster.planned.cluster:
                continue
            if not cluster.arrived:
                cluster.began, cluster.began_arriving = at, arrival
                self._octets = -octets
            cluster.arrived += arrived
            cluster.ended, cluster.ended_arriving = at, max(arrival, cluster.ended_arriving)
            cluster.octets = self._octets + octets
        self._octets += reception.sent

    def finish(self, now: float, estimate: float, rtt: float) -> float | None:
        """The bitrate that the cluster proved once it is over; None while it is not, or proved nothing."""
        cluster = self.cluster
        if cluster is None:
            return None
        if cluster.arrived < cluster.planned.packets and now - cluster.began < PATIENCE + rtt:
            return None
        self.cluster = None
        proven, passed = cluster.result()
        if not proven:  # most of it, or of the feedback, was lost on the way
            self._promised = cluster.limit if cluster.confirms else None
            self._next = now + REPEAT
            return None
        if proven > estimate and not cluster.confirms:
            self._promised, self._next = proven, now
            return None
        if cluster.confirms and passed and proven < cluster.limit:  # frames that were counted on did not come
            self._promised, self._next = cluster.limit, now
            self._short += cluster.limit - proven
        elif passed and proven > estimate:
            self._succeeded = now
            self._next = now + REPEAT
        else:
            self._next = now + RETRY
        return proven if proven > estimate else None

    def on_congestion(self, now: float, queued: bool = True) -> None:
        """The link is congested: wait, and longer if a probe had just promised otherwise.

        Losses without a queue (`queued`) disprove nothing. A cluster under way is given up: its answer would
        be from before.
        """
        self.cluster = self._promised = None
        if queued and now - self._succeeded < REGRET:
            self._succeeded = -inf
            self._next = now + self._wait
            self._wait = min(LONGEST_WAIT, 2 * self._wait)
        else:
            self._next = max(self._next, now + RETRY)

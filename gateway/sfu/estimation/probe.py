"""Probing: a short burst of padding shows whether the next layer would fit, before it is sent."""

from __future__ import annotations

from dataclasses import dataclass
from itertools import count
from math import ceil, inf
from typing import Final

from gateway.sfu.estimation.history import Reception

DURATION: Final = 0.015
"""Seconds a cluster lasts."""
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
LONGEST_WAIT: Final = 32.0
"""Seconds to the next probe after one that promised too much: doubled each time."""
REGRET: Final = 4.0
"""Seconds in which over-use makes a failure of a probe that had succeeded."""
REPEAT: Final = 1.0
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

    __slots__ = ("arrived", "began", "began_arriving", "ended", "ended_arriving", "octets", "planned")

    def __init__(self, plan: ProbePlan, now: float) -> None:
        self.planned = plan
        self.began = now
        self.began_arriving = self.ended = self.ended_arriving = 0.0
        self.arrived = self.octets = 0

    def result(self) -> float | None:
        """The bitrate it proves, None when too little arrived to say."""
        plan = self.planned
        arriving, sending = self.ended_arriving - self.began_arriving, self.ended - self.began
        if self.arrived < COMPLETE * plan.packets or arriving <= 0:
            return None
        # A few losses count as arrived: where losses are random, only the spacing tells the rate.
        received = 8 * self.octets / arriving
        offered = 8 * self.octets / sending if sending > 0 else inf
        if received < SATURATED * min(offered, plan.bitrate):
            return CAUTION * received
        return min(received, offered, plan.bitrate)


class ProbeController:
    """Decides when to probe, and reads the answer from the feedback.

    A probe that meets the limit is repeated at a slow pace for as long as more is wanted. One that
    promised what over-use then disproved makes the pace slower and slower.
    """

    __slots__ = ("_cluster", "_next", "_numbers", "_octets", "_succeeded", "_wait")

    def __init__(self) -> None:
        self._numbers = count(1)
        self._cluster: _Cluster | None = None
        self._octets = 0  # in all messages since the cluster's first packet
        self._next = -inf
        self._wait = FIRST_WAIT
        self._succeeded = -inf

    def plan(self, now: float, estimate: float, wanted: float) -> ProbePlan | None:
        """The padding to send now so that the estimate may reach `wanted` bits per second; None if none."""
        if self._cluster is not None or now < self._next or wanted <= estimate:
            return None
        if REGRET < now - self._succeeded < inf:  # what the last one promised has held
            self._succeeded = -inf
            self._wait = FIRST_WAIT
        bitrate = MARGIN * wanted
        octets = bitrate * DURATION / 8
        packets = max(MIN_PACKETS, ceil(octets / MAX_PACKET) + 1)
        # The first packet only starts the clock: the others make the rate.
        size = min(MAX_PACKET, max(MIN_PACKET, ceil(octets / (packets - 1))))
        plan = ProbePlan(next(self._numbers), bitrate, packets, size)
        self._cluster = _Cluster(plan, now)
        return plan

    def on_reception(self, reception: Reception) -> None:
        """Note what of the cluster arrived."""
        cluster = self._cluster
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
        cluster = self._cluster
        if cluster is None:
            return None
        if cluster.arrived < cluster.planned.packets and now - cluster.began < PATIENCE + rtt:
            return None
        self._cluster = None
        result = cluster.result()
        if result is not None and result >= cluster.planned.bitrate * SATURATED:
            self._succeeded = now
            self._next = now + REPEAT
        else:
            self._next = now + RETRY
        return result if result is not None and result > estimate else None

    def on_congestion(self, now: float) -> None:
        """The link is congested: wait, and longer if a probe had just promised otherwise.

        A cluster under way is given up: its answer would be from before.
        """
        self._cluster = None
        if now - self._succeeded < REGRET:
            self._succeeded = -inf
            self._next = now + self._wait
            self._wait = min(LONGEST_WAIT, 2 * self._wait)
        else:
            self._next = max(self._next, now + RETRY)

"""What was sent to one viewer, and what its transport-wide feedback says became of it.

A burst is one entry, not a packet: the hot path pays one append for all packets of a `sendmsg`, and
feedback is read by slices. An entry leaves as soon as feedback has covered it.
"""

from __future__ import annotations

from collections import Counter, deque
from collections.abc import Iterable
from typing import Final

from gateway.protocol.rtcp import TransportFeedback
from gateway.protocol.transport_feedback import TICKS_PER_REFERENCE, TICKS_PER_SECOND

MAX_AGE: Final = 2.0
"""Seconds after which feedback about a burst is not waited for any longer."""
MAX_BURSTS: Final = 4096
"""Entries kept at most, whatever their age."""
GROUP_SPAN: Final = 0.005
"""Seconds of sending that make one packet group (draft-ietf-rmcat-gcc-02 section 5.2)."""
MAX_MERGED: Final = 0.1
"""Seconds of arriving at once, after a stall of the radio, that are merged into one group."""
MAX_MISSING: Final = 512
"""Packets reported lost that are remembered, as they may only have been late."""

_TICK: Final = 1 / TICKS_PER_SECOND
_REFERENCE_UNIT: Final = TICKS_PER_REFERENCE * _TICK
_REFERENCE_MASK: Final = 0xFF_FFFF
_HALF_REFERENCE: Final = 1 << 23

Burst = tuple[int, int, int, float, int | None]
"""First extended sequence number, packets, octets, when sent, probe cluster."""


Group = tuple[float, float, int]
"""A packet group: when its last packet was sent and when it arrived; octets arrived since the one before,
with those whose feedback was lost."""


class Reception:
    """What one feedback message told that was not known before.

    Times of sending are the gateway's, times of arrival the viewer's: only differences compare.
    """

    __slots__ = ("acked", "gap", "groups", "lost", "newest_send", "packets", "probed", "sent")

    def __init__(self) -> None:
        self.groups: list[Group] = []
        self.packets = 0
        """Packets told of, lost or not."""
        self.lost = 0
        """Packets lost; negative when more came late than were lost."""
        self.acked = 0
        """Octets that arrived."""
        self.sent = 0
        """Octets of the packets told of."""
        self.gap = False
        """Whether packets before these were never told of: a feedback message was lost."""
        self.newest_send: float | None = None
        """When the newest packet that arrived was sent."""
        self.probed: list[tuple[int, int, float, float, int]] = []
        """Probe bursts: cluster, packets arrived, when sent, when arrived, and the octets told of by
        this message up to and with it."""


class SendHistory:
    """Bursts that feedback has not covered yet."""

    __slots__ = (
        "_bursts",
        "_carried",
        "_drops",
        "_missing",
        "_next",
        "_reference",
        "_reference_base",
        "_ungrouped",
        "sent_until",
    )

    def __init__(self, drops: Counter[str]) -> None:
        self._bursts: deque[Burst] = deque(maxlen=MAX_BURSTS)
        self._carried = 0  # octets sent without numbers since the last numbered burst
        self._missing: dict[int, int] = {}  # extended sequence number -> octets
        self._next: int | None = None  # the first sequence number no feedback has covered
        self._ungrouped = 0  # octets that arrived of a burst whose end was not told of yet
        self._reference: int | None = None
        self._reference_base = 0
        self._drops = drops
        self.sent_until = 0
        """One past the highest extended sequence number sent."""

    def __len__(self) -> int:
        return len(self._bursts)

    def sent(
        self, first_sequence: int, packets: int, size: int, now: float, cluster: int | None = None
    ) -> None:
        """Note a burst: `packets` numbers from the extended `first_sequence` on, `size` octets in all.

        Numbers must grow from call to call. `cluster` is that of the probe plan it belongs to.
        """
        bursts = self._bursts
        if self._carried and cluster is None:
            size += self._carried
            self._carried = 0
        bursts.append((first_sequence, packets, size, now, cluster))
        self.sent_until = first_sequence + packets
        # One in, at most one out: enough to bound what a viewer without feedback costs.
        if now - bursts[0][3] > MAX_AGE:
            bursts.popleft()

    def carry(self, octets: int) -> None:
        """Note octets that bear no numbers: what becomes of the next numbered burst is taken to be theirs."""
        self._carried += octets

    def sent_since(self, start: float) -> int:
        """Octets sent since `start` that feedback has not covered."""
        return sum(burst[2] for burst in self._bursts if burst[3] >= start)

    def oldest(self) -> float | None:
        """When the oldest burst was sent that feedback has not covered; None when all are."""
        return self._bursts[0][3] if self._bursts else None

    def acknowledge(self, feedback: TransportFeedback) -> Reception | None:
        """Match feedback with what was sent; None when it tells nothing new.

        Feedback about packets never sent or long covered is dropped and counted.
        """
        newest = self.sent_until - 1
        base = newest - (newest - feedback.base_sequence & 0xFFFF)
        end = base + len(feedback.arrivals)
        if end > self.sent_until:
            self._drops["feedback_unknown_packets"] += 1
            return None
        reception = Reception()
        if self._missing and self._next is not None and base < self._next:
            self._recover(feedback.arrivals, base, reception)
        if self._next is None or end > self._next:
            reference = self._unwrap_reference(feedback.reference_time)
            reception.gap = self._next is None or base > self._next
            self._walk(feedback.arrivals, base, reference, reception)
            self._next = end
        if not reception.packets and not reception.lost:
            self._drops["feedback_nothing_new"] += 1
            return None
        return reception

    def _unwrap_reference(self, reference_time: int) -> float:
        """The reference time in seconds, continued over its wrap after twelve days."""
        previous = self._reference
        self._reference = reference_time
        if previous is None:
            self._reference_base = reference_time
        else:
            step = (reference_time - previous + _HALF_REFERENCE & _REFERENCE_MASK) - _HALF_REFERENCE
            self._reference_base += step
        return self._reference_base * _REFERENCE_UNIT

    def _recover(self, arrivals: tuple[int | None, ...], base: int, reception: Reception) -> None:
        """What was reported lost and has come after all."""
        end = base + len(arrivals)
        came = [n for n in self._missing if base <= n < end and arrivals[n - base] is not None]
        for number in came:
            reception.acked += self._missing.pop(number)
        reception.lost -= len(came)

    def _walk(
        self, arrivals: tuple[int | None, ...], base: int, reference: float, reception: Reception
    ) -> None:
        """Take every burst the message tells of out of the history and into `reception`.

        A burst whose end is not told of stays, and joins the groups of the message that tells it.
        """
        bursts = self._bursts
        end = base + len(arrivals)
        start = base if self._next is None or base > self._next else self._next
        lossless = None not in arrivals
        samples: list[Group] = []
        told = octets = 0
        grouped = reception.acked - self._ungrouped
        while bursts and (burst := bursts[0])[0] < end:
            first, packets, size, at, cluster = burst
            arrival: int | None = None
            until = first + packets
            if (
                cluster is None
                and start <= first
                and until <= end
                and (lossless or None not in arrivals[first - base : until - base])
            ):
                told += packets
                octets += size
                arrival = arrivals[until - base - 1]
            elif until > start:
                reception.packets += told
                reception.sent += octets
                reception.acked += octets
                told = octets = 0
                low = max(first, start)
                arrival = self._take(burst, low, arrivals[low - base : until - base], reference, reception)
                if until > end:
                    break
            else:
                grouped -= size  # its feedback was lost: that it arrived is the best guess
            if arrival is not None:
                arrived = reception.acked + octets
                samples.append((at, arrival * _TICK, arrived - grouped))
                grouped = arrived
            bursts.popleft()
        reception.packets += told
        reception.sent += octets
        reception.acked += octets
        self._ungrouped = reception.acked - grouped
        if samples:
            reception.groups = group(samples, reference)
            reception.newest_send = samples[-1][0]

    def _take(
        self,
        burst: Burst,
        first: int,
        segment: tuple[int | None, ...],
        reference: float,
        reception: Reception,
    ) -> int | None:
        """Note a part of a burst, from `first` on; the tick its last packet arrived at, None if none did."""
        _, packets, size, at, cluster = burst
        told = len(segment)
        came = [arrival for arrival in segment if arrival is not None]
        arrived = len(came)
        if arrived < told:
            self._miss(first, segment, size // packets)
        reception.packets += told
        reception.lost += told - arrived
        reception.sent += size * told // packets
        reception.acked += size * arrived // packets
        if not came:
            return None
        if cluster is not None:
            reception.probed.append((cluster, arrived, at, reference + came[-1] * _TICK, reception.sent))
        return came[-1]

    def _miss(self, first: int, segment: tuple[int | None, ...], size: int) -> None:
        """Remember what did not arrive, `size` octets each."""
        missing = self._missing
        for offset, arrival in enumerate(segment[:MAX_MISSING]):
            if arrival is None:
                missing[first + offset] = size
        while len(missing) > MAX_MISSING:
            del missing[next(iter(missing))]


def group(samples: Iterable[Group], reference: float) -> list[Group]:
    """Bursts, with arrivals after `reference`, joined to packet groups (section 5.2): sent together, or
    arrived together after the network held them up."""
    groups: list[Group] = []
    began = began_arriving = sent = arrived = 0.0
    octets = 0
    for at, arrival, size in samples:
        if groups:
            gap = arrival - arrived
            if at - began <= GROUP_SPAN or (
                gap <= GROUP_SPAN and gap < at - sent and arrival - began_arriving < MAX_MERGED
            ):
                sent = at
                if gap > 0:
                    arrived = arrival
                octets += size
                groups[-1] = (sent, reference + arrived, octets)
                continue
        began = sent = at
        began_arriving = arrived = arrival
        octets = size
        groups.append((at, reference + arrival, size))
    return groups

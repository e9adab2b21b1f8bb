"""What a viewer notes of one incoming RTP stream: counts, gaps, jitter, receiver reports (RFC 3550 A.3, A.8).

Pure and lean: a load test keeps hundreds of these.
"""

from __future__ import annotations

from gateway.protocol.rtcp import ReceptionReport, ntp_middle32
from gateway.protocol.sequence import SequenceUnwrapper

MAX_TRACKED_GAP = 256
"""A longer gap is a restart or an outage: asking for all of it again would not help."""


class RtpReceiver:
    """Statistics of one ssrc."""

    __slots__ = (
        "_base",
        "_expected_before",
        "_last_report",
        "_received_before",
        "_transit",
        "_unwrapper",
        "bytes",
        "clock_rate",
        "jitter",
        "missing",
        "packets",
        "reordered",
        "repeated",
        "ssrc",
    )

    def __init__(self, ssrc: int, clock_rate: int) -> None:
        self.ssrc = ssrc
        self.clock_rate = clock_rate
        self.packets = 0
        self.bytes = 0
        self.reordered = 0
        self.repeated = 0
        """Packets that came when nothing before them was missing."""
        self.jitter = 0.0
        """Interarrival jitter in units of the clock rate."""
        self.missing: set[int] = set()
        """Extended sequence numbers of gaps still open."""
        self._unwrapper = SequenceUnwrapper()
        self._base: int | None = None
        self._transit: float | None = None
        self._expected_before = 0
        self._received_before = 0
        self._last_report: tuple[int, float] | None = None

    def add(self, sequence: int, timestamp: int, size: int, now: float) -> list[int]:
        """Note a packet of `size` payload bytes. Returns the sequence numbers that it shows missing."""
        highest = self._unwrapper.highest
        extended = self._unwrapper.unwrap(sequence)
        self.packets += 1
        self.bytes += size
        self._note_jitter(timestamp, now)
        if highest is None:
            self._base = extended
            return []
        if extended > highest:
            gap = range(highest + 1, extended)
            if not gap or len(gap) > MAX_TRACKED_GAP:
                return []
            self.missing.update(gap)
            return [number & 0xFFFF for number in gap]
        if extended in self.missing:
            self.missing.discard(extended)
            self.reordered += 1
        elif self._base is not None and extended < self._base:
            self._base = extended
        else:
            self.repeated += 1
        return []

    def sender_report(self, ntp: int, now: float) -> None:
        """Note the sender report that the next receiver report answers."""
        self._last_report = (ntp_middle32(ntp), now)

    @property
    def expected(self) -> int:
        """Packets that should have come, from the first to the highest."""
        highest = self._unwrapper.highest
        return 0 if highest is None or self._base is None else highest - self._base + 1

    @property
    def lost(self) -> int:
        """Packets expected and not received; negative with duplicates."""
        return self.expected - self.packets

    def report(self, now: float) -> ReceptionReport | None:
        """The reception report since the last one; None before the first packet."""
        if self._unwrapper.highest is None:
            return None
        expected, received = self.expected - self._expected_before, self.packets - self._received_before
        self._expected_before, self._received_before = self.expected, self.packets
        lost = max(0, expected - received)
        last, delay = 0, 0
        if self._last_report is not None:
            last = self._last_report[0]
            delay = min(0xFFFFFFFF, round((now - self._last_report[1]) * 65_536))
        floor = self._unwrapper.highest - max(2 * MAX_TRACKED_GAP, 1_024)
        self.missing = {number for number in self.missing if number > floor}
        return ReceptionReport(
            ssrc=self.ssrc,
            fraction_lost=min(255, lost * 256 // expected) if expected > 0 else 0,
            cumulative_lost=max(-0x800000, min(0x7FFFFF, self.lost)),
            highest_sequence=self._unwrapper.highest & 0xFFFFFFFF,
            jitter=int(self.jitter) & 0xFFFFFFFF,
            last_sr=last,
            delay_since_last_sr=delay,
        )

    def _note_jitter(self, timestamp: int, now: float) -> None:
        transit = now * self.clock_rate - timestamp
        if self._transit is not None:
            difference = abs(transit - self._transit)
            if difference < 0x7FFFFFFF:  # the 32-bit timestamp has not wrapped in between
                self.jitter += (difference - self.jitter) / 16
        self._transit = transit

"""How well one source is received, for reception reports (RFC 3550 sections 6.4.1, A.3 and A.8)."""

from __future__ import annotations

from gateway.protocol.rtcp import ReceptionReport, ntp_middle32


class ReceptionStatistics:
    """Counts the packets of one ssrc and sums them up in reports.

    There is no probation (A.1): packets come authenticated. Duplicates and retransmissions must not
    be counted, or they hide losses.
    """

    __slots__ = (
        "_base_sequence",
        "_clock_rate",
        "_expected_prior",
        "_jitter",
        "_last_sr",
        "_last_sr_at",
        "_origin",
        "_received_prior",
        "_timestamp",
        "_transit",
        "fraction_lost",
        "highest_sequence",
        "received_packets",
        "ssrc",
    )

    def __init__(self, ssrc: int, clock_rate: int) -> None:
        self.ssrc = ssrc
        self.received_packets = 0
        self.highest_sequence = 0
        """The highest extended sequence number."""
        self._clock_rate = clock_rate
        self._base_sequence = 0
        self._expected_prior = 0
        self._received_prior = 0
        self._origin = 0  # the circle of the first packet, where the count of wraps starts
        self._timestamp = 0
        self._transit = 0.0
        self._jitter = 0.0
        self._last_sr = 0
        self._last_sr_at = 0.0
        self.fraction_lost = 0.0
        """Of the packets expected between the last two reports, those that did not come, 0 to 1."""

    @property
    def jitter(self) -> float:
        """The interarrival jitter in seconds."""
        return self._jitter / self._clock_rate

    @property
    def lost_packets(self) -> int:
        """Packets that did not arrive so far; negative when some arrived twice."""
        return self._expected() - self.received_packets

    def received(self, extended_sequence: int, timestamp: int, now: float) -> None:
        """A packet arrived at `now` (seconds).

        `extended_sequence` grows over wraps; `timestamp` may, but a plain 32-bit one will do: its
        wrap is recognised. Jitter compares the first packets of frames in order, since the others
        of a frame share its timestamp however they are paced.
        """
        highest = self.highest_sequence
        if not self.received_packets:
            self._base_sequence = self.highest_sequence = extended_sequence
            self._origin = extended_sequence & ~0xFFFF
            self._timestamp = timestamp
            self._transit = now * self._clock_rate - timestamp
        elif extended_sequence > highest:
            self.highest_sequence = extended_sequence
            if timestamp != self._timestamp:
                self._timestamp = timestamp
                self._update_jitter(now * self._clock_rate - timestamp)
        elif extended_sequence < self._base_sequence:
            self._base_sequence = extended_sequence  # the first to arrive was not the first sent
        self.received_packets += 1

    def _update_jitter(self, transit: float) -> None:
        """RFC 3550 A.8; in floating point, so nothing is lost to rounding."""
        difference = abs(transit - self._transit)
        if difference >= 0x8000_0000:
            difference = abs(difference - 0x1_0000_0000)
        self._transit = transit
        self._jitter += (difference - self._jitter) / 16

    def on_sender_report(self, ntp: int, now: float) -> None:
        """The source's sender report with this 64-bit NTP time arrived at `now` (seconds)."""
        self._last_sr = ntp_middle32(ntp)
        self._last_sr_at = now

    def report(self, now: float) -> ReceptionReport:
        """The report block as of `now`; it starts a new interval for the fraction lost."""
        expected = self._expected()
        expected_interval = expected - self._expected_prior
        lost_interval = expected_interval - (self.received_packets - self._received_prior)
        self._expected_prior = expected
        self._received_prior = self.received_packets
        fraction = 0
        self.fraction_lost = 0.0
        if expected_interval > 0 and lost_interval > 0:
            fraction = min(255, (lost_interval << 8) // expected_interval)
            self.fraction_lost = lost_interval / expected_interval
        delay = 0
        if self._last_sr:
            delay = min(0xFFFF_FFFF, max(0, round((now - self._last_sr_at) * 65536)))
        return ReceptionReport(
            ssrc=self.ssrc,
            fraction_lost=fraction,
            cumulative_lost=max(-0x80_0000, min(0x7F_FFFF, expected - self.received_packets)),
            highest_sequence=(self.highest_sequence - self._origin) & 0xFFFF_FFFF,
            jitter=min(0xFFFF_FFFF, int(self._jitter)),
            last_sr=self._last_sr,
            delay_since_last_sr=delay,
        )

    def _expected(self) -> int:
        if not self.received_packets:
            return 0
        return self.highest_sequence - self._base_sequence + 1

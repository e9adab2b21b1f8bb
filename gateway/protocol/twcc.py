"""The receiving side of transport-wide congestion control: what arrived when, as feedback messages.

draft-holmer-rmcat-transport-wide-cc-extensions-01. The publisher's browser numbers all its packets
in one sequence and steers its bitrate by the arrival times that this reports.
"""

from __future__ import annotations

from typing import Final

from gateway.protocol.sequence import SequenceUnwrapper
from gateway.protocol.transport_feedback import (
    MAX_DELTA,
    MAX_STATUS_COUNT,
    MIN_DELTA,
    TICKS_PER_REFERENCE,
    TICKS_PER_SECOND,
    TransportFeedback,
)

MAX_GAP: Final = (1 << 13) - 1
"""Missing packets in a row that are reported as lost; over a longer gap the report starts anew."""

MAX_RECEIVED: Final = 180
"""Received packets per message. Each takes 6 octets at worst, so a message stays under 1,200."""

MAX_TRACKED: Final = 1 << 13
"""Arrivals remembered, reported or not."""

_HISTORY_TICKS: Final = TICKS_PER_SECOND // 2
"""How long an arrival that was reported is remembered: a message about a packet that comes late
covers its neighbours again, and must not call them lost."""


class TransportCcReceiver:
    """Collects arrivals and makes them into feedback messages.

    `media_ssrc` must be an ssrc the sender uses, else browsers ignore the message; set it when one
    is known.
    """

    __slots__ = (
        "_arrivals",
        "_feedback_count",
        "_floor",
        "_next_expected",
        "_unreported",
        "_unwrapper",
        "media_ssrc",
        "sender_ssrc",
    )

    def __init__(self, sender_ssrc: int, media_ssrc: int = 0) -> None:
        self.sender_ssrc = sender_ssrc
        self.media_ssrc = media_ssrc
        self._feedback_count = 0
        self._start()

    def _start(self) -> None:
        self._unwrapper = SequenceUnwrapper()
        self._arrivals: dict[int, int] = {}  # extended sequence number -> ticks, in order of arrival
        self._floor = 0  # from here on every arrival is remembered
        self._next_expected: int | None = None  # one past the highest that was reported
        self._unreported: int | None = None  # the lowest that was not reported

    def add(self, sequence_number: int, now: float) -> None:
        """A packet with this transport-wide sequence number (16 bits) arrived at `now` (seconds)."""
        extended = self._unwrapper.unwrap(sequence_number)
        if extended < (self._unwrapper.highest or 0) - MAX_GAP:
            self._start()  # nothing is that late: the sender began to count anew
            extended = self._unwrapper.unwrap(sequence_number)
        arrivals = self._arrivals
        if extended in arrivals or extended < self._floor:
            return
        if len(arrivals) >= MAX_TRACKED:
            oldest = next(iter(arrivals))
            del arrivals[oldest]
            self._floor = max(self._floor, oldest + 1)
        arrivals[extended] = int(now * TICKS_PER_SECOND)
        if self._unreported is None or extended < self._unreported:
            self._unreported = extended

    def build(self, now: float) -> bytes | None:
        """The next feedback message as plain RTCP, None when there is nothing new to tell.

        Call it until it returns None: a burst, a long gap or a long pause takes several messages.
        The message may end in RTCP padding, so in a compound packet it comes last.
        """
        pending = self._pending()
        if not pending:
            self._unreported = None
            self._forget(now)
            return None
        first = pending[0]
        base = first
        if self._next_expected is not None and 0 < first - self._next_expected <= MAX_GAP:
            base = self._next_expected
        reference_time = self._arrivals[first] // TICKS_PER_REFERENCE
        arrivals, used = self._collect(pending, base, reference_time * TICKS_PER_REFERENCE)
        feedback = TransportFeedback(
            sender_ssrc=self.sender_ssrc,
            media_ssrc=self.media_ssrc,
            base_sequence=base & 0xFFFF,
            reference_time=reference_time & 0xFF_FFFF,
            feedback_count=self._feedback_count,
            arrivals=tuple(arrivals),
        )
        self._feedback_count = (self._feedback_count + 1) & 0xFF
        self._next_expected = max(self._next_expected or 0, pending[used - 1] + 1)
        self._unreported = pending[used] if used < len(pending) else None
        return feedback.encode()

    def _pending(self) -> list[int]:
        """Remembered numbers from the lowest unreported one on, those reported before included."""
        if self._unreported is None:
            return []
        start = max(self._unreported, self._floor)
        return sorted(number for number in self._arrivals if number >= start)

    def _collect(self, pending: list[int], base: int, reference: int) -> tuple[list[int | None], int]:
        """Arrivals from `base` on, as many as one message can tell, and how many of `pending` that is."""
        collected: list[int | None] = []
        expected, previous = base, reference
        used = 0
        for number in pending[:MAX_RECEIVED]:
            ticks = self._arrivals[number]
            if number - expected > MAX_GAP or number - base >= MAX_STATUS_COUNT:
                break
            if not MIN_DELTA <= ticks - previous <= MAX_DELTA:
                break
            collected.extend([None] * (number - expected))
            collected.append(ticks - reference)
            expected, previous = number + 1, ticks
            used += 1
        return collected, used

    def _forget(self, now: float) -> None:
        """Drop what has been reported and is too old for a late neighbour."""
        horizon = int(now * TICKS_PER_SECOND) - _HISTORY_TICKS
        old = [number for number, ticks in self._arrivals.items() if ticks < horizon]
        for number in old:
            del self._arrivals[number]
        if old:
            self._floor = max(self._floor, max(old) + 1)

"""One stream as a lean viewer follows it: numbers, gaps, and the pictures that a decoder would have shown."""

from __future__ import annotations

import random
from collections.abc import Callable
from struct import Struct
from typing import Final

from gateway.protocol.codecs import keyframe_detector
from gateway.protocol.description import Codec, MediaKind
from loadtest.engine.meter import Meter, count

MARKER: Final = 1 << 23
"""The marker bit within the first word of an RTP header."""
STABLE: Final = 0xDF7FFFFF
"""What of that word is foreseen: all but marker and padding bit."""
REORDERING: Final = 0.2
"""Seconds that a missing packet may be late where it cannot be asked for."""
PATIENCE: Final = 1.0
"""Seconds after which a packet that was asked for is given up, and the picture waits for a keyframe."""
ASK_AGAIN: Final = 0.1
"""Seconds between two requests for a packet."""
LONGEST_GAP: Final = 1_000
"""Missing packets in a row that are tracked; more were lost with each other."""
FREEZE: Final = 0.3
USUAL_TIMES: Final = 3.0
"""A picture stands when the next is over so many seconds late and so many times the usual distance."""
SAMPLE_EVERY: Final = 32
"""Mean number of bursts of which one is decrypted: authenticated, and its stamp read."""

_REPORT: Final = Struct("!IIIIII")


class Track:
    """The state of one ssrc. `steady` while nothing is missing and no keyframe is waited for: then the reader
    itself advances `expected`, `frames` and `shown_at`, and calls nothing here."""

    __slots__ = (
        "_asked",
        "_careful",
        "_ends",
        "_expected_before",
        "_is_keyframe",
        "_key",
        "_looked_at",
        "_mark",
        "_meter",
        "_nack",
        "_received_before",
        "absent",
        "base",
        "began",
        "codec",
        "expected",
        "frames",
        "frozen",
        "high",
        "jitter",
        "limit",
        "live",
        "missing",
        "place",
        "rate",
        "report_at",
        "report_ntp",
        "shape",
        "shown_at",
        "ssrc",
        "steady",
        "until_sample",
        "video",
        "waiting",
    )

    def __init__(
        self,
        ssrc: int,
        codec: Codec,
        began: float | None,
        meter: Meter,
        *,
        nack: bool,
        careful: bool = False,
    ) -> None:
        self.ssrc = ssrc
        self.codec = codec
        self.rate = float(codec.clock_rate)
        self.video = codec.kind is MediaKind.VIDEO
        self.began = began
        """When the session was asked for, until its first picture was whole."""
        self.expected = -1
        """The first header word of the next packet as far as it is `STABLE`."""
        self.shape = self.place = 0
        """The extension block's header, and where the transport-wide number's element is; or 0."""
        self.live = False
        """Whether it has come from the server's memory to the live edge."""
        self.high = -1
        self.base = 0
        self.absent = 0
        """Packets that did not come, unless repaired: retransmissions have a stream of their own."""
        self.missing: dict[int, float] = {}
        """Extended sequence numbers of gaps, and since when they are known."""
        self.waiting = self.video
        """For a keyframe."""
        self.steady = False
        self.shown_at = 0.0
        self.frames = 0
        """Pictures shown since the last look."""
        self.limit = FREEZE
        self.frozen = 0.0
        """Seconds of a standing picture that have been counted already; 0 while it moves."""
        self.jitter = 0.0
        self.until_sample = random.randint(1, SAMPLE_EVERY)
        self.report_ntp, self.report_at = 0, 0.0
        self._is_keyframe: Callable[[bytes], bool] = keyframe_detector(codec.name)
        self._careful = careful
        self._nack = nack and "nack" in codec.feedback
        self._asked: dict[int, float] = {}
        self._ends: list[int] = []
        self._key: tuple[int, int, int | None] | None = None
        self._meter = meter
        self._mark: tuple[float, int] | None = None
        self._looked_at = 0.0
        self._expected_before = self._received_before = 0

    def take(
        self, word: int, timestamp: int, payload: bytes | None, at: float, *, repaired: bool = False
    ) -> bool:
        """A packet by its header, while a keyframe is waited for with its payload. False for a duplicate."""
        sequence = word & 0xFFFF
        if self.high < 0:
            self.high = self.base = extended = sequence + 0x10000
            self.shown_at = at
        else:
            self._catch_up()
            extended = self.high + ((sequence - self.high + 0x8000 & 0xFFFF) - 0x8000)
            if extended > self.high:
                self._note_gap(extended, at)
            elif extended in self.missing:
                del self.missing[extended]
                self._asked.pop(extended, None)
                self.absent -= not repaired
            else:
                return False
        if not repaired:
            self._meter.packets += 1
        if extended == self.high:
            self.expected = word & 0xDF7F0000 | (word + 1 & 0xFFFF)
        if self.video:
            self._note_picture(extended, timestamp, bool(word & MARKER), payload, at)
        self._settle()
        return True

    def shown(self, at: float) -> None:
        """A picture is whole, and so is all that it needs."""
        gap = at - self.shown_at
        if self.frozen or gap > self.limit:
            self._meter.freezes += not self.frozen
            self._meter.freeze_seconds += gap - self.frozen
            self.frozen = 0.0
        count(self._meter.gap, gap)
        self.frames += 1
        self.shown_at = at

    def note_jitter(self, timestamp: int, at: float) -> None:
        """Every second time: compare a packet with the one before (RFC 3550 section 6.4.1)."""
        mark, self._mark = self._mark, (at, timestamp)
        if mark is not None:
            self._mark = None
            late = (at - mark[0]) * self.rate - (timestamp - mark[1] & 0xFFFFFFFF)
            self.jitter += (abs(late) - self.jitter) / 16

    def look(self, now: float) -> None:
        """Once a second: count a picture that stands at Unix time `now`, and adapt to the frame rate."""
        if self.frames and self._looked_at:
            self.limit = max(FREEZE, USUAL_TIMES * (now - self._looked_at) / self.frames)
        self.frames, self._looked_at = 0, now
        if not self.video or self.began is not None:
            return
        standing = now - self.shown_at
        if standing > self.limit:
            self._meter.freezes += not self.frozen
            self._meter.freeze_seconds += standing - self.frozen
            self.frozen = standing

    def ask(self, now: float) -> tuple[list[int], bool]:
        """Sequence numbers to ask for now, and whether the picture needs a keyframe as some never came."""
        patience = PATIENCE if self._nack else REORDERING
        given_up = [number for number, since in self.missing.items() if now - since > patience]
        self._give_up(given_up)
        if given_up:
            self._lose(max(given_up))
            self._settle()
        if not self._nack:
            return [], bool(given_up) and self.video
        due = [number for number in self.missing if self._asked.get(number, 0.0) <= now]
        for number in due:
            self._asked[number] = now + ASK_AGAIN
        return [number & 0xFFFF for number in due], bool(given_up) and self.video

    def report(self, now: float) -> bytes:
        """The reception report block since the last one (RFC 3550 section 6.4.1)."""
        self._catch_up()
        expected = self.high - self.base + 1
        received = expected - self.absent
        interval = expected - self._expected_before
        lost = max(0, interval - (received - self._received_before))
        self._expected_before, self._received_before = expected, received
        fraction = min(255, lost * 256 // interval) if interval > 0 else 0
        cumulative = max(0, min(0x7FFFFF, expected - received))
        delay = round((now - self.report_at) * 65_536) if self.report_ntp else 0
        return _REPORT.pack(
            self.ssrc,
            fraction << 24 | cumulative,
            self.high - 0x10000 & 0xFFFFFFFF,
            int(self.jitter) & 0xFFFFFFFF,
            self.report_ntp,
            min(0xFFFFFFFF, max(0, delay)),
        )

    def _settle(self) -> None:
        self.steady = not (self._careful or self.missing or self.waiting or self._ends)

    def _catch_up(self) -> None:
        """Bring `high` to where the reader has come."""
        self.high += (self.expected & 0xFFFF) - 1 - self.high & 0xFFFF

    def _note_gap(self, extended: int, at: float) -> None:
        gap = range(self.high + 1, extended)
        self.high = extended
        if not gap:
            return
        self._meter.missing += len(gap)
        self.absent += len(gap)
        if len(gap) > LONGEST_GAP:
            self._meter.lost += len(gap) + len(self.missing)
            self.missing.clear()
            self._asked.clear()
            self._lose(extended - 1)
            return
        for number in gap:
            self.missing[number] = at

    def _give_up(self, numbers: list[int]) -> None:
        """These packets never came, or are of no use any more."""
        self._meter.lost += len(numbers)
        for number in numbers:
            del self.missing[number]
            self._asked.pop(number, None)

    def _lose(self, last: int) -> None:
        """Packets up to `last` will not come: pictures after it cannot be decoded."""
        if not self.video:
            return
        self._ends = []
        if self._key is None or self._key[0] <= last:
            self._key = None
        self.waiting = True

    def _note_picture(
        self, extended: int, timestamp: int, marker: bool, payload: bytes | None, at: float
    ) -> None:
        if self.waiting and self._key is None and payload is not None and self._is_keyframe(payload):
            self._key = (extended, timestamp, None)
        if marker and not (self.waiting and self._key is None):
            self._ends.append(extended)
            self._ends.sort()
        if self.waiting:
            if self._key is not None and marker and self._key[1] == timestamp:
                self._key = (self._key[0], timestamp, extended)
            if not self._key_is_whole():
                return
            assert self._key is not None
            first, last = self._key[0], self._key[2] or 0
            self._ends = [end for end in self._ends if end > last]
            self._key = None
            self._give_up([number for number in self.missing if number < first])
            self._begin(at)
        floor = min(self.missing, default=self.high + 1)
        while self._ends and self._ends[0] < floor:
            del self._ends[0]
            self.shown(at)

    def _key_is_whole(self) -> bool:
        if self._key is None:
            return False
        first, _, last = self._key
        if last is None:
            return False
        return not any(first <= number <= last for number in self.missing)

    def _begin(self, at: float) -> None:
        """The keyframe that was waited for is whole."""
        self.waiting = False
        if self.began is None:
            self.shown(at)
            return
        count(self._meter.join, at - self.began)
        self.began = None
        self.shown_at = at

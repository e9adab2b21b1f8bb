"""Frames that leave no faster than a browser lets them."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

from loadtest.engine.pacer import AT_ONCE, STEP, Pacer

RATE = 100_000.0
PACKET = b"x" * 1_000


class Rig:
    """A loop in virtual time, and a stream that notes what is sent when."""

    def __init__(self) -> None:
        self.now = 0.0
        self.due: list[tuple[float, Callable[[], None]]] = []
        self.sent: list[tuple[float, int, float, bool]] = []
        self.pacer = Pacer(self, RATE, self)  # type: ignore[arg-type]

    def time(self) -> float:
        return self.now

    def call_later(self, delay: float, call: Callable[[], None]) -> Any:
        entry = (self.now + delay, call)
        self.due.append(entry)

        class Handle:
            def cancel(handle) -> None:
                self.due.remove(entry)

        return Handle()

    def send(
        self, payloads: list[bytes], captured: float, now: float, *, marker: bool, ends: bool = True
    ) -> None:
        assert marker
        self.sent.append((self.now, len(payloads), captured, ends))

    def run(self, until: float) -> None:
        while self.due and min(self.due)[0] <= until:
            self.now, call = self.due.pop(self.due.index(min(self.due, key=lambda entry: entry[0])))
            call()
        self.now = until


def test_a_small_frame_leaves_at_once_and_whole() -> None:
    rig = Rig()
    rig.pacer.send([PACKET] * 3, 7.0)
    assert rig.sent == [(0.0, 3, 7.0, True)]
    assert rig.due == []


def test_a_keyframe_leaves_at_the_paced_rate_and_ends_once() -> None:
    rig = Rig()
    rig.pacer.send([PACKET] * 20, 7.0)
    rig.run(1.0)
    assert sum(count for _, count, _, _ in rig.sent) == 20
    assert rig.sent[0][1] * 1_000 == RATE * AT_ONCE
    assert [ends for *_, ends in rig.sent] == [False] * (len(rig.sent) - 1) + [True]
    assert rig.sent[-1][0] == pytest.approx(20_000 / RATE - AT_ONCE, abs=2 * STEP)


def test_the_next_frame_waits_for_the_one_before() -> None:
    rig = Rig()
    rig.pacer.send([PACKET] * 10, 7.0)
    rig.run(0.005)
    rig.pacer.send([PACKET], 7.04)
    rig.run(1.0)
    assert [captured for _, _, captured, _ in rig.sent] == sorted(captured for _, _, captured, _ in rig.sent)
    assert [captured for *_, captured, ends in rig.sent if ends] == [7.0, 7.04]


def test_nothing_is_sent_after_the_end() -> None:
    rig = Rig()
    rig.pacer.send([PACKET] * 20, 7.0)
    before = len(rig.sent)
    rig.pacer.close()
    rig.run(1.0)
    assert len(rig.sent) == before
